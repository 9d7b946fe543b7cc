import { readFileSync } from 'node:fs';
import * as z from 'zod';
import { explain } from './explain.ts';
import { CliProblem } from './problem.ts';
import { type Where, whereOptions, whereTo } from './where.ts';

/** A command's way to the system: where it is, and App1's API there. */

export const connectOptions = z.object({
  ...whereOptions.shape,
  apiUrl: z.url().optional(),
  apiKeyFile: z.string().optional(),
});
export type ConnectOptions = z.infer<typeof connectOptions>;

export interface Connection extends Pick<Where, 'where' | 'client' | 'app1' | 'app2'> {
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
  { apiUrl, apiKeyFile, ...options }: ConnectOptions,
  { environment, interrupted }: { environment: NodeJS.ProcessEnv; interrupted: AbortSignal },
): Connection {
  const place = whereTo(options, environment);
  return {
    ...place,
    callApp1: async (method, path, headers = {}, body) =>
      place.signedFetch(`${apiUrl?.replace(/\/$/, '') ?? (await place.app1()).api_url}${path}`, {
        method,
        headers: { ...headers, ...(apiKeyFile === undefined ? {} : { 'x-api-key': apiKeyIn(apiKeyFile) }) },
        signal: AbortSignal.any([AbortSignal.timeout(CALL_LIMIT), interrupted]),
        ...(body === undefined ? {} : { body }),
      }),
  };
}

function apiKeyIn(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    throw new CliProblem(
      'usage',
      'NO_API_KEY',
      `${file} cannot be read.`,
      'Name the file that holds the API key.',
    );
  }
}

/** What can be seen, or why it cannot. */
export type Seen<Value> = { there: true; value: Value } | { there: false; why: CliProblem };

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
