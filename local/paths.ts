import { join } from 'node:path';
import { dataDirectory } from '../cli/support/paths.ts';

/** Our own Python packages; one venv for all local AWSs of the checkout. */
export const venv = join(dataDirectory, 'venv');

/** The Python packages that check the running APIs against their documents; tests only. */
export const schemathesisVenv = join(dataDirectory, 'schemathesis');

/** The Python packages that check templates, policies and recorded calls without an account; tests only. */
export const lintVenv = join(dataDirectory, 'lint');

/** The AWS command line, with which tests run the commands of the documentation. */
export const awsCliVenv = join(dataDirectory, 'aws-cli');

/**
 * Where tests keep their local AWS, apart from the one of `npm run up`. `TEST_DIRECTORY` names another folder, for a
 * second run beside the first.
 */
export const testDirectory = join(dataDirectory, process.env['TEST_DIRECTORY'] ?? 'test');
/** `FAULTS_DIRECTORY` names another folder, for a second run of the failure suite beside the first. */
export const faultsDirectory = join(dataDirectory, process.env['FAULTS_DIRECTORY'] ?? 'faults');

/** Where the local AWS of each suite keeps samples of requests and answers, in a folder of its own. */
export const recordings = join(dataDirectory, 'recordings');

/** Where `npm run test:load` and the load project keep their local AWS. */
export const loadDirectory = join(dataDirectory, 'load');
