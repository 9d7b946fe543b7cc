import * as z from 'zod';
import { RECORD_DAYS, timeLimits } from './time-limits.ts';

/** Largest accepted body in bytes: four times the largest valid request. */
export const MAX_BODY_BYTES = 16_384;

/**
 * Problems of requests, as RFC 9457 `application/problem+json`: one row per `code`. The code is stable; title and detail
 * are texts for people and may change.
 */
interface ProblemRow {
  readonly status: number;
  /** Short summary. */
  readonly title: string;
  /** The caller's next action. */
  readonly detail: string;
  /** The usual cause. */
  readonly cause: string;
  /** The operator's next action. */
  readonly operator: string;
  /** Possible effect of the request despite the problem. */
  readonly left_behind: keyof typeof leftByProblem;
  /** Seconds until the same request can be sent again (`Retry-After`); absent if the request must be changed. */
  readonly retry_after?: number;
}

/** Possible effects of a request despite a problem response, by `left_behind`. */
export const leftByProblem = {
  nothing: 'Nothing.',
  maybe_accepted:
    'The request may have been accepted. Send it again with the same Idempotency-Key: it creates nothing twice and returns the status.',
  maybe_a_legacy_user:
    'The legacy endpoint may have created a user. Only that endpoint can report whether it did.',
} as const;

export const problems = {
  INVALID_REQUEST: {
    status: 400,
    title: 'The request is not valid',
    detail: 'Correct the fields that `errors` lists.',
    cause:
      'A field or header is missing, has the wrong type, is not well-formed text, or is unknown; or the password does not meet the policy of a target, or a target is not registered as active.',
    operator: 'None.',
    left_behind: 'nothing',
  },
  UNAUTHENTICATED: {
    status: 401,
    title: 'No valid credentials',
    detail: 'Send a valid, unexpired access token.',
    cause:
      'At a target only: the bearer token is missing, expired, of another pool or client, or not an access token; or, with the setting check_user_in_pool, its user is disabled or deleted.',
    operator: "None, unless the request is App1's: then see TARGET_AUTHENTICATION_FAILED.",
    left_behind: 'nothing',
  },
  FORBIDDEN: {
    status: 403,
    title: 'Not allowed',
    detail: 'The credentials are missing, not valid, or not authorized for this route.',
    cause:
      'At App1 the signature is missing, wrong or malformed, a required API key is missing or wrong, or the principal lacks the permission execute-api:Invoke; at a target the token is of another group or client. At both, the route does not exist.',
    operator:
      'If access is intended, grant the principal execute-api:Invoke on the route, or add the user to its group.',
    left_behind: 'nothing',
  },
  NOT_FOUND: {
    status: 404,
    title: 'Not found',
    detail: 'No provisioning of yours has this id.',
    cause: `The id is unknown, is not a UUID, belongs to a provisioning of another owner, or the provisioning finished more than ${RECORD_DAYS} days ago.`,
    operator: "None. The access log has the caller; the execution's input has the owner.",
    left_behind: 'nothing',
  },
  IDEMPOTENCY_CONFLICT: {
    status: 409,
    title: 'Idempotency key already used',
    detail: 'This Idempotency-Key was sent before with other content. Use a new key for a new request.',
    cause: `The key was used within the last ${RECORD_DAYS} days for another username, password, human user or targets; at a target also by another generation, of which no user is left.`,
    operator: 'None.',
    left_behind: 'nothing',
  },
  USER_OF_EARLIER_PROVISIONING: {
    status: 409,
    title: 'The id belongs to an earlier provisioning',
    detail:
      'An earlier provisioning had this id, and its user may still exist. That user is unchanged. Use a new id.',
    cause:
      "At a target only: the Creation-Id differs from that of the creation or user with this id. App1's Idempotency-Key was used again after the record of the first provisioning had expired.",
    operator:
      'None. The attributes custom:provisioning_id and custom:creation_id of the user identify the provisioning that created it.',
    left_behind: 'nothing',
  },
  PROVISIONING_IN_PROGRESS: {
    status: 409,
    title: 'The provisioning is in progress',
    detail:
      'The provisioning is running, or its user exists or is being removed. Retry it when `status` is not `RUNNING` and `user` is `absent`.',
    cause: 'The caller requested a retry of a provisioning that is running, or whose user is not absent.',
    operator: 'None.',
    left_behind: 'nothing',
  },
  NOT_RETRYABLE: {
    status: 409,
    title: 'The provisioning cannot be retried',
    detail: 'The stored request cannot be used again. Send a new request with the password.',
    cause:
      'The password of the earlier provisioning is encrypted under another intake key, its input was written by hand, its username or human_user_id is not valid any more, or one of its targets accepts no new requests.',
    operator: 'None, if the intake key was replaced, or the target was retired, on purpose.',
    left_behind: 'nothing',
  },
  PAYLOAD_TOO_LARGE: {
    status: 413,
    title: 'Body too large',
    detail: `The body must not be larger than ${MAX_BODY_BYTES} bytes.`,
    cause: 'The body is longer than any valid request, or API Gateway refused its size.',
    operator: 'None.',
    left_behind: 'nothing',
  },
  UNSUPPORTED_MEDIA_TYPE: {
    status: 415,
    title: 'Unsupported content type',
    detail: 'Send the body as `Content-Type: application/json`.',
    cause: 'The request has another Content-Type, or none.',
    operator: 'None.',
    left_behind: 'nothing',
  },
  THROTTLED: {
    status: 429,
    title: 'Too many requests',
    detail: 'Send the request again later.',
    cause:
      'The rate limit of the API or of the caller is exceeded. App1 limits each caller for requests that read an execution (GET, DELETE, retry, a repeated POST): docs/limits.md.',
    operator:
      'For one caller, raise the setting `describes_per_caller`. For all callers, raise the limits in infra/constructs/service-api.ts.',
    left_behind: 'nothing',
    retry_after: 1,
  },
  INTERNAL_ERROR: {
    status: 500,
    title: 'Internal error',
    detail: 'The request could not be handled. Send it again with the same Idempotency-Key.',
    cause:
      'A permission is missing, a function crashed, the JWKS of the pool could not be fetched, or the code has a defect.',
    operator:
      "Read the log of the route's function at the time of the request; the access log names the route.",
    left_behind: 'maybe_accepted',
  },
  QUEUE_FULL: {
    status: 503,
    title: 'The queue is full',
    detail: 'Too many creations are queued. Send the request again later.',
    cause: `At a target only: the queue in front of Cognito's quotas is longer than ${timeLimits.longestQueue / 60} minutes, or the caller holds a quarter of it.`,
    operator: 'None, unless it persists: then more requests arrive than Cognito admits.',
    left_behind: 'nothing',
    retry_after: 60,
  },
  LEGACY_UNAVAILABLE: {
    status: 502,
    title: 'The legacy endpoint is not available',
    detail:
      'Check whether the user exists before you send the request again: the legacy endpoint is not idempotent.',
    cause:
      "While a legacy endpoint is being replaced: it cannot be reached, it refused App1's API key, or its response was not JSON.",
    operator:
      'Check the legacy endpoint and the secret with its API key; the log of app1-route-provisioning names the cause.',
    left_behind: 'maybe_a_legacy_user',
  },
  SERVICE_UNAVAILABLE: {
    status: 503,
    title: 'Service unavailable',
    detail: 'An AWS service is not available. Send the request again with the same Idempotency-Key.',
    cause:
      'An AWS service throttles or is not available, the function reached its timeout, or DescribeExecution does not return the started execution yet (it is eventually consistent).',
    operator:
      "None for a single response. If it persists, read the log of the route's function, then check the quotas.",
    left_behind: 'maybe_accepted',
    retry_after: 1,
  },
  LEGACY_TIMEOUT: {
    status: 504,
    title: 'The legacy endpoint timed out',
    detail:
      'Check whether the user exists before you send the request again: the legacy endpoint is not idempotent.',
    cause: `While a legacy endpoint is being replaced: it took longer than ${timeLimits.legacyRequest} seconds.`,
    operator: 'Check the legacy endpoint.',
    left_behind: 'maybe_a_legacy_user',
  },
} as const satisfies Record<string, ProblemRow>;

export type ProblemCode = keyof typeof problems;

const codes = Object.keys(problems) as ProblemCode[]; // keys of a const object: exactly ProblemCode

/** One invalid field: its position (a JSON pointer into the body, or `header Name`) and the rule that it breaks. */
export const fieldError = z.strictObject({ pointer: z.string(), detail: z.string() });
export type FieldError = z.infer<typeof fieldError>;

/** Body of every response that is not a success. */
export const problem = z.strictObject({
  type: z.literal('about:blank'),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  code: z.enum(codes),
  errors: z.array(fieldError).optional(),
});
export type Problem = z.infer<typeof problem>;

/** The problem body of a code, with the invalid fields. */
export function problemBody(code: ProblemCode, errors?: FieldError[]): Problem {
  const { title, status, detail } = problems[code];
  return { type: 'about:blank', title, status, detail, code, ...(errors === undefined ? {} : { errors }) };
}

/** Seconds until the same request can be sent again; `undefined` if the request must be changed. */
export function retryAfter(code: ProblemCode): number | undefined {
  const row: ProblemRow = problems[code];
  return row.retry_after;
}
