import type { APIGatewayProxyEvent } from 'aws-lambda';
import { NOT_WELL_FORMED, WELL_FORMED } from '../../contracts/fields.ts';
import type { FieldError } from '../../contracts/problems.ts';
import { RequestProblem } from './problem.ts';

/** Decoding of request bodies. Bytes that cannot be decoded are refused, not replaced by U+FFFD. */

export const invalidBody = (detail: string) =>
  new RequestProblem('INVALID_REQUEST', [{ pointer: '', detail }]);

/**
 * The body as text. API Gateway passes it as text, or as bytes in base64.
 * docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
 * @throws RequestProblem INVALID_REQUEST for bytes that are not UTF-8
 */
export function bodyText({ body, isBase64Encoded }: Pick<APIGatewayProxyEvent, 'body' | 'isBase64Encoded'>) {
  if (!isBase64Encoded) return body ?? '';
  try {
    const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
    return utf8.decode(Buffer.from(body ?? '', 'base64'));
  } catch {
    throw invalidBody('must be well-formed UTF-8');
  }
}

/** Names of fields that an error may contain. A password in place of a name contains a digit or a symbol. */
export const FIELD_NAME = /^[A-Za-z_]{1,64}$/;

/** The texts in a JSON value that are not well-formed, with JSON pointers. A name that may be a value is omitted. */
export function illFormedTexts(json: unknown): FieldError[] {
  const pointers = new Set<string>();
  const remaining: [pointer: string, value: unknown][] = [['', json]];
  for (let next = remaining.pop(); next !== undefined; next = remaining.pop()) {
    const [pointer, value] = next;
    if (typeof value === 'string' && !WELL_FORMED.test(value)) pointers.add(pointer);
    if (typeof value !== 'object' || value === null) continue;
    for (const [key, inner] of Object.entries(value)) {
      if (!WELL_FORMED.test(key)) pointers.add(pointer);
      const isKeySafe = Array.isArray(value) || FIELD_NAME.test(key);
      remaining.push([isKeySafe ? `${pointer}/${key}` : pointer, inner]);
    }
  }
  return [...pointers].reverse().map((pointer) => ({ pointer, detail: NOT_WELL_FORMED }));
}
