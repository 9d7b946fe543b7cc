import type { APIGatewayProxyEvent } from 'aws-lambda';
import { NOT_WELL_FORMED, WELL_FORMED } from '../../contracts/fields.ts';
import type { FieldError } from '../../contracts/problems.ts';
import { RequestProblem } from './problem.ts';

/** The body of a request as text, and what of it is no text. Nothing that cannot be read is replaced by U+FFFD. */

export const invalidBody = (detail: string) =>
  new RequestProblem('INVALID_REQUEST', [{ pointer: '', detail }]);

/**
 * API Gateway hands a body over as text, or as bytes in base64.
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

/** Letters only, as in `humanUserId`. A password that was sent as the name of a field has a digit or a mark. */
export const FIELD_NAME = /^[A-Za-z_]{1,64}$/;

/** Every text in a JSON value that is not well-formed, by JSON pointer. Names of fields that could be values are left out. */
export function illFormedTexts(value: unknown): FieldError[] {
  const found = new Set<string>();
  const left: [pointer: string, value: unknown][] = [['', value]];
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    const [pointer, one] = next;
    if (typeof one === 'string' && !WELL_FORMED.test(one)) found.add(pointer);
    if (typeof one !== 'object' || one === null) continue;
    for (const [key, inner] of Object.entries(one)) {
      if (!WELL_FORMED.test(key)) found.add(pointer);
      const isTold = Array.isArray(one) || FIELD_NAME.test(key);
      left.push([isTold ? `${pointer}/${key}` : pointer, inner]);
    }
  }
  return [...found].reverse().map((pointer) => ({ pointer, detail: NOT_WELL_FORMED }));
}
