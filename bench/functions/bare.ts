/** Does nothing: what API Gateway and Lambda take alone. */
export const handler = async () => ({ statusCode: 200, body: '{}' });
