import { join } from 'node:path';
import { awsCliVenv } from '../../../local/paths.ts';
import { ensurePython } from '../../../local/python.ts';

/** Installs the AWS CLI if it is missing, and prints the path of its Python. */
const python = await ensurePython({
  directory: awsCliVenv,
  requirements: join(import.meta.dirname, 'requirements.txt'),
});
process.stdout.write(python);
