import { join } from 'node:path';
import { schemathesisVenv } from '../../../local/paths.ts';
import { ensurePython } from '../../../local/python.ts';

/** Installs Schemathesis where it is missing, and says which Python has it. */
const python = await ensurePython({
  directory: schemathesisVenv,
  requirements: join(import.meta.dirname, 'requirements.txt'),
});
process.stdout.write(python);
