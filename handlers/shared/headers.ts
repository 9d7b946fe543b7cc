import type { APIGatewayProxyEvent } from 'aws-lambda';
import { RequestProblem } from './problem.ts';

/** What carries headers: `multiValueHeaders` has each value that was sent, `headers` the last one of each name. */
export type WithHeaders = Pick<APIGatewayProxyEvent, 'headers'> &
  Partial<Pick<APIGatewayProxyEvent, 'multiValueHeaders'>>;

/**
 * Every value of a header, as it was sent, without repeats. Names are case-insensitive (RFC 9110, section 5.1), and API
 * Gateway keeps the sender's.
 * docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
 */
export function headerValues({ headers, multiValueHeaders }: WithHeaders, name: string): string[] {
  const hasThisName = ([key]: [string, unknown]) => key.toLowerCase() === name.toLowerCase();
  const repeated = Object.entries(multiValueHeaders ?? {})
    .filter(hasThisName)
    .flatMap(([, values]) => values ?? []);
  const single = Object.entries(headers ?? {})
    .filter(hasThisName)
    .flatMap(([, value]) => value ?? []);
  return [...new Set([...repeated, ...single])];
}

/** What is wrong with a header of one value that came with several. */
export const SENT_TWICE = 'must be sent once: it came with different values';

/**
 * A header that has one value (RFC 9110, section 5.3); sent again with the same value, it is the same header.
 * @throws RequestProblem INVALID_REQUEST when it came with different values: none of them is the right one
 */
export function header(event: WithHeaders, name: string): string | undefined {
  const [value, ...others] = headerValues(event, name);
  if (others.length === 0) return value;
  throw new RequestProblem('INVALID_REQUEST', [{ pointer: `header ${name}`, detail: SENT_TWICE }]);
}

/** A header that is a list, which may be sent in parts: its elements in the order in which they were sent. */
export function listHeader(event: WithHeaders, name: string): string | undefined {
  const values = headerValues(event, name);
  return values.length === 0 ? undefined : values.join(', ');
}
