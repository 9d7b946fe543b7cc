/**
 * An error as the AWS SDK throws it: matched by `name`, with the HTTP status of the response. `message` is the
 * service's own text, which can quote the request.
 */
export function sdkError(name: string, { status = 400, message = `${name} of the test` } = {}): Error {
  const error = new Error(message);
  return Object.assign(error, {
    name,
    $fault: status < 500 ? 'client' : 'server',
    $metadata: { httpStatusCode: status, requestId: 'request-1' },
  });
}
