import * as z from 'zod';

/**
 * The fields that both services speak of. Names are snake_case, as on the wire.
 * Messages never contain the value: a misplaced password must not come back in an answer.
 */

const text = () =>
  z.string({ error: ({ input }) => (input === undefined ? 'is missing' : 'must be a string') });

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** Name of the provisioning, of its executions in both services and of the idempotency key at App2: a UUID in lower case. */
export const provisioningId = text().regex(UUID, 'must be a UUID').toLowerCase();

/**
 * Cognito user name: 1–128 letters, marks, symbols, numbers or punctuation, no space.
 * A UUID is refused, because users are also addressed by their `sub`, which is one.
 * docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_AdminCreateUser.html
 */
export const username = text()
  .min(1, 'must not be empty')
  .max(128, 'must not be longer than 128 characters')
  .regex(/^[\p{L}\p{M}\p{S}\p{N}\p{P}]*$/u, 'must not contain spaces or control characters')
  .refine((value) => !UUID.test(value), 'must not have the shape of a UUID');

/** The caller's password, 1–256 characters (Cognito's maximum). Whether it is strong enough is App2's policy to say. */
export const password = text().min(1, 'must not be empty').max(256, 'must not be longer than 256 characters');

/** The person in whose name the service user acts, as asserted by the caller; not verified by either service. */
export const humanUserId = text()
  .min(1, 'must not be empty')
  .max(128, 'must not be longer than 128 characters')
  .regex(/^[\p{L}\p{M}\p{S}\p{N}\p{P}]*$/u, 'must not contain spaces or control characters');

/**
 * A KMS ciphertext in base64. Longer than any that KMS takes (6,144 bytes): what is wrong with a ciphertext
 * is said by one step in one way, so that its answers teach an attacker nothing.
 */
export const ciphertext = text()
  .min(1, 'must not be empty')
  .max(12_000, 'must not be longer than 12000 characters')
  .regex(/^[A-Za-z0-9+/]*={0,2}$/, 'must be base64');

/** Point in time, ISO 8601 in UTC with milliseconds. */
export const timestamp = z.iso.datetime();
