/** An empty function, for the latency of API Gateway and Lambda alone. */
export const handler = async () => ({ statusCode: 200, body: '{}' });
