import { join } from 'node:path';
import { awsCliVenv } from '../../../local/paths.ts';
import { ensurePython } from '../../../local/python.ts';

/** Installs the AWS command line where it is missing, and says which Python has it. */
const python = await ensurePython({
  directory: awsCliVenv,
  requirements: join(import.meta.dirname, 'requirements.txt'),
});
process.stdout.write(python);
