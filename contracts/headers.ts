import * as z from 'zod';

/** App1's `Idempotency-Key`: the caller chooses it, 1–255 printable ASCII characters. */
export const idempotencyKey = z
  .string()
  .regex(/^[\x21-\x7e]{1,255}$/, 'must be 1 to 255 printable ASCII characters without spaces');

/**
 * `On-Behalf-Of` at App2: the caller of App1's API, as App1 has verified it. App2 records it and cannot verify it.
 */
export const onBehalfOf = z
  .string()
  .regex(/^[\x21-\x7e]{1,255}$/, 'must be 1 to 255 printable ASCII characters without spaces');

/**
 * `Creation-Id` at a target: the generation of the provisioning, which App1 generates. For a client without the header
 * the target generates one.
 */
export const CREATION_ID_HEADER = 'Creation-Id';

/** Longest wait that a caller can request, in seconds. */
export const MAX_WAIT_SECONDS = 20;

/**
 * Seconds that the caller prefers to wait for the outcome (RFC 7240 `Prefer: respond-async, wait=10`); 0 without the
 * preference. An invalid preference is ignored, as the RFC requires; a longer wait counts as `MAX_WAIT_SECONDS`.
 */
export function preferredWait(prefer: string | undefined): number {
  const wait = /(?:^|[,;\s])wait\s*=\s*"?(\d{1,9})"?\s*(?:$|[,;\s])/i.exec(prefer ?? '')?.[1];
  return wait === undefined ? 0 : Math.min(Number(wait), MAX_WAIT_SECONDS);
}

/**
 * Whether the client accepts an immediate response and a completion notification later (RFC 7240
 * `Prefer: respond-async`). With `wait` as well, the server may also wait for the outcome.
 */
export const prefersAsync = (prefer: string | undefined): boolean =>
  /(?:^|[,;\s])respond-async\s*(?:$|[,;\s])/i.test(prefer ?? '');

/** Value of `Preference-Applied` in an immediate response, after which a completion notification follows. */
export const RESPOND_ASYNC = 'respond-async';

/**
 * Headers of every response, of functions and of API Gateway: no caching, no MIME sniffing, TLS only.
 */
export const commonHeaders = {
  'Cache-Control': 'no-store',
  'Strict-Transport-Security': 'max-age=63072000; includeSubDomains',
  'X-Content-Type-Options': 'nosniff',
} as const;

/** Request header that selects the workflow while a legacy endpoint is being replaced: `x-use-cognito: true`. */
export const BACKEND_HEADER = 'x-use-cognito';

/** Response header with the backend that served the request; only while a legacy endpoint is being replaced. */
export const PROVISIONED_BY = 'X-Provisioned-By';
