import type { APIGatewayProxyEvent, APIGatewayProxyResult } from 'aws-lambda';
import type * as z from 'zod';
import { commonHeaders } from '../../contracts/headers.ts';
import { type FieldError, MAX_BODY_BYTES, problemBody, retryAfter } from '../../contracts/problems.ts';
import { withoutSecrets } from './errors.ts';
import { logger } from './logger.ts';
import { RequestProblem } from './problem.ts';

/** Handler of a route behind a REST API (Lambda proxy integration). */
export type ApiHandler = (event: APIGatewayProxyEvent) => Promise<APIGatewayProxyResult>;

/** An answer in JSON. */
export function json(
  statusCode: number,
  body: unknown,
  headers: Record<string, string> = {},
): APIGatewayProxyResult {
  return {
    statusCode,
    headers: { ...commonHeaders, 'Content-Type': 'application/json', ...headers },
    body: JSON.stringify(body),
  };
}

/**
 * Makes the handler of a route: whatever goes wrong inside is answered as RFC 9457 problem+json and never with the
 * text of an error, which could quote the request.
 */
export function api(run: ApiHandler): ApiHandler {
  return async (event) => {
    try {
      return await run(event);
    } catch (error) {
      return answerTo(error);
    }
  };
}

function answerTo(thrown: unknown): APIGatewayProxyResult {
  const problem = thrown instanceof RequestProblem ? thrown : unexpected(thrown);
  const body = problemBody(problem.code, problem.errors);
  const seconds = retryAfter(problem.code);
  return json(body.status, body, {
    'Content-Type': 'application/problem+json',
    ...(seconds === undefined ? {} : { 'Retry-After': String(seconds) }),
  });
}

function unexpected(thrown: unknown): RequestProblem {
  const error = withoutSecrets(thrown);
  logger.error('Request failed', { error: error.name, reason: error.message });
  const passes = ['ServiceThrottled', 'ServiceUnavailable'].includes(error.name);
  return new RequestProblem(passes ? 'SERVICE_UNAVAILABLE' : 'INTERNAL_ERROR');
}

/** A header's value whatever the case of its name; names are case-insensitive (RFC 9110), API Gateway keeps the sender's. */
export function header(event: Pick<APIGatewayProxyEvent, 'headers'>, name: string): string | undefined {
  const key = Object.keys(event.headers ?? {}).find(
    (candidate) => candidate.toLowerCase() === name.toLowerCase(),
  );
  return key === undefined ? undefined : event.headers[key];
}

/**
 * Reads the body against its schema, and tells everything that is wrong with the request at once.
 * `others` are faults already found elsewhere (a header), so that they are told in the same answer.
 * @throws RequestProblem UNSUPPORTED_MEDIA_TYPE, PAYLOAD_TOO_LARGE or INVALID_REQUEST
 */
export function readBody<Schema extends z.ZodType>(
  event: APIGatewayProxyEvent,
  schema: Schema,
  others: FieldError[] = [],
): z.infer<Schema> {
  const type = header(event, 'content-type')?.split(';')[0]?.trim().toLowerCase();
  if (type !== 'application/json') throw new RequestProblem('UNSUPPORTED_MEDIA_TYPE');
  const text = Buffer.from(event.body ?? '', event.isBase64Encoded ? 'base64' : 'utf8');
  if (text.byteLength > MAX_BODY_BYTES) throw new RequestProblem('PAYLOAD_TOO_LARGE');
  const result = schema.safeParse(parseJson(text.toString('utf8')));
  const errors = [...others, ...(result.success ? [] : fieldErrors(result.error))];
  if (!result.success || errors.length > 0) throw new RequestProblem('INVALID_REQUEST', errors);
  return result.data;
}

function parseJson(text: string): unknown {
  if (text.trim() === '') throw invalidBody('must not be empty');
  try {
    return JSON.parse(text);
  } catch {
    // The message of a SyntaxError quotes the text that it could not read, which may be a password.
    throw invalidBody('must be JSON');
  }
}

const invalidBody = (detail: string) => new RequestProblem('INVALID_REQUEST', [{ pointer: '', detail }]);

/** Reads one value (a header, a path parameter); faults are added to `errors` under `pointer`. */
export function readValue<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  pointer: string,
  errors: FieldError[],
): z.infer<Schema> | undefined {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  errors.push(...result.error.issues.map(({ message }) => ({ pointer, detail: message })));
  return undefined;
}

/** Letters only, as in `humanUserId`. A password that was sent as the name of a field has a digit or a mark. */
const FIELD_NAME = /^[A-Za-z_]{1,64}$/;

/** What is wrong with each field, by JSON pointer (RFC 6901). Names fields, never repeats values. */
function fieldErrors(error: z.ZodError): FieldError[] {
  return error.issues.flatMap((issue) => {
    const pointer = issue.path.map((part) => `/${String(part)}`).join('');
    if (issue.code !== 'unrecognized_keys') return [{ pointer, detail: issue.message }];
    return issue.keys.map((key) =>
      FIELD_NAME.test(key)
        ? { pointer: `${pointer}/${key}`, detail: 'is not a field of this request' }
        : {
            pointer,
            detail: 'has a field that is not one of this request, with a name that is not repeated here',
          },
    );
  });
}
