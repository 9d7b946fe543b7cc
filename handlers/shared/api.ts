import type { APIGatewayProxyEvent, APIGatewayProxyResult, Context } from 'aws-lambda';
import type * as z from 'zod';
import { provisioningId } from '../../contracts/fields.ts';
import { commonHeaders } from '../../contracts/headers.ts';
import { type FieldError, MAX_BODY_BYTES, problemBody, retryAfter } from '../../contracts/problems.ts';
import { bodyText, FIELD_NAME, illFormedTexts, invalidBody } from './body.ts';
import { attemptsOf, classifyError } from './errors.ts';
import { header, headerValues, SENT_TWICE, type WithHeaders } from './headers.ts';
import { logger, type Subject, withLogContext } from './logger.ts';
import { traceOf } from './origin.ts';
import { RequestProblem } from './problem.ts';

/** Handler of a route behind a REST API (Lambda proxy integration). */
export type ApiHandler = (event: APIGatewayProxyEvent) => Promise<APIGatewayProxyResult>;

/** An answer in JSON. */
export function json(
  statusCode: number,
  body: unknown,
  headers: Record<string, string> = {},
): APIGatewayProxyResult {
  return jsonText(statusCode, JSON.stringify(body), headers);
}

/** An answer whose JSON is written already. */
export function jsonText(
  statusCode: number,
  body: string,
  headers: Record<string, string> = {},
): APIGatewayProxyResult {
  return { statusCode, headers: { ...commonHeaders, 'Content-Type': 'application/json', ...headers }, body };
}

/**
 * Makes the handler of a route: whatever goes wrong inside is answered as RFC 9457 problem+json and never with the
 * text of an error, which could quote the request. What is logged inside says which request it is about.
 */
export function api(run: ApiHandler): (...invocation: Invocation) => Promise<APIGatewayProxyResult> {
  return (event, context) =>
    withLogContext(subjectOf(event, context), async () => {
      const startedAt = Date.now();
      const answer = await run(event).catch(answerTo);
      logger.info('Request answered', {
        method: event.httpMethod,
        resource: event.resource,
        status: answer.statusCode,
        duration_ms: Date.now() - startedAt,
      });
      return answer;
    });
}

/** Lambda gives a context; what calls a handler otherwise may have none. */
type Invocation = [event: APIGatewayProxyEvent, context?: Pick<Context, 'awsRequestId'>];

/** The provisioning is known only when it is in the path; a handler that finds it elsewhere says so by `addLogContext`. */
function subjectOf(...[event, context]: Invocation): Subject {
  return {
    request_id: event.requestContext.requestId,
    function_request_id: context?.awsRequestId,
    trace_id: traceOf(event),
    provisioning_id: provisioningId.safeParse(event.pathParameters?.['provisioning_id']).data,
  };
}

/** The answer that tells of what was thrown. */
export function answerTo(thrown: unknown): APIGatewayProxyResult {
  const problem = thrown instanceof RequestProblem ? thrown : unexpected(thrown);
  if (problem === thrown) logger.info('Request refused', { code: problem.code });
  const body = problemBody(problem.code, problem.errors);
  const seconds = retryAfter(problem.code);
  return json(body.status, body, {
    'Content-Type': 'application/problem+json',
    ...(seconds === undefined ? {} : { 'Retry-After': String(seconds) }),
  });
}

function unexpected(thrown: unknown): RequestProblem {
  const error = classifyError(thrown);
  logger.error('Request failed', {
    error: error.name,
    reason: error.message,
    attempts: attemptsOf(thrown),
  });
  const passes = ['ServiceThrottled', 'ServiceUnavailable'].includes(error.name);
  return new RequestProblem(passes ? 'SERVICE_UNAVAILABLE' : 'INTERNAL_ERROR');
}

/**
 * Reads the body against its schema, and tells everything that is wrong with the request at once. `others` are faults
 * already found elsewhere (a header).
 * @throws RequestProblem UNSUPPORTED_MEDIA_TYPE, PAYLOAD_TOO_LARGE or INVALID_REQUEST
 */
export const readBody = <Schema extends z.ZodType>(
  event: APIGatewayProxyEvent,
  schema: Schema,
  others: FieldError[] = [],
): z.infer<Schema> => checkBody(parseBody(event), schema, others);

/**
 * The body as JSON, whatever it holds.
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
 * Checks a body against its schema. `others` are faults already found elsewhere; `alsoTold` are told in the same answer,
 * and are no reason to refuse the request here.
 * @throws RequestProblem INVALID_REQUEST
 */
export function checkBody<Schema extends z.ZodType>(
  body: unknown,
  schema: Schema,
  others: FieldError[] = [],
  alsoTold: FieldError[] = [],
): z.infer<Schema> {
  const result = schema.safeParse(body);
  const errors = [...others, ...(result.success ? [] : fieldErrors(result.error))];
  const told = new Set([...errors, ...alsoTold].map(({ pointer }) => pointer));
  const illFormed = illFormedTexts(body).filter(({ pointer }) => !told.has(pointer));
  if (!result.success || errors.length > 0 || illFormed.length > 0)
    throw new RequestProblem('INVALID_REQUEST', [...errors, ...alsoTold, ...illFormed]);
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

/** Reads a header of one value; faults are added to `errors`, also that it came with different values. */
export function readHeader<Schema extends z.ZodType>(
  schema: Schema,
  event: WithHeaders,
  name: string,
  errors: FieldError[],
): z.infer<Schema> | undefined {
  const [value, ...others] = headerValues(event, name);
  const pointer = `header ${name}`;
  if (others.length === 0) return readValue(schema, value, pointer, errors);
  errors.push({ pointer, detail: SENT_TWICE });
  return undefined;
}

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
