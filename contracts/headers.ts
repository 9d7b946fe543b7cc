import * as z from 'zod';

/** App1's `Idempotency-Key`: chosen by the caller, 1–255 printable ASCII characters. */
export const idempotencyKey = z
  .string()
  .regex(/^[\x21-\x7e]{1,255}$/, 'must be 1 to 255 printable ASCII characters without spaces');

/**
 * `On-Behalf-Of` at App2: whom App1 has verified as the caller of its own API. A statement of App1, which App2 records
 * and cannot check.
 */
export const onBehalfOf = z
  .string()
  .regex(/^[\x21-\x7e]{1,255}$/, 'must be 1 to 255 printable ASCII characters without spaces');

/**
 * `Creation-Id` at a target: the generation of the provisioning, which App1 has drawn. A target draws one itself for a
 * client that sends none.
 */
export const CREATION_ID_HEADER = 'Creation-Id';

/** Longest wait that a caller can ask for, in seconds. */
export const MAX_WAIT_SECONDS = 20;

/**
 * Seconds that the caller wants to wait for the end (RFC 7240 `Prefer: respond-async, wait=10`); 0 without one.
 * A preference that cannot be honoured is ignored, as the RFC wants it; one above the maximum counts as the maximum.
 */
export function preferredWait(prefer: string | undefined): number {
  const wait = /(?:^|[,;\s])wait\s*=\s*"?(\d{1,9})"?\s*(?:$|[,;\s])/i.exec(prefer ?? '')?.[1];
  return wait === undefined ? 0 : Math.min(Number(wait), MAX_WAIT_SECONDS);
}

/**
 * Whether the client wants its answer at once and learns of the end by itself (RFC 7240 `Prefer: respond-async`). With
 * `wait` beside it: it may be answered later, too, if that suits the server better.
 */
export const prefersAsync = (prefer: string | undefined): boolean =>
  /(?:^|[,;\s])respond-async\s*(?:$|[,;\s])/i.test(prefer ?? '');

/** Value of `Preference-Applied` of an answer that came at once, because a completion notification follows. */
export const RESPOND_ASYNC = 'respond-async';

/**
 * What every answer carries, whoever gives it: an answer is for one caller at one time, is read as what it says that
 * it is, and only over TLS.
 */
export const commonHeaders = {
  'Cache-Control': 'no-store',
  'Strict-Transport-Security': 'max-age=63072000; includeSubDomains',
  'X-Content-Type-Options': 'nosniff',
} as const;

/** By which a caller chooses the workflow while a legacy endpoint is being replaced: `x-use-cognito: true`. */
export const BACKEND_HEADER = 'x-use-cognito';

/** Which of the two has served a request; only while a legacy endpoint is being replaced. */
export const PROVISIONED_BY = 'X-Provisioned-By';
