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
 * The generation of a provisioning: a random UUID, drawn anew whenever a provisioning is started. Step Functions forgets
 * a name after 90 days; what is made under a provisioning_id that is used again differs in its creation_id.
 */
export const creationId = text().regex(UUID, 'must be a UUID').toLowerCase();

/**
 * Name of a service user, in lower case: a pool does not tell cases apart. ASCII only, a part of what Cognito takes, so
 * that a name has one spelling, looks like no other name, and is the same in a path, a log and a shell.
 * A UUID is refused, because users are also addressed by their `sub`, which is one.
 * docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_AdminCreateUser.html
 */
export const username = text()
  .min(1, 'must not be empty')
  .max(128, 'must not be longer than 128 characters')
  .regex(
    /^([A-Za-z0-9][A-Za-z0-9._@+-]*)?$/,
    'must begin with a letter or a digit, and consist of the letters A to Z, digits and . _ @ + -',
  )
  .refine((value) => !UUID.test(value), 'must not have the shape of a UUID')
  .toLowerCase();

/**
 * A username that a provisioning was accepted with, whatever the rule was at that time: only what Cognito itself wants.
 */
export const storedUsername = text()
  .min(1, 'must not be empty')
  .max(128, 'must not be longer than 128 characters');

/**
 * Well-formed Unicode: no half of a surrogate pair, and no U+FFFD, which stands where something could not be read. What
 * was replaced on its way is not what was meant.
 */
export const WELL_FORMED = /^[^\ud800-\udfff\ufffd]*$/u;
export const NOT_WELL_FORMED =
  'must be well-formed Unicode, without U+FFFD, which stands for what could not be read';

/** No control characters (C0, DEL, C1) and no other line ends. */
const NO_CONTROL = /^[^\p{Cc}\u2028\u2029]*$/u;

const TOO_LONG = 'must not be longer than 256 characters';

/**
 * The caller's password, as far as it holds for every pool: Cognito's pattern for passwords (`^[\S]+.*[\S]+$` in its
 * answers), and at most 256 characters, counted in UTF-16 units, of which there are never fewer than of whatever Cognito
 * may count. Whether it is strong enough is the policy of the target to say (password-policy.ts).
 * docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_AdminSetUserPassword.html
 * docs.aws.amazon.com/cognito/latest/developerguide/managing-users-passwords.html
 */
export const password = text()
  .min(1, 'must not be empty')
  .max(256, TOO_LONG)
  // The check before counts code points, and has complained of what is longer by that count.
  .refine((value) => value.length <= 256 || [...value].length > 256, TOO_LONG)
  .regex(WELL_FORMED, NOT_WELL_FORMED)
  .regex(NO_CONTROL, 'must not contain control characters or line ends')
  .regex(/^(\S([\s\S]*\S)?)?$/, 'must not begin or end with a space');

/** The person in whose name the service user acts, as asserted by the caller; not verified by either service. */
export const humanUserId = text()
  .min(1, 'must not be empty')
  .max(128, 'must not be longer than 128 characters')
  .regex(
    /^((?!\ufffd)[\p{L}\p{M}\p{S}\p{N}\p{P}])*$/u,
    'must not contain spaces, control characters and U+FFFD, which stands for what could not be read',
  );

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

/** What the fields of requests and answers mean, for those who read of them. */
export const fieldMeanings: Readonly<Record<string, string>> = {
  provisioning_id: 'Name of the provisioning at both services.',
  creation_id:
    'The generation of the provisioning: a random UUID that tells it from a later one under the same provisioning_id.',
  username:
    'Name of the service user, with which it signs in: 1 to 128 of the letters A to Z, digits and `. _ @ + -`, beginning with a letter or a digit, not in the shape of a UUID. Upper and lower case are the same; it is kept in lower case.',
  password:
    'Password of the service user: 1 to 256 characters of well-formed Unicode without control characters, line ends, and a space at its begin or end; and as the policy of App2 wants it.',
  encrypted_password:
    'The password under the key of App2 (KMS), in base64, bound to the provisioning and to the username in lower case.',
  human_user_id:
    'The person in whose name the service user acts, as the caller says; nobody has verified it. 1 to 128 characters, no spaces and no control characters.',
  service: 'Which of the two services.',
  status: 'State of the workflow, in the words of Step Functions; of a problem, the HTTP status.',
  type: 'There is no page for each kind of problem; `code` tells them apart.',
  title: 'What it means.',
  detail: 'What to do; of a field, what is wrong with it.',
  message: 'What it means.',
  status_url: 'Address of the status.',
  user: 'Whether the user that this provisioning made exists; `unknown` while nobody has looked: it runs, or was cancelled before its request came.',
  started_at: 'When it began.',
  stopped_at: 'When it ended; absent while it runs.',
  estimated_end_at:
    'When it will probably have ended; only while it is queued, because more is asked for than can be done at once.',
  waiting_for:
    'What it waits for, and since when; only while a step has failed in passing, and is tried again. It goes on by itself. If you do not want to wait, send a DELETE.',
  what: '`target`: until the target can be used again. `target_queue`: until its queue has room. `target_result`: until it has finished. `calls_in_flight`: until no call can be under way any more. `aws`: until a service of AWS can be used again.',
  target: 'The target that is waited for; absent when it is none.',
  since: 'Begin of the first attempt that failed.',
  retry_at: 'When the next attempt begins, if that is known.',
  error: 'What went wrong; absent when nothing did.',
  name: 'Name of the error, as AWS or a step of ours gives it.',
  code: 'Stable name of what went wrong; docs/errors.md has them all.',
  remedy: 'What the caller can do.',
  retryable: 'Whether the same request can succeed when it is sent again as a new one.',
  step: 'State of the workflow.',
  workflow: 'Name of the state machine.',
  execution: 'Name of the execution.',
  duration_ms:
    'How long it took, in milliseconds; absent while it is under way, and where it was broken off.',
  attempts: 'Each try of the step.',
  timeline: 'The steps of both services, in the order in which they began.',
  timeline_incomplete: 'The services of which something is missing in the timeline.',
  errors: 'Each thing that is wrong with the request.',
  pointer: 'Where: a JSON pointer into the body, or the kind and name of a header or parameter.',
  data: 'Whatever the business asks for.',
  received: 'What came as `data`.',
};
