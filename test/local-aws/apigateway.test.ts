import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { Sha256 } from '@aws-crypto/sha256-js';
import { CloudWatchLogsClient, FilterLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs';
import {
  CreateAccessKeyCommand,
  CreateUserCommand,
  IAMClient,
  PutUserPolicyCommand,
} from '@aws-sdk/client-iam';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { SignatureV4 } from '@smithy/signature-v4';
import { signedFetch } from '../../cli/signed-fetch.ts';
import { type Api, createApi } from './support/api.ts';
import { account, type Credentials, client, endpoint, region } from './support/clients.ts';
import { sum } from './support/metrics.ts';
import { present } from './support/present.ts';
import { anyPrincipalInTheAccount, assume, callerWho, createRole, policy } from './support/roles.ts';
import { unique } from './support/unique.ts';

let api: Api;

beforeAll(async () => {
  api = await createApi();
}, 30_000);

describe('unchanged: API Gateway proxy integration', () => {
  // apigateway/latest/developerguide/set-up-lambda-proxy-integrations#api-gateway-simple-proxy-for-lambda-input-format
  // recorded: apigateway test_lambda_aws_proxy_integration
  it('passes method, resource, path parameters, repeated query parameters and the body as text', async () => {
    const caller = await callerWho(mayInvoke());
    const response = await signedFetch(caller, region)(`${api.url}/caller/42?a=1&b=2`, {
      method: 'POST',
      body: '{"x":"ü"}',
    });

    expect(await response.json()).toMatchObject({
      httpMethod: 'POST',
      resource: '/caller/{id}',
      path: '/caller/42',
      pathParameters: { id: '42' },
      queryStringParameters: { a: '1', b: '2' },
      multiValueQueryStringParameters: { a: ['1'], b: ['2'] },
      body: '{"x":"ü"}',
      isBase64Encoded: false,
      requestContext: { accountId: account, stage: 'v1', resourcePath: '/caller/{id}' },
    });
  });

  // apigateway/latest/developerguide/set-up-lambda-proxy-integrations#api-gateway-simple-proxy-for-lambda-input-format
  it('passes null for missing parts', async () => {
    expect(await (await fetch(`${api.url}/open`)).json()).toMatchObject({
      body: null,
      pathParameters: null,
      queryStringParameters: null,
    });
    expect(await (await fetch(`${api.url}/open`, { method: 'POST', body: '' })).json()).toMatchObject({
      body: null,
    });
  });

  // apigateway/latest/developerguide/set-up-lambda-proxy-integrations#api-gateway-simple-proxy-for-lambda-output-format
  // recorded: apigateway test_aws_proxy_response_payload_format_validation
  it('returns the status, headers and body of the function', async () => {
    const answer = {
      statusCode: 202,
      headers: { 'Content-Type': 'application/problem+json', Location: '/x', 'Preference-Applied': 'wait=1' },
      body: '{"a":1}',
    };
    const response = await ask('/open', { 'X-Answer': JSON.stringify(answer) });

    expect([response.status, await response.text()]).toEqual([202, '{"a":1}']);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': 'application/problem+json',
      location: '/x',
      'preference-applied': 'wait=1',
    });
  });

  // apigateway/latest/developerguide/handle-errors-in-lambda-integration
  it('returns 502 when the function fails', async () => {
    expect((await ask('/open', { 'X-Answer': 'no JSON' })).status).toBe(502);
  });

  // apigateway/latest/developerguide/supported-gateway-response-types (MISSING_AUTHENTICATION_TOKEN)
  it('returns 403 for an unknown path', async () => {
    const response = await ask('/nothing');

    expect([response.status, await response.json()]).toEqual([
      403,
      { message: 'Missing Authentication Token' },
    ]);
  });

  // apigateway/latest/developerguide/api-gateway-request-throttling (method-level limits)
  it('returns 429 above the rate of a method', async () => {
    const answers = await Promise.all([1, 2, 3, 4, 5].map(() => ask('/narrow')));
    const statuses = answers.map(({ status }) => status);

    expect(statuses).toContain(200);
    expect(statuses.filter((status) => status === 429).length).toBeGreaterThanOrEqual(3);
  });
});

describe('corrected: API Gateway responses of functions', () => {
  const answering = (answer: unknown) => ask('/open', { 'X-Answer': JSON.stringify(answer) });

  // apigateway/latest/developerguide/set-up-lambda-proxy-integrations#api-gateway-simple-proxy-for-lambda-output-format
  // recorded: apigateway test_aws_proxy_response_payload_format_validation
  it.each([
    ['an unknown key', { statusCode: 200, unknown: 'value' }],
    ['only text', 'text'],
    ['a status that is no number', { statusCode: 'test' }],
    ['a header that should be a list', { statusCode: 200, multiValueHeaders: { name: 'value' } }],
  ])('returns 502 for %s', async (_, answer) => {
    const response = await answering(answer);

    expect([response.status, await response.json()]).toEqual([502, { message: 'Internal server error' }]);
  });

  // apigateway/latest/developerguide/handle-errors-in-lambda-integration
  it('does not return the error of a function', async () => {
    const response = await ask('/open', { 'X-Answer': 'no JSON' });

    expect([response.status, await response.json()]).toEqual([502, { message: 'Internal server error' }]);
  });

  // apigateway/latest/developerguide/set-up-lambda-proxy-integrations#api-gateway-simple-proxy-for-lambda-output-format
  // recorded: apigateway test_aws_proxy_response_payload_format_validation, test_lambda_aws_proxy_response_format
  it('accepts no field, a status as text, headers alone, and a header in both fields with the list first', async () => {
    const empty = await answering({});

    expect([empty.status, await empty.text()]).toEqual([200, '']);
    expect((await answering({ statusCode: '201' })).status).toBe(201);

    const { status, headers } = await answering({
      headers: { twice: 'alone', flag: true },
      multiValueHeaders: { Twice: ['listed'] },
    });

    expect([status, headers.get('twice'), headers.get('flag')]).toEqual([200, 'listed, alone', 'true']);
  });
});

describe('unchanged: API Gateway TOKEN authorizer', () => {
  // apigateway/latest/developerguide/api-gateway-lambda-authorizer-output: values arrive as strings
  it("passes the authorizer's context to the function", async () => {
    expect(await authorizer(unique('allow'))).toEqual({
      principalId: 'test-principal',
      group: 'api-client',
      verified: 'true',
      run: expect.any(String),
    });
  });

  // apigateway/latest/developerguide/configure-api-gateway-lambda-authorization (authorization caching)
  it('invokes the authorizer once per token', async () => {
    const token = unique('allow');
    const first = await authorizer(token);

    expect(await authorizer(token)).toEqual(first);
    expect(await authorizer(unique('allow'))).not.toEqual(first);
  });

  // apigateway/latest/developerguide/supported-gateway-response-types
  it.each([
    ['401 when it refuses the token', { Authorization: 'refuse' }, 401],
    ['401 without the header', {}, 401],
    ['403 when its policy denies', { Authorization: 'deny' }, 403],
    ['500 when it fails', { Authorization: 'keys' }, 500],
  ])('returns %s', async (_, headers, status) => {
    expect((await ask('/token', headers)).status).toBe(status);
  });

  // apigateway/latest/developerguide/api-gateway-gatewayResponse-definition
  it('uses the template of the gateway response for its own errors', async () => {
    const response = await ask('/token', { Authorization: 'refuse' });

    expect(response.headers.get('www-authenticate')).toBe('Bearer');
    expect(await response.json()).toEqual({ title: 'Unauthorized', code: 'UNAUTHORIZED' });
  });
});

describe('unchanged: API Gateway IAM authorization', () => {
  // apigateway/latest/developerguide/permissions
  it('admits only callers that a policy allows', async () => {
    const statusFor = async (caller: Credentials) =>
      (await signedFetch(caller, region)(`${api.url}/caller/1`)).status;

    expect(await statusFor(await callerWho(mayInvoke()))).toBe(200);
    expect(await statusFor(await callerWho())).toBe(403);
    expect(await statusFor({ ...(await callerWho(mayInvoke())), secretAccessKey: 'not it' })).toBe(403);
    expect((await fetch(`${api.url}/caller/1`)).status).toBe(403);
  });

  // apigateway/latest/developerguide/api-gateway-mapping-template-reference (identity.caller, .user, .userArn)
  it('passes the role session of the caller to the function', async () => {
    const roleArn = await createRole(anyPrincipalInTheAccount, [mayInvoke()]);
    const [first, second] = [await assume(roleArn, 'one'), await assume(roleArn, 'two')];
    const identity = await identityOf(first);

    expect(identity).toMatchObject({
      accountId: account,
      accessKey: first.accessKeyId,
      caller: expect.stringMatching(/^AROA\w+:one$/),
      userArn: expect.stringMatching(/^arn:aws:sts::\d{12}:assumed-role\/role-\w+\/one$/),
    });
    expect(identity['user']).toBe(identity['caller']);
    expect((await identityOf(second))['caller']).toBe(`${identity['caller']}`.replace(':one', ':two'));
  });

  // apigateway/latest/developerguide/api-gateway-mapping-template-reference (identity.caller, .user, .userArn)
  it('passes the user of the caller to the function', async () => {
    const iam = client(IAMClient);
    const UserName = unique('user');
    const { User } = await iam.send(new CreateUserCommand({ UserName }));
    const { AccessKey } = await iam.send(new CreateAccessKeyCommand({ UserName }));
    await iam.send(
      new PutUserPolicyCommand({ UserName, PolicyName: 'may', PolicyDocument: policy(mayInvoke()) }),
    );

    const identity = await identityOf({
      accessKeyId: present(AccessKey?.AccessKeyId),
      secretAccessKey: present(AccessKey?.SecretAccessKey),
    });

    expect(identity).toMatchObject({
      accountId: account,
      caller: User?.UserId,
      user: User?.UserId,
      userArn: User?.Arn,
    });
    expect(User?.UserId).toMatch(/^AIDA/);
  });
});

describe('corrected: API Gateway proxy event', () => {
  // apigateway/latest/developerguide/set-up-lambda-proxy-integrations#api-gateway-simple-proxy-for-lambda-input-format
  it('passes header names in their original case', async () => {
    const event = await echoed('/open', { 'Idempotency-Key': 'k-1', prefer: 'wait=2' });

    expect(event).toMatchObject({
      headers: { 'Idempotency-Key': 'k-1', prefer: 'wait=2' },
      multiValueHeaders: { 'Idempotency-Key': ['k-1'], prefer: ['wait=2'] },
    });
  });

  // apigateway/latest/developerguide/set-up-lambda-proxy-integrations#api-gateway-simple-proxy-for-lambda-input-format
  it('passes each value of a repeated header, and the last one in the single-value field', async () => {
    const { hostname, port, pathname } = new URL(`${api.url}/open`);
    const headers = ['Host', `${hostname}:${port}`, 'Idempotency-Key', 'k-1', 'Idempotency-Key', 'k-2'];

    const rawRequest = request({ hostname, port, path: pathname, headers, setHost: false });
    rawRequest.end();
    const [response]: IncomingMessage[] = await once(rawRequest, 'response');
    const parts: Buffer[] = [];
    for await (const part of present(response)) parts.push(Buffer.from(part));

    expect(JSON.parse(Buffer.concat(parts).toString())).toMatchObject({
      headers: { 'Idempotency-Key': 'k-2' },
      multiValueHeaders: { 'Idempotency-Key': ['k-1', 'k-2'] },
    });
  });

  // apigateway/latest/developerguide/set-up-lambda-proxy-integrations#api-gateway-simple-proxy-for-lambda-input-format
  it('passes scheme, host and path of the requested URL', async () => {
    const { headers, requestContext } = await echoed('/open');
    const { domainName, path } = requestContext;

    expect(`${headers['X-Forwarded-Proto']}://${domainName}${path}`).toBe(`${api.url}/open`);
    expect(path).toContain('/v1/');
    expect(headers).toMatchObject({
      'X-Forwarded-For': '127.0.0.1',
      'X-Forwarded-Port': new URL(endpoint).port,
    });
  });

  // apigateway/latest/developerguide/request-response-data-mappings and xray/latest/devguide/xray-services-apigateway
  it('adds a trace id', async () => {
    const { headers } = await echoed('/open');

    expect(headers['X-Amzn-Trace-Id']).toMatch(/^Root=1-[\da-f]{8}-[\da-f]{24}$/);
  });
});

describe('corrected: API Gateway API keys', () => {
  // apigateway/latest/developerguide/supported-gateway-response-types (INVALID_API_KEY)
  it.each([
    ['without a key', {}],
    ['with a wrong one', { 'x-api-key': 'not-it' }],
  ])('returns the gateway response %s', async (_what, headers) => {
    const response = await ask('/keyed', headers);

    expect([response.status, await response.json()]).toEqual([
      403,
      { title: expect.any(String), code: 'INVALID_API_KEY' },
    ]);
  });
});

describe('corrected: API Gateway host names', () => {
  // apigateway/latest/developerguide/how-to-custom-domains
  it.each(['attacker.example', '127.0.0.1.attacker.example', 'localhost.attacker.example:80'])(
    'finds no API under the host name %s',
    async (host) => {
      const { hostname, port, pathname } = new URL(`${api.url}/open`);
      const rawRequest = request({ hostname, port, path: pathname, headers: { host } });
      rawRequest.end();
      const [response]: IncomingMessage[] = await once(rawRequest, 'response');

      expect(present(response).statusCode).toBe(403);

      present(response).resume();
    },
  );
});

describe('corrected: API Gateway and the policies of functions', () => {
  // lambda/latest/dg/services-apigateway (permissions)
  it('invokes only a function whose policy allows this path', async () => {
    const answer = await fetch(`${api.url}/closed`);

    expect([answer.status, await answer.json()]).toEqual([500, { message: 'Internal server error' }]);
  });

  // apigateway/latest/developerguide/configure-api-gateway-lambda-authorization
  it('invokes only an authorizer whose policy allows it', async () => {
    const headers = { authorization: 'allow' };

    expect((await fetch(`${api.url}/token`, { headers })).status).toBe(200);
    expect((await fetch(`${api.url}/gated`, { headers })).status).toBe(500);
  });
});

describe('corrected: API Gateway IAM authorization', () => {
  // apigateway/latest/developerguide/supported-gateway-response-types (ACCESS_DENIED)
  it('returns the gateway response to callers without permission', async () => {
    const response = await signedFetch(await callerWho(), region)(`${api.url}/caller/1`);

    expect([response.status, response.headers.get('content-type'), await response.json()]).toEqual([
      403,
      'application/problem+json',
      {
        title: expect.stringMatching(
          /^User: arn:\S+ is not authorized to perform: execute-api:Invoke on resource: arn:/,
        ),
        code: 'ACCESS_DENIED',
      },
    ]);
  });

  // IAM/latest/UserGuide/reference_sigv-troubleshooting (credential scope)
  it.each([
    ['service', 's3', region],
    ['region', 'execute-api', 'eu-north-1'],
  ])('rejects a signature for another %s', async (_what, service, scopeRegion) => {
    const { url, host } = { url: new URL(`${api.url}/caller/1`), host: new URL(endpoint).host };
    const signer = new SignatureV4({
      service,
      region: scopeRegion,
      credentials: await callerWho(mayInvoke()),
      sha256: Sha256,
    });
    const { headers } = await signer.sign({
      method: 'GET',
      protocol: url.protocol,
      hostname: url.hostname,
      path: url.pathname,
      query: {},
      headers: { host },
    });
    const response = await fetch(url, { headers });

    expect([response.status, response.headers.get('x-amzn-errortype')]).toEqual([
      403,
      'InvalidSignatureException',
    ]);
  });
});

describe('corrected: API Gateway content types', () => {
  // apigateway/latest/developerguide/api-gateway-swagger-extensions-gateway-responses.responseTemplates
  it('returns its own errors with the content type of the template', async () => {
    const response = await ask('/token', { Authorization: 'deny' });

    expect(response.headers.get('content-type')).toBe('application/problem+json');
    expect(await response.json()).toEqual({
      title: expect.stringContaining('not authorized'),
      code: 'ACCESS_DENIED',
    });
  });

  // apigateway/latest/developerguide/api-gateway-method-request-validation
  it('validates bodies of every content type by the model $default', async () => {
    const statusOf = async (body: string, type: string) =>
      (await fetch(`${api.url}/checked`, { method: 'POST', body, headers: { 'Content-Type': type } })).status;

    expect(await statusOf('{"username":"a"}', 'application/json')).toBe(200);
    for (const body of ['{"username":1}', '{}', '', 'no json']) {
      expect([body, await statusOf(body, 'application/json')]).toEqual([body, 400]);
      expect([body, await statusOf(body, 'text/plain')]).toEqual([body, 400]);
    }
  });

  // apigateway/latest/developerguide/api-gateway-method-request-validation
  it('does not validate a body of a content type that has no model', async () => {
    const statusOf = async (type: string) =>
      (
        await fetch(`${api.url}/checked-by-type`, {
          method: 'POST',
          body: '{}',
          headers: { 'Content-Type': type },
        })
      ).status;

    expect([await statusOf('application/json'), await statusOf('text/plain')]).toEqual([400, 200]);
  });
});

describe('corrected: API Gateway access log', () => {
  // apigateway/latest/developerguide/set-up-logging, api-gateway-variables-for-access-logging
  it('has a line for each request, including rejected ones', async () => {
    const caller = await callerWho(mayInvoke());
    const id = unique('id');
    await signedFetch(caller, region)(`${api.url}/caller/${id}`);
    await ask(`/caller/${id}`);
    await ask('/token', { Authorization: 'refuse' });

    expect(await accessLog()).toEqual(
      expect.arrayContaining([
        expect.stringMatching(`^200 GET \\S*/v1/\\S*/caller/${id} AROA\\w+:test -$`),
        expect.stringMatching(`^403 GET \\S*/caller/${id} - MISSING_AUTHENTICATION_TOKEN$`),
        expect.stringMatching(/^401 GET \S*\/token - UNAUTHORIZED$/),
      ]),
    );
  });
});

describe('corrected: API Gateway metrics', () => {
  // apigateway/latest/developerguide/api-gateway-metrics-and-dimensions
  it('counts requests and errors of an API and its stage', async () => {
    const metric = (MetricName: string, Stage = 'v1') => ({
      Namespace: 'AWS/ApiGateway',
      MetricName,
      Dimensions: [
        { Name: 'ApiName', Value: api.name },
        { Name: 'Stage', Value: Stage },
      ],
    });
    const counts = () => Promise.all(['Count', '4XXError', '5XXError'].map((name) => sum(metric(name))));
    const [all = 0, refused = 0, failed = 0] = await counts();

    await ask('/open');
    await ask('/token', { Authorization: 'refuse' });
    await ask('/token', { Authorization: 'anything else' });

    expect(await counts()).toEqual([all + 3, refused + 1, failed + 1]);
    expect(await sum(metric('Latency'))).toBeGreaterThan(0);
    expect(await sum(metric('Count', 'v2'))).toBe(0);
  });
});

interface ProxyEvent {
  headers: Record<string, string>;
  requestContext: {
    domainName: string;
    path: string;
    authorizer: Record<string, string>;
    identity: Record<string, string>;
  };
}

function ask(path: string, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(api.url + path, { headers });
}

/** The event that the function received. */
async function echoed(path: string, headers: Record<string, string> = {}): Promise<ProxyEvent> {
  return JSON.parse(await (await ask(path, headers)).text());
}

async function authorizer(token: string) {
  return (await echoed('/token', { Authorization: token })).requestContext.authorizer;
}

async function identityOf(caller: Credentials) {
  const response = await signedFetch(caller, region)(`${api.url}/caller/1`);
  const event: ProxyEvent = JSON.parse(await response.text());
  return event.requestContext.identity;
}

async function accessLog(): Promise<string[]> {
  const { events = [] } = await client(CloudWatchLogsClient).send(
    new FilterLogEventsCommand({ logGroupName: api.logGroup }),
  );
  return events.map(({ message }) => present(message));
}

function mayInvoke() {
  return { Effect: 'Allow', Action: 'execute-api:Invoke', Resource: api.arn } as const;
}
