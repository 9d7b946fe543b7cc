import * as z from 'zod';

/** App1's `Idempotency-Key`: chosen by the caller, 1–255 printable ASCII characters. */
export const idempotencyKey = z
  .string()
  .regex(/^[\x21-\x7e]{1,255}$/, 'must be 1 to 255 printable ASCII characters without spaces');

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
