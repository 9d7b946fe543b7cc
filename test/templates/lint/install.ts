import { join } from 'node:path';
import { lintVenv } from '../../../local/paths.ts';
import { ensurePython } from '../../../local/python.ts';

/** Installs the linters where they are missing, and says which Python has them. */
const python = await ensurePython({
  directory: lintVenv,
  requirements: join(import.meta.dirname, 'requirements.txt'),
});
process.stdout.write(python);
