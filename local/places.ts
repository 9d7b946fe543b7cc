import { isAbsolute, join } from 'node:path';
import { Problem } from './problem.ts';

/** The checkout. */
export const root = join(import.meta.dirname, '..');

/** Everything that is installed or written locally lies under the checkout's `.local`, except where a setting says so. */
const base = join(root, '.local');

/** Our own Python packages; one venv for all local AWSs of the checkout. */
export const venv = join(base, 'venv');

/** The Python packages that check the running APIs against their documents; tests only. */
export const schemathesisVenv = join(base, 'schemathesis');

/** The Python packages that check templates, policies and recorded calls without an account; tests only. */
export const lintVenv = join(base, 'lint');

/** The AWS command line, with which tests run the commands of the documentation. */
export const awsCliVenv = join(base, 'aws-cli');

/**
 * Where tests keep their local AWS, apart from the one of `npm run up`. `TEST_DIRECTORY` names another folder, for a
 * second run beside the first.
 */
export const testDirectory = join(base, process.env['TEST_DIRECTORY'] ?? 'test');
/** `FAULTS_DIRECTORY` names another folder, for a second run of the failure suite beside the first. */
export const faultsDirectory = join(base, process.env['FAULTS_DIRECTORY'] ?? 'faults');

/** Where the local AWS of each suite keeps samples of requests and answers, in a folder of its own. */
export const recordings = join(base, 'recordings');

/** Where `npm run bench -- burst` and its test keep their local AWS. */
export const burstDirectory = join(base, 'burst');

export interface Settings {
  directory: string;
  port: number;
  /** What the functions see as AWS, when that is not the local AWS itself (a proxy that injects faults). */
  lambdaEndpoint: string | undefined;
}

/** Settings by environment: LOCAL_AWS_DIR, LOCAL_AWS_PORT, LOCAL_AWS_LAMBDA_ENDPOINT. */
export function settings(environment: NodeJS.ProcessEnv = process.env): Settings {
  const directory = environment['LOCAL_AWS_DIR'] ?? '.local';
  const port = Number(environment['LOCAL_AWS_PORT'] ?? 4566);
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    throw new Problem(
      `LOCAL_AWS_PORT is not a port: ${environment['LOCAL_AWS_PORT']}.`,
      'Set a number from 1 to 65535.',
    );
  return {
    directory: isAbsolute(directory) ? directory : join(root, directory),
    port,
    lambdaEndpoint: environment['LOCAL_AWS_LAMBDA_ENDPOINT'],
  };
}
