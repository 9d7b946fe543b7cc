import type { APIGatewayProxyEvent } from 'aws-lambda';

/** A header's value whatever the case of its name; names are case-insensitive (RFC 9110), API Gateway keeps the sender's. */
export function header(event: Pick<APIGatewayProxyEvent, 'headers'>, name: string): string | undefined {
  const key = Object.keys(event.headers ?? {}).find(
    (candidate) => candidate.toLowerCase() === name.toLowerCase(),
  );
  return key === undefined ? undefined : event.headers[key];
}
