import { existsSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { CommandError } from './command-error.ts';

/** The root folder of the checkout, or of the package: there this file is part of dist/cli/provision.mjs, as deep below it. */
export const root = join(import.meta.dirname, '..', '..');

/** Whether this is a checkout, which can start a local AWS, and not the installed package. */
export const isCheckout = existsSync(join(root, 'local'));

/** The default folder for everything that is installed or written locally. */
export const dataDirectory = join(root, '.local');

export interface Settings {
  directory: string;
  port: number;
  /** The endpoint that functions use as AWS, if it is not the local AWS itself (a proxy that injects faults). */
  lambdaEndpoint: string | undefined;
}

/** Reads the settings from the environment: LOCAL_AWS_DIR, LOCAL_AWS_PORT, LOCAL_AWS_LAMBDA_ENDPOINT. */
export function settings(environment: NodeJS.ProcessEnv = process.env): Settings {
  const directory = environment['LOCAL_AWS_DIR'] ?? '.local';
  const port = Number(environment['LOCAL_AWS_PORT'] ?? 4566);
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    throw new CommandError(
      `LOCAL_AWS_PORT is not a port: ${environment['LOCAL_AWS_PORT']}.`,
      'Set a number from 1 to 65535.',
    );
  return {
    directory: isAbsolute(directory) ? directory : join(root, directory),
    port,
    lambdaEndpoint: environment['LOCAL_AWS_LAMBDA_ENDPOINT'],
  };
}
