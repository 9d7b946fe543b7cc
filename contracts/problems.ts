import * as z from 'zod';
import { RECORD_DAYS, timeLimits } from './time-limits.ts';

/** Largest body that is read, in bytes: four times what the largest valid request needs. */
export const MAX_BODY_BYTES = 16_384;

/**
 * What can be wrong with a request, as RFC 9457 `application/problem+json`.
 * One row per `code`; the code is stable, title and detail are for people.
 */
interface ProblemRow {
  readonly status: number;
  /** What it means. */
  readonly title: string;
  /** What the caller does. */
  readonly detail: string;
  /** What makes it happen. */
  readonly cause: string;
  /** What the operator does. */
  readonly operator: string;
  /** Whether the request may have had its effect although it was answered so. */
  readonly left_behind: keyof typeof leftByProblem;
  /** Seconds after which the same request is worth another try (`Retry-After`); absent when it has to be changed. */
  readonly retry_after?: number;
}

/** What a request that was answered with a problem may have left, by `left_behind`. */
export const leftByProblem = {
  nothing: 'Nothing.',
  maybe_accepted:
    'Maybe the request was accepted: the same request with the same Idempotency-Key tells, and makes nothing twice.',
  maybe_a_legacy_user: 'Maybe a user, made by the legacy endpoint: only that endpoint can tell.',
} as const;

export const problems = {
  INVALID_REQUEST: {
    status: 400,
    title: 'The request is not valid',
    detail: 'See `errors` for each field and what is wrong with it.',
    cause:
      'A field or header is missing, of the wrong kind, not well-formed text, or not one of this request; or the password is not as the policy of App2 wants it.',
    operator: 'Nothing to do.',
    left_behind: 'nothing',
  },
  UNAUTHENTICATED: {
    status: 401,
    title: 'No valid credentials',
    detail: 'Send a valid, unexpired access token.',
    cause:
      'App2 only: the bearer token is missing, expired, of another pool or client, or not an access token; or, with the setting check_user_in_pool, its user is disabled or gone.',
    operator: "Nothing to do, unless it is App1's: then see APP2_AUTHENTICATION_FAILED.",
    left_behind: 'nothing',
  },
  FORBIDDEN: {
    status: 403,
    title: 'Not allowed',
    detail: 'The credentials are missing, not valid, or not meant for this route.',
    cause:
      'At App1 the signature is missing, wrong or cannot be read, the API key is missing or wrong where one is asked for, or the principal has no right execute-api:Invoke; at App2 the token is of another group or client. There is no such route, for either.',
    operator:
      'Give the principal execute-api:Invoke on the route, or the user its group, if it is meant to have it.',
    left_behind: 'nothing',
  },
  NOT_FOUND: {
    status: 404,
    title: 'Not found',
    detail: 'There is nothing here that you may see.',
    cause: `The id is unknown, ended more than ${RECORD_DAYS} days ago, no id at all, or of a provisioning of another owner.`,
    operator: "Nothing to do. The access log has the caller, the execution's input its owner.",
    left_behind: 'nothing',
  },
  IDEMPOTENCY_CONFLICT: {
    status: 409,
    title: 'Idempotency key already used',
    detail: 'This Idempotency-Key was sent before with another content. Use a new key for a new request.',
    cause: `The key was used within the last ${RECORD_DAYS} days for another username, password or human user; at App2 also by another generation, of which no user is left.`,
    operator: 'Nothing to do.',
    left_behind: 'nothing',
  },
  USER_OF_EARLIER_PROVISIONING: {
    status: 409,
    title: 'The id belongs to an earlier provisioning',
    detail:
      'An earlier provisioning had this id, and its user may still exist. It is left untouched. Use a new id.',
    cause:
      'App2 only: the Creation-Id is another one than that of the creation or user which App2 has under this id. The key of App1 was used again after App1 had forgotten it.',
    operator:
      "Nothing to do. The user's attributes custom:provisioning_id and custom:creation_id say which provisioning made it.",
    left_behind: 'nothing',
  },
  PROVISIONING_IN_PROGRESS: {
    status: 409,
    title: 'Not over yet',
    detail:
      'The provisioning is running, or its user exists or is being removed. Retry it once `status` is not `RUNNING` and `user` is `absent`.',
    cause: 'A retry was asked for of a provisioning that has not ended without a user.',
    operator: 'Nothing to do.',
    left_behind: 'nothing',
  },
  NOT_RETRYABLE: {
    status: 409,
    title: 'Cannot be retried',
    detail: 'What was asked for cannot be asked for again as it is. Send a new request, with the password.',
    cause:
      'The former provisioning was sealed under another intake key, its input was made by hand, or its username or human_user_id is not valid any more.',
    operator: 'Nothing to do, unless nobody has replaced the intake key on purpose.',
    left_behind: 'nothing',
  },
  PAYLOAD_TOO_LARGE: {
    status: 413,
    title: 'Body too large',
    detail: `The body must not be larger than ${MAX_BODY_BYTES} bytes.`,
    cause: 'The body is longer than any valid request, or API Gateway refused its size.',
    operator: 'Nothing to do.',
    left_behind: 'nothing',
  },
  UNSUPPORTED_MEDIA_TYPE: {
    status: 415,
    title: 'Unsupported content type',
    detail: 'Send the body as `Content-Type: application/json`.',
    cause: 'The body came with another Content-Type, or with none.',
    operator: 'Nothing to do.',
    left_behind: 'nothing',
  },
  THROTTLED: {
    status: 429,
    title: 'Too many requests',
    detail: 'Send the request again later.',
    cause:
      'The limit of the API, or that of the caller, is used up for this moment. At App1 a caller has a limit of its own for what has to be looked up (GET, DELETE, retry, a repeated POST): docs/limits.md.',
    operator:
      'A caller that should have more: the setting `describes_per_caller`. All of them: the limits in infra/constructs/service-api.ts.',
    left_behind: 'nothing',
    retry_after: 1,
  },
  INTERNAL_ERROR: {
    status: 500,
    title: 'Internal error',
    detail: 'The request could not be handled. Send it again with the same Idempotency-Key.',
    cause:
      "A right is missing, a function crashed, the pool's keys could not be had, or there is a fault in the code.",
    operator:
      "See the log of the route's function under the time of the request; the access log names the route.",
    left_behind: 'maybe_accepted',
  },
  QUEUE_FULL: {
    status: 503,
    title: 'Too many are waiting',
    detail: 'More users are waiting to be created than can be in a long while. Send the request again later.',
    cause: `App2 only: the queue before Cognito's quotas is longer than ${timeLimits.longestQueue / 60} minutes, or the caller holds a quarter of it.`,
    operator: 'Nothing to do, unless it stays so: then more is asked for than Cognito lets through.',
    left_behind: 'nothing',
    retry_after: 60,
  },
  LEGACY_UNAVAILABLE: {
    status: 502,
    title: 'The legacy endpoint gave no answer',
    detail:
      'Look whether the user was made before you send the request again: the legacy endpoint does not know a repeat.',
    cause:
      "While a legacy endpoint is being replaced: it cannot be reached, it refused App1's API key, or its answer was not JSON.",
    operator:
      'Look at the legacy endpoint and at the secret with the API key for it; the log of app1-route-provisioning says which.',
    left_behind: 'maybe_a_legacy_user',
  },
  SERVICE_UNAVAILABLE: {
    status: 503,
    title: 'Service unavailable',
    detail: 'A service that is needed does not answer. Send the request again with the same Idempotency-Key.',
    cause:
      'A service of AWS is throttled or not available, the function did not end in time, or what was started cannot be seen yet.',
    operator:
      "Nothing to do for a single one. If they stay, see the log of the route's function, then the quotas.",
    left_behind: 'maybe_accepted',
    retry_after: 1,
  },
  LEGACY_TIMEOUT: {
    status: 504,
    title: 'The legacy endpoint did not answer in time',
    detail:
      'Look whether the user was made before you send the request again: the legacy endpoint does not know a repeat.',
    cause: `While a legacy endpoint is being replaced: it took longer than ${timeLimits.legacyRequest} seconds.`,
    operator: 'Look at the legacy endpoint.',
    left_behind: 'maybe_a_legacy_user',
  },
} as const satisfies Record<string, ProblemRow>;

export type ProblemCode = keyof typeof problems;

const codes = Object.keys(problems) as ProblemCode[]; // keys of a const object: exactly ProblemCode

/** One thing that is wrong: where (JSON pointer into the body, or `header Name`) and what. */
export const fieldError = z.strictObject({ pointer: z.string(), detail: z.string() });
export type FieldError = z.infer<typeof fieldError>;

/** Body of every answer that is not a success. */
export const problem = z.strictObject({
  type: z.literal('about:blank'),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  code: z.enum(codes),
  errors: z.array(fieldError).optional(),
});
export type Problem = z.infer<typeof problem>;

/** The body that tells the caller of a problem. */
export function problemBody(code: ProblemCode, errors?: FieldError[]): Problem {
  const { title, status, detail } = problems[code];
  return { type: 'about:blank', title, status, detail, code, ...(errors === undefined ? {} : { errors }) };
}

/** Seconds after which the request is worth another try; `undefined` when it has to be changed first. */
export function retryAfter(code: ProblemCode): number | undefined {
  const row: ProblemRow = problems[code];
  return row.retry_after;
}
