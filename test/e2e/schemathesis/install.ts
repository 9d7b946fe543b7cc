import { join } from 'node:path';
import { schemathesisVenv } from '../../../local/paths.ts';
import { ensurePython } from '../../../local/python.ts';

/** Installs Schemathesis if it is missing, and prints the path of its Python. */
const python = await ensurePython({
  directory: schemathesisVenv,
  requirements: join(import.meta.dirname, 'requirements.txt'),
});
process.stdout.write(python);
