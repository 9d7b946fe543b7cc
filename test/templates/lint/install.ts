import { join } from 'node:path';
import { lintVenv } from '../../../local/paths.ts';
import { ensurePython } from '../../../local/python.ts';

/** Installs the linters if they are missing, and prints the path of their Python interpreter. */
const python = await ensurePython({
  directory: lintVenv,
  requirements: join(import.meta.dirname, 'requirements.txt'),
});
process.stdout.write(python);
