import * as z from 'zod';

/**
 * Fields of the requests and responses of both services. Names are snake_case, as on the wire.
 * Messages never contain the value: a password in a wrong field must not appear in a response.
 */

const text = () =>
  z.string({ error: ({ input }) => (input === undefined ? 'is missing' : 'must be a string') });

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** Id of the provisioning: the name of its executions and the `Idempotency-Key` at App2. A UUID in lower case. */
export const provisioningId = text().regex(UUID, 'must be a UUID').toLowerCase();

/**
 * The generation of a provisioning: a random UUID, new for each provisioning that is started. Step Functions frees the
 * name of an execution after 90 days, so a provisioning_id can be used again; the creation_id then differs.
 */
export const creationId = text().regex(UUID, 'must be a UUID').toLowerCase();

/**
 * Name of a service user, in lower case: names in the pool are case-insensitive. A subset of the characters that Cognito
 * accepts, ASCII only: a name has one spelling, resembles no other name, and needs no escaping in a path or a shell.
 * A UUID is refused, because Cognito also accepts a user's `sub` as its username, and a `sub` is a UUID.
 * docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_AdminCreateUser.html
 */
export const username = text()
  .min(1, 'must not be empty')
  .max(128, 'must not be longer than 128 characters')
  .regex(
    /^([A-Za-z0-9][A-Za-z0-9._@+-]*)?$/,
    'must start with a letter or a digit, and contain only the letters A to Z, digits and . _ @ + -',
  )
  .refine((value) => !UUID.test(value), 'must not have the shape of a UUID')
  .toLowerCase();

/**
 * Username of an accepted provisioning, which may have been accepted under an older rule: only Cognito's own limits.
 */
export const storedUsername = text()
  .min(1, 'must not be empty')
  .max(128, 'must not be longer than 128 characters');

/**
 * Well-formed Unicode: no lone surrogate, and no U+FFFD, the replacement character of a decoder. A text with a
 * replacement differs from the text that the caller meant.
 */
export const WELL_FORMED = /^[^\ud800-\udfff\ufffd]*$/u;
export const NOT_WELL_FORMED =
  'must be well-formed Unicode, without U+FFFD (the replacement character of undecodable bytes)';

/** No control characters (C0, DEL, C1) and no other line terminators. */
const NO_CONTROL = /^[^\p{Cc}\u2028\u2029]*$/u;

const TOO_LONG = 'must not be longer than 256 characters';

/**
 * The caller's password, with the rules of every pool: Cognito's pattern for passwords (`^[\S]+.*[\S]+$` in its
 * messages), and at most 256 characters. AWS does not document the unit that Cognito counts; UTF-16 code units are never
 * fewer than characters in any other unit. The policy of the target has the rules for strength (password-policy.ts).
 * docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_AdminSetUserPassword.html
 * docs.aws.amazon.com/cognito/latest/developerguide/managing-users-passwords.html
 */
export const password = text()
  .min(1, 'must not be empty')
  .max(256, TOO_LONG)
  // `max` counts code points; this check counts UTF-16 code units and adds no second error.
  .refine((value) => value.length <= 256 || [...value].length > 256, TOO_LONG)
  .regex(WELL_FORMED, NOT_WELL_FORMED)
  .regex(NO_CONTROL, 'must not contain control characters or line terminators')
  .regex(/^(\S([\s\S]*\S)?)?$/, 'must not start or end with a space');

/** The person on whose behalf the service user acts, as the caller states; neither service verifies it. */
export const humanUserId = text()
  .min(1, 'must not be empty')
  .max(128, 'must not be longer than 128 characters')
  .regex(
    /^((?!\ufffd)[\p{L}\p{M}\p{S}\p{N}\p{P}])*$/u,
    'must not contain spaces, control characters or U+FFFD (the replacement character of undecodable bytes)',
  );

/**
 * A KMS ciphertext in base64. The limit is above KMS's own (6,144 bytes): the step DecryptCredentials rejects every
 * unusable ciphertext with the same error, so that responses reveal nothing to an attacker.
 * docs.aws.amazon.com/kms/latest/APIReference/API_Decrypt.html
 */
export const ciphertext = text()
  .min(1, 'must not be empty')
  .max(12_000, 'must not be longer than 12000 characters')
  .regex(/^[A-Za-z0-9+/]*={0,2}$/, 'must be base64');

/** Point in time, ISO 8601 in UTC with milliseconds. */
export const timestamp = z.iso.datetime();

/** Descriptions of the fields of requests and responses, for the OpenAPI documents. */
export const fieldDescriptions: Readonly<Record<string, string>> = {
  provisioning_id: 'Id of the provisioning at all services.',
  creation_id:
    'The generation of the provisioning: a random UUID that distinguishes it from a later provisioning with the same provisioning_id.',
  username:
    'Name with which the service user signs in: 1 to 128 characters of the letters A to Z, digits and `. _ @ + -`. It starts with a letter or a digit, and does not have the shape of a UUID. It is case-insensitive and stored in lower case.',
  password:
    'Password of the service user: 1 to 256 characters of well-formed Unicode, without control characters, line terminators, and a space at the start or end. It must meet the password policy of each target.',
  encrypted_password:
    'The password, encrypted under the KMS key of the target, in base64. Its encryption context contains the provisioning_id and the username in lower case.',
  human_user_id:
    'The person on whose behalf the service user acts, as the caller states; not verified. 1 to 128 characters, no spaces and no control characters.',
  service: 'App1, or the name of a target.',
  status: 'Status of the execution, as in Step Functions; in a problem, the HTTP status.',
  type: 'Always `about:blank`; `code` identifies the problem.',
  title: 'Short summary of the problem.',
  detail: "The caller's next action; in `errors`, the rule that the field breaks.",
  message: 'Meaning of the code.',
  status_url: 'URL of the status.',
  user: 'Whether the user of this provisioning exists. `unknown` while the pool was not checked: the provisioning is running, was cancelled before its request arrived, or has a target that is gone. In `targets` also `gone`: App1 has registered the target as gone, so its pool is not checked.',
  started_at: 'Start time.',
  stopped_at: 'End time; absent while the execution is running.',
  estimated_end_at: 'Estimated end time; only while the creation is queued at a target.',
  waiting_for:
    'The condition for which the provisioning waits, and since when; only while a step is being retried. It continues automatically. Send a DELETE to stop waiting.',
  what: '`target`: the target is not available. `target_queue`: the queue of the target is full. `target_result`: the target has not finished. `calls_in_flight`: a call may still be in flight. `aws`: an AWS service is not available.',
  targets:
    'In a request, the names of the targets at which the user is created; without it, the default targets of App1. In a status, the user at each target.',
  target:
    'In `waiting_for`, the target for which the provisioning waits; absent when it waits for AWS or for its own calls. In `error`, the target that failed; absent when the step belongs to no target. In `timeline`, the target of a step of App1. In `targets`, the name of the target.',
  since: 'Start time of the first failed attempt.',
  retry_at: 'Start time of the next attempt, if it is known.',
  error: 'The failure; absent without one.',
  name: 'Name of the error, as AWS or a step of this system reports it.',
  code: 'Stable code of the failure or problem; docs/errors.md lists all codes.',
  remedy: "The caller's next action.",
  retryable: 'Whether the same request can succeed as a new provisioning.',
  step: 'Name of the state.',
  workflow: 'Name of the state machine.',
  execution: 'Name of the execution.',
  duration_ms: 'Duration in milliseconds; absent while it is running, and if it was interrupted.',
  attempts: 'The attempts of the step, in order.',
  timeline: 'The steps of all services, in the order of their start times.',
  timeline_incomplete: 'The services with steps that are missing in the timeline.',
  errors: 'The invalid fields of the request.',
  pointer: 'Position: a JSON pointer into the body, or the kind and name of a header or parameter.',
  data: 'Input of the business function.',
  received: 'The received `data`.',
};
