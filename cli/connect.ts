import { readFileSync } from 'node:fs';
import * as z from 'zod';
import { CliError } from './cli-error.ts';
import { explain } from './explain.ts';
import { type TargetEnvironment, targetEnvironment, targetEnvironmentOptions } from './target-environment.ts';

/** Connects a command to a deployed system: its target environment and App1's API. */

export const apiUrl = z
  .url({ protocol: /^https?$/, error: 'must be a URL like https://api.example.com/v1' })
  .refine((address) => !/[?#@]/.test(address), 'must be a URL without a user, a query or a fragment');

export const connectOptions = z.object({
  ...targetEnvironmentOptions.shape,
  apiUrl: apiUrl.optional(),
  apiKeyFile: z.string().optional(),
});
export type ConnectOptions = z.infer<typeof connectOptions>;

export interface Connection
  extends Pick<TargetEnvironment, 'displayName' | 'client' | 'identity' | 'app1' | 'targets' | 'target'> {
  /** Sends a signed request to App1's API. `path` is the part after the stage. */
  callApp1(
    method: 'GET' | 'POST' | 'DELETE',
    path: string,
    headers?: Record<string, string>,
    body?: string,
  ): Promise<Response>;
}

/** Longer than the integration timeout of API Gateway, which is 29 seconds. */
const CALL_LIMIT = 35_000; // milliseconds

/** @throws CommandError when no local AWS is up and no option selects AWS */
export function connect(
  { apiUrl: address, apiKeyFile, ...options }: ConnectOptions,
  { environment, interrupted }: { environment: NodeJS.ProcessEnv; interrupted: AbortSignal },
): Connection {
  const target = targetEnvironment(options, environment);
  return {
    ...target,
    callApp1: async (method, path, headers = {}, body) =>
      target.signedFetch(`${address?.replace(/\/$/, '') ?? (await target.app1()).api_url}${path}`, {
        method,
        headers: { ...headers, ...(apiKeyFile === undefined ? {} : { 'x-api-key': readApiKey(apiKeyFile) }) },
        signal: AbortSignal.any([AbortSignal.timeout(CALL_LIMIT), interrupted]),
        ...(body === undefined ? {} : { body }),
      }),
  };
}

/**
 * Reads an API key from a file that contains nothing else. The error repeats nothing of the content.
 * @throws CliError when the file cannot be read or does not contain exactly one key
 */
export function readApiKey(file: string): string {
  const text = readText(file).replace(/\r?\n$/, '');
  if (text === '') throw apiKeyError(`${file} is empty.`);
  if (/[\r\n]/.test(text)) throw apiKeyError(`${file} has more than one line.`);
  if (/^[\x21-\x7e]+$/.test(text)) return text;
  throw apiKeyError(`${file} contains a character that is not allowed in an API key, like a space.`);
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    throw apiKeyError(`${file} cannot be read.`);
  }
}

const apiKeyError = (message: string) =>
  new CliError('usage', 'NO_API_KEY', message, 'Name a file that contains only the API key, on one line.');

/** A value that was read, or the error when it is not available. */
export type ReadResult<Value> = { isAvailable: true; value: Value } | { isAvailable: false; error: CliError };

/** Reads a value that may not be available: it is in another account, or the caller has no permission to read it. */
export async function tryRead<Value>(read: () => Promise<Value>): Promise<ReadResult<Value>> {
  try {
    return { isAvailable: true, value: await read() };
  } catch (error) {
    const explained = explain(error);
    if (explained.exit === 'unreachable') return { isAvailable: false, error: explained };
    throw error;
  }
}
