import type { APIGatewayProxyEvent } from 'aws-lambda';
import { TRACE_ID } from './subject.ts';

/** The part of a request that a test sets; the rest is as API Gateway sends it. */
interface Request {
  method?: string;
  path?: string;
  /** A list: sent once with each value. */
  headers?: Record<string, string | string[]>;
  body?: unknown;
  /** Values of the query parameter `include`. */
  include?: string[];
  /** Values of other query parameters. */
  query?: Record<string, string[]>;
  /** Value of `{provisioning_id}` in the path. */
  id?: string;
}

const traced = { 'X-Amzn-Trace-Id': `Self=1-67891234-12456789abcdef012345678;Root=${TRACE_ID};Sampled=0` };

/** The origin of an execution that such a request has started. */
export const ORIGIN = { causation_id: 'request:request-1', trace_id: TRACE_ID };

type Identity = Partial<APIGatewayProxyEvent['requestContext']['identity']>;

const unsignedIdentity: APIGatewayProxyEvent['requestContext']['identity'] = {
  accessKey: null,
  accountId: null,
  apiKey: null,
  apiKeyId: null,
  caller: null,
  clientCert: null,
  cognitoAuthenticationProvider: null,
  cognitoAuthenticationType: null,
  cognitoIdentityId: null,
  cognitoIdentityPoolId: null,
  principalOrgId: null,
  sourceIp: '192.0.2.1',
  user: null,
  userAgent: null,
  userArn: null,
};

function proxyEvent(
  { method = 'POST', path = '/', headers = {}, body, include, query, id }: Request,
  identity: Identity,
  authorizer: Record<string, string> | undefined,
): APIGatewayProxyEvent {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const sent = Object.entries({ 'Content-Type': 'application/json', ...traced, ...headers }).map(
    ([name, value]) => [name, [value].flat()] as const,
  );
  return {
    httpMethod: method,
    path,
    resource: path,
    headers: Object.fromEntries(sent.map(([name, values]) => [name, values.at(-1)])),
    multiValueHeaders: Object.fromEntries(sent),
    queryStringParameters: null,
    multiValueQueryStringParameters:
      include === undefined && query === undefined
        ? null
        : { ...query, ...(include === undefined ? {} : { include }) },
    pathParameters: id === undefined ? null : { provisioning_id: id },
    stageVariables: null,
    body: text ?? null,
    isBase64Encoded: false,
    requestContext: {
      accountId: '111122223333',
      apiId: 'api',
      authorizer,
      domainName: 'api.example',
      httpMethod: method,
      identity: { ...unsignedIdentity, ...identity },
      path: `/v1${path}`,
      protocol: 'HTTP/1.1',
      requestId: 'request-1',
      requestTimeEpoch: 0,
      resourceId: 'resource',
      resourcePath: path,
      stage: 'v1',
    },
  };
}

/** The caller of App1 in these tests, and its owner id. */
export const CALLER = { accountId: '444455556666', caller: 'AROAROLEID:session-1' };
export const CALLERS_OWNER = '444455556666/AROAROLEID';

/** A request to App1, signed with IAM credentials. */
export function signedRequest(request: Request, identity: Identity = CALLER): APIGatewayProxyEvent {
  return proxyEvent(request, identity, undefined);
}

/** The machine client of App1 in these tests, as App2's authorizer names it. */
export const MACHINE_OWNER = 'owner-app1';

/** A request to App2, with the context of the authorizer. */
export function authorizedRequest(
  request: Request,
  context: Record<string, string> | undefined = {
    owner: MACHINE_OWNER,
    username: 'machine',
    client_id: 'machine-client',
  },
): APIGatewayProxyEvent {
  return proxyEvent(request, {}, context);
}
