import * as z from 'zod';

/**
 * What can be wrong with a request, as RFC 9457 `application/problem+json`.
 * One row per `code`; the code is stable, title and detail are for people.
 */
interface ProblemRow {
  readonly status: number;
  readonly title: string;
  readonly detail: string;
}

export const problems = {
  INVALID_REQUEST: {
    status: 400,
    title: 'The request is not valid',
    detail: 'See `errors` for each field and what is wrong with it.',
  },
  UNAUTHENTICATED: {
    status: 401,
    title: 'No valid credentials',
    detail: 'Send a valid, unexpired access token.',
  },
  FORBIDDEN: {
    status: 403,
    title: 'Not allowed',
    detail: 'The credentials are missing, not valid, or not meant for this route.',
  },
  NOT_FOUND: { status: 404, title: 'Not found', detail: 'There is nothing here that you may see.' },
  IDEMPOTENCY_CONFLICT: {
    status: 409,
    title: 'Idempotency key already used',
    detail: 'This Idempotency-Key was sent before with another content. Use a new key for a new request.',
  },
  PAYLOAD_TOO_LARGE: {
    status: 413,
    title: 'Body too large',
    detail: 'The body must not be larger than 16384 bytes.',
  },
  UNSUPPORTED_MEDIA_TYPE: {
    status: 415,
    title: 'Unsupported content type',
    detail: 'Send the body as `Content-Type: application/json`.',
  },
  THROTTLED: { status: 429, title: 'Too many requests', detail: 'Send the request again later.' },
  INTERNAL_ERROR: {
    status: 500,
    title: 'Internal error',
    detail: 'The request could not be handled. Send it again with the same Idempotency-Key.',
  },
  SERVICE_UNAVAILABLE: {
    status: 503,
    title: 'Service unavailable',
    detail: 'A service that is needed does not answer. Send the request again with the same Idempotency-Key.',
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
  return { type: 'about:blank', ...problems[code], code, ...(errors === undefined ? {} : { errors }) };
}

/** Largest body that is read, in bytes: four times what the largest valid request needs. */
export const MAX_BODY_BYTES = 16_384;
