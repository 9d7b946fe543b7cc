import { GetSecretValueCommand, type SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import * as z from 'zod';
import { timeLimits } from '../../../contracts/time-limits.ts';
import { logger } from '../../shared/logger.ts';
import { RequestProblem } from '../../shared/problem.ts';

/** Response of the legacy endpoint, which is proxied unchanged. */
export interface LegacyResponse {
  status: number;
  /** JSON text; empty for a response without a body. */
  body: string;
}

/** An API key for `x-api-key`: no characters that end a header. */
const apiKey = z
  .string()
  .trim()
  .regex(/^[\x21-\x7e]{1,1024}$/);

interface Services {
  /** URL of the POST. */
  url: string;
  secretsManager: Pick<SecretsManagerClient, 'send'>;
  /** Secret whose value is the API key. */
  secretArn: string;
  fetch: typeof globalThis.fetch;
}

/** Client of the legacy endpoint. It is synchronous and not idempotent, so no request is sent twice. */
export function legacyEndpoint({ url, secretsManager, secretArn, fetch }: Services) {
  let key: Promise<string> | undefined;

  const readKey = async (abortSignal: AbortSignal): Promise<string> => {
    const { SecretString } = await secretsManager.send(new GetSecretValueCommand({ SecretId: secretArn }), {
      abortSignal,
    });
    const read = apiKey.safeParse(SecretString);
    if (!read.success) throw new Error('The secret does not contain an API key for the legacy endpoint.');
    return read.data;
  };
  /** The cached key. If it could not be read, the next request reads it again. */
  const currentKey = (signal: AbortSignal): Promise<string> => {
    key ??= readKey(signal).catch((error: unknown) => {
      key = undefined;
      throw error;
    });
    return key;
  };

  return {
    /**
     * @throws RequestProblem LEGACY_TIMEOUT after the timeout; LEGACY_UNAVAILABLE without a response that can be proxied
     */
    async request(body: string): Promise<LegacyResponse> {
      const signal = AbortSignal.timeout(timeLimits.legacyRequest * 1000);
      const attempt = async () => {
        const headers = { 'Content-Type': 'application/json', 'x-api-key': await currentKey(signal) };
        return orProblem(() => fetch(url, { method: 'POST', headers, body, redirect: 'manual', signal }));
      };
      let response = await attempt();
      if (isRefusal(response)) {
        // The cached key may have been rotated. A refused request had no effect, so it can be sent again.
        key = undefined;
        response = await attempt();
      }
      const redirects = response.status >= 300 && response.status < 400;
      // The refusal concerns App1's key, not the caller.
      if (isRefusal(response) || redirects) throw unavailable(`HTTP ${response.status}`);
      const text = await orProblem(() => response.text());
      if (!isJson(text)) throw unavailable(`HTTP ${response.status}, not JSON`);
      return { status: response.status, body: text };
    },
  };
}

const isRefusal = ({ status }: Response): boolean => status === 401 || status === 403;

async function orProblem<Value>(call: () => Promise<Value>): Promise<Value> {
  try {
    return await call();
  } catch (error) {
    // A DOMException, which need not be an Error.
    const name = typeof error === 'object' && error !== null && 'name' in error ? error.name : 'unknown';
    if (name !== 'TimeoutError') throw unavailable(String(name));
    logger.error('The legacy endpoint timed out');
    throw new RequestProblem('LEGACY_TIMEOUT');
  }
}

function unavailable(reason: string): RequestProblem {
  logger.error('The legacy endpoint is not available', { reason });
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
