import type { APIGatewayProxyEvent } from 'aws-lambda';
import { RequestProblem } from './problem.ts';

/** Headers of an event: `multiValueHeaders` has every value, `headers` the last value of each name. */
export type WithHeaders = Pick<APIGatewayProxyEvent, 'headers'> &
  Partial<Pick<APIGatewayProxyEvent, 'multiValueHeaders'>>;

/**
 * The distinct values of a header. Names are case-insensitive (RFC 9110, section 5.1); API Gateway does not normalize
 * them.
 * docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
 */
export function headerValues({ headers, multiValueHeaders }: WithHeaders, name: string): string[] {
  const hasName = ([key]: [string, unknown]) => key.toLowerCase() === name.toLowerCase();
  const repeated = Object.entries(multiValueHeaders ?? {})
    .filter(hasName)
    .flatMap(([, values]) => values ?? []);
  const single = Object.entries(headers ?? {})
    .filter(hasName)
    .flatMap(([, value]) => value ?? []);
  return [...new Set([...repeated, ...single])];
}

/** Violation of a header that must have one value. */
export const NOT_UNIQUE = 'must not be sent with different values';

/**
 * A header with one value (RFC 9110, section 5.3). Repetitions with the same value count once.
 * @throws RequestProblem INVALID_REQUEST for different values
 */
export function header(event: WithHeaders, name: string): string | undefined {
  const [value, ...others] = headerValues(event, name);
  if (others.length === 0) return value;
  throw new RequestProblem('INVALID_REQUEST', [{ pointer: `header ${name}`, detail: NOT_UNIQUE }]);
}

/** A header that is a list. Several lines are joined in their order (RFC 9110, section 5.3). */
export function listHeader(event: WithHeaders, name: string): string | undefined {
  const values = headerValues(event, name);
  return values.length === 0 ? undefined : values.join(', ');
}
