import type { APIGatewayProxyEvent, APIGatewayProxyResult, Context } from 'aws-lambda';
import type * as z from 'zod';
import { provisioningId } from '../../contracts/fields.ts';
import { commonHeaders } from '../../contracts/headers.ts';
import { type FieldError, MAX_BODY_BYTES, problemBody, retryAfter } from '../../contracts/problems.ts';
import { bodyText, FIELD_NAME, illFormedTexts, invalidBody } from './body.ts';
import { attemptsOf, classifyError } from './errors.ts';
import { header, headerValues, NOT_UNIQUE, type WithHeaders } from './headers.ts';
import { type LogContext, logger, withLogContext } from './logger.ts';
import { traceOf } from './origin.ts';
import { RequestProblem } from './problem.ts';

/** Handler of a route behind a REST API (Lambda proxy integration). */
export type ApiHandler = (event: APIGatewayProxyEvent) => Promise<APIGatewayProxyResult>;

/** A response with a JSON body. */
export function json(
  statusCode: number,
  body: unknown,
  headers: Record<string, string> = {},
): APIGatewayProxyResult {
  return jsonText(statusCode, JSON.stringify(body), headers);
}

/** A response whose body is JSON text. */
export function jsonText(
  statusCode: number,
  body: string,
  headers: Record<string, string> = {},
): APIGatewayProxyResult {
  return { statusCode, headers: { ...commonHeaders, 'Content-Type': 'application/json', ...headers }, body };
}

/**
 * Creates the Lambda handler of a route. An error becomes an RFC 9457 problem response without the error's message,
 * which could contain values of the request. Every log line of the request contains its ids.
 */
export function api(run: ApiHandler): (...invocation: Invocation) => Promise<APIGatewayProxyResult> {
  return (event, context) =>
    withLogContext(logContextOf(event, context), async () => {
      const startedAt = Date.now();
      const response = await run(event).catch(problemResponse);
      logger.info('Request completed', {
        method: event.httpMethod,
        resource: event.resource,
        status: response.statusCode,
        duration_ms: Date.now() - startedAt,
      });
      return response;
    });
}

/** Lambda passes a context; other callers of a handler may pass none. */
type Invocation = [event: APIGatewayProxyEvent, context?: Pick<Context, 'awsRequestId'>];

/** The ids of a request. A handler adds a provisioning_id that is not in the path with `addLogContext`. */
function logContextOf(...[event, context]: Invocation): LogContext {
  return {
    request_id: event.requestContext.requestId,
    function_request_id: context?.awsRequestId,
    trace_id: traceOf(event),
    provisioning_id: provisioningId.safeParse(event.pathParameters?.['provisioning_id']).data,
  };
}

/** The problem response for a thrown value: that of a RequestProblem, else SERVICE_UNAVAILABLE or INTERNAL_ERROR. */
export function problemResponse(thrown: unknown): APIGatewayProxyResult {
  const problem = thrown instanceof RequestProblem ? thrown : problemOf(thrown);
  if (problem === thrown) logger.info('Request refused', { code: problem.code });
  const body = problemBody(problem.code, problem.errors);
  const seconds = retryAfter(problem.code);
  return json(body.status, body, {
    'Content-Type': 'application/problem+json',
    ...(seconds === undefined ? {} : { 'Retry-After': String(seconds) }),
  });
}

function problemOf(thrown: unknown): RequestProblem {
  const error = classifyError(thrown);
  logger.error('Request failed', {
    error: error.name,
    reason: error.message,
    attempts: attemptsOf(thrown),
  });
  const isTransient = ['ServiceThrottled', 'ServiceUnavailable'].includes(error.name);
  return new RequestProblem(isTransient ? 'SERVICE_UNAVAILABLE' : 'INTERNAL_ERROR');
}

/**
 * Parses the body with its schema and reports all invalid fields at once.
 * @param others invalid fields that were found before, in headers
 * @throws RequestProblem UNSUPPORTED_MEDIA_TYPE, PAYLOAD_TOO_LARGE or INVALID_REQUEST
 */
export const readBody = <Schema extends z.ZodType>(
  event: APIGatewayProxyEvent,
  schema: Schema,
  others: FieldError[] = [],
): z.infer<Schema> => checkBody(parseBody(event), schema, others);

/**
 * Parses the body as JSON, without a schema.
 * @throws RequestProblem UNSUPPORTED_MEDIA_TYPE, PAYLOAD_TOO_LARGE or INVALID_REQUEST
 */
export function parseBody(event: APIGatewayProxyEvent): unknown {
  const type = header(event, 'Content-Type')?.split(';')[0]?.trim().toLowerCase();
  if (type !== 'application/json') throw new RequestProblem('UNSUPPORTED_MEDIA_TYPE');
  const encoding = event.isBase64Encoded ? 'base64' : 'utf8';
  if (Buffer.byteLength(event.body ?? '', encoding) > MAX_BODY_BYTES)
    throw new RequestProblem('PAYLOAD_TOO_LARGE');
  return parseJson(bodyText(event));
}

/**
 * Checks a parsed body with its schema.
 * @param others invalid fields that were found before, in headers
 * @param warnings fields that are reported together with the invalid ones, but do not make the request invalid
 * @throws RequestProblem INVALID_REQUEST
 */
export function checkBody<Schema extends z.ZodType>(
  body: unknown,
  schema: Schema,
  others: FieldError[] = [],
  warnings: FieldError[] = [],
): z.infer<Schema> {
  const result = schema.safeParse(body);
  const errors = [...others, ...(result.success ? [] : fieldErrors(result.error))];
  const reported = new Set([...errors, ...warnings].map(({ pointer }) => pointer));
  const illFormed = illFormedTexts(body).filter(({ pointer }) => !reported.has(pointer));
  if (!result.success || errors.length > 0 || illFormed.length > 0)
    throw new RequestProblem('INVALID_REQUEST', [...errors, ...warnings, ...illFormed]);
  return result.data;
}

function parseJson(text: string): unknown {
  if (text.trim() === '') throw invalidBody('must not be empty');
  try {
    return JSON.parse(text);
  } catch {
    // The message of a SyntaxError quotes the text, which may contain a password.
    throw invalidBody('must be JSON');
  }
}

/** Parses one value of a header or parameter. Adds its violations to `errors` with the `pointer`. */
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

/** Parses a header with one value. Adds its violations to `errors`; several different values are a violation. */
export function readHeader<Schema extends z.ZodType>(
  schema: Schema,
  event: WithHeaders,
  name: string,
  errors: FieldError[],
): z.infer<Schema> | undefined {
  const [value, ...others] = headerValues(event, name);
  const pointer = `header ${name}`;
  if (others.length === 0) return readValue(schema, value, pointer, errors);
  errors.push({ pointer, detail: NOT_UNIQUE });
  return undefined;
}

/** The invalid fields with their JSON pointers (RFC 6901). Contains names of fields, never values. */
function fieldErrors(error: z.ZodError): FieldError[] {
  return error.issues.flatMap((issue) => {
    const pointer = issue.path.map((part) => `/${String(part)}`).join('');
    if (issue.code !== 'unrecognized_keys') return [{ pointer, detail: issue.message }];
    return issue.keys.map((key) =>
      FIELD_NAME.test(key)
        ? { pointer: `${pointer}/${key}`, detail: 'is not a field of this request' }
        : {
            pointer,
            detail: 'has an unknown field, whose name is omitted because it may contain a value',
          },
    );
  });
}
