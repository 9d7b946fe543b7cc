import { join } from 'node:path';
import { dataDirectory } from '../cli/support/paths.ts';

/** The venv of the local AWS, shared by all local AWSs of the checkout. */
export const venv = join(dataDirectory, 'venv');

/** The venv of Schemathesis, which checks the running APIs against their documents; tests only. */
export const schemathesisVenv = join(dataDirectory, 'schemathesis');

/** The venv of the linters for templates, policies and recorded calls; tests only. */
export const lintVenv = join(dataDirectory, 'lint');

/** The venv of the AWS CLI, with which tests run the commands of the documentation. */
export const awsCliVenv = join(dataDirectory, 'aws-cli');

/** The folder of the tests' local AWS. `TEST_DIRECTORY` selects another one, for a second run at the same time. */
export const testDirectory = join(dataDirectory, process.env['TEST_DIRECTORY'] ?? 'test');
/** The folder of the failure suite's local AWS. `FAULTS_DIRECTORY` selects another one, for a second run at the same time. */
export const faultsDirectory = join(dataDirectory, process.env['FAULTS_DIRECTORY'] ?? 'faults');

/** The folder with the samples of requests and responses of each suite. */
export const recordings = join(dataDirectory, 'recordings');

/** The folder of the local AWS of `npm run test:load` and of the load project. */
export const loadDirectory = join(dataDirectory, 'load');
