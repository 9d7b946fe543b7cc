import { readFileSync } from 'node:fs';
import * as z from 'zod';
import { CliError } from './cli-error.ts';
import { explain } from './explain.ts';
import { type TargetEnvironment, targetEnvironment, targetEnvironmentOptions } from './target-environment.ts';

/** A command's way to the system: where it is, and App1's API there. */

export const apiUrl = z
  .url({ protocol: /^https?$/, error: 'must be an address like https://api.example.com/v1' })
  .refine((address) => !/[?#@]/.test(address), 'must be an address without a user, a query or a fragment');

export const connectOptions = z.object({
  ...targetEnvironmentOptions.shape,
  apiUrl: apiUrl.optional(),
  apiKeyFile: z.string().optional(),
});
export type ConnectOptions = z.infer<typeof connectOptions>;

export interface Connection
  extends Pick<TargetEnvironment, 'where' | 'client' | 'identity' | 'app1' | 'app2'> {
  /** A request to App1's API, signed. `path` begins behind the stage. */
  callApp1(
    method: 'GET' | 'POST' | 'DELETE',
    path: string,
    headers?: Record<string, string>,
    body?: string,
  ): Promise<Response>;
}

/** API Gateway gives up after 29 seconds. */
const CALL_LIMIT = 35_000; // milliseconds

/** @throws Problem when neither a local AWS is up nor AWS was asked for */
export function connect(
  { apiUrl: address, apiKeyFile, ...options }: ConnectOptions,
  { environment, interrupted }: { environment: NodeJS.ProcessEnv; interrupted: AbortSignal },
): Connection {
  const place = targetEnvironment(options, environment);
  return {
    ...place,
    callApp1: async (method, path, headers = {}, body) =>
      place.signedFetch(`${address?.replace(/\/$/, '') ?? (await place.app1()).api_url}${path}`, {
        method,
        headers: { ...headers, ...(apiKeyFile === undefined ? {} : { 'x-api-key': apiKeyIn(apiKeyFile) }) },
        signal: AbortSignal.any([AbortSignal.timeout(CALL_LIMIT), interrupted]),
        ...(body === undefined ? {} : { body }),
      }),
  };
}

/**
 * The API key that is all there is in a file. What is wrong with the file is said without repeating any of it.
 * @throws CliError when it cannot be read, or holds anything else than one key
 */
export function apiKeyIn(file: string): string {
  const text = contentOf(file).replace(/\r?\n$/, '');
  if (text === '') throw noApiKey(`${file} is empty.`);
  if (/[\r\n]/.test(text)) throw noApiKey(`${file} has more than one line.`);
  if (/^[\x21-\x7e]+$/.test(text)) return text;
  throw noApiKey(`${file} has a character that no API key has, like a blank.`);
}

function contentOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    throw noApiKey(`${file} cannot be read.`);
  }
}

const noApiKey = (message: string) =>
  new CliError('usage', 'NO_API_KEY', message, 'Name a file that holds the API key, alone and on one line.');

/** What can be seen, or why it cannot. */
export type Seen<Value> = { there: true; value: Value } | { there: false; why: CliError };

/** Looks at what may be out of sight: in another account, or without a right to it. */
export async function seen<Value>(look: () => Promise<Value>): Promise<Seen<Value>> {
  try {
    return { there: true, value: await look() };
  } catch (error) {
    const why = explain(error);
    if (why.exit === 'unreachable') return { there: false, why };
    throw error;
  }
}
