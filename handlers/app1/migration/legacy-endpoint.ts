import { GetSecretValueCommand, type SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import * as z from 'zod';
import { timeLimits } from '../../../contracts/time-limits.ts';
import { logger } from '../../shared/logger.ts';
import { RequestProblem } from '../../shared/problem.ts';

/** What the legacy endpoint said: passed on as it is. */
export interface LegacyAnswer {
  status: number;
  /** A JSON text; empty for an answer without a body. */
  body: string;
}

/** A key as it is sent in `x-api-key`: nothing that could end the header. */
const apiKey = z
  .string()
  .trim()
  .regex(/^[\x21-\x7e]{1,1024}$/);

interface Services {
  /** Address that takes the POST. */
  url: string;
  secretsManager: Pick<SecretsManagerClient, 'send'>;
  /** The secret whose whole value is the API key. */
  secretArn: string;
  fetch: typeof globalThis.fetch;
}

/** The endpoint that made users before. It answers when it is done and knows of no repeats, so nothing is sent twice. */
export function legacyEndpoint({ url, secretsManager, secretArn, fetch }: Services) {
  let key: Promise<string> | undefined;

  const readKey = async (abortSignal: AbortSignal): Promise<string> => {
    const { SecretString } = await secretsManager.send(new GetSecretValueCommand({ SecretId: secretArn }), {
      abortSignal,
    });
    const read = apiKey.safeParse(SecretString);
    if (!read.success) throw new Error('The secret does not hold an API key for the legacy endpoint.');
    return read.data;
  };
  /** The key, kept in memory; one that could not be read is asked for again by the next request. */
  const currentKey = (signal: AbortSignal): Promise<string> => {
    key ??= readKey(signal).catch((error: unknown) => {
      key = undefined;
      throw error;
    });
    return key;
  };

  return {
    /**
     * @throws RequestProblem LEGACY_TIMEOUT when no answer came in time, LEGACY_UNAVAILABLE when there was none that could
     * be passed on
     */
    async request(body: string): Promise<LegacyAnswer> {
      const signal = AbortSignal.timeout(timeLimits.legacyRequest * 1000);
      const attempt = async () => {
        const headers = { 'Content-Type': 'application/json', 'x-api-key': await currentKey(signal) };
        return answered(() => fetch(url, { method: 'POST', headers, body, redirect: 'manual', signal }));
      };
      let response = await attempt();
      if (isRefusal(response)) {
        // The key may have been rotated since it was read; a request that was refused had no effect.
        key = undefined;
        response = await attempt();
      }
      const redirects = response.status >= 300 && response.status < 400;
      // Its refusal is about App1's key, not about the caller.
      if (isRefusal(response) || redirects) throw unavailable(`HTTP ${response.status}`);
      const text = await answered(() => response.text());
      if (!isJson(text)) throw unavailable(`HTTP ${response.status}, not JSON`);
      return { status: response.status, body: text };
    },
  };
}

const isRefusal = ({ status }: Response): boolean => status === 401 || status === 403;

async function answered<Value>(wait: () => Promise<Value>): Promise<Value> {
  try {
    return await wait();
  } catch (error) {
    // A DOMException, which need not be an Error.
    const name = typeof error === 'object' && error !== null && 'name' in error ? error.name : 'unknown';
    if (name !== 'TimeoutError') throw unavailable(String(name));
    logger.error('The legacy endpoint did not answer in time');
    throw new RequestProblem('LEGACY_TIMEOUT');
  }
}

function unavailable(said: string): RequestProblem {
  logger.error('The legacy endpoint gave no answer to pass on', { said });
  return new RequestProblem('LEGACY_UNAVAILABLE');
}

function isJson(text: string): boolean {
  try {
    if (text !== '') JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
