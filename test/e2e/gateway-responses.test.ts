import { once } from 'node:events';
import { type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http';
import { Sha256 } from '@aws-crypto/sha256-js';
import { describe, expect, it } from '@jest/globals';
import { SignatureV4 } from '@smithy/signature-v4';
import type { Credentials } from '../../cli/signed-fetch.ts';
import { type ProblemCode, problem } from '../../contracts/problems.ts';
import type { ServiceKind } from '../../contracts/services.ts';
import { callerWho } from '../local-aws/support/roles.ts';
import { configuration, newRequest, outputs, system } from './support/deployed.ts';

/**
 * The responses of API Gateway itself that requests can cause: each is a problem, and contains nothing of the request. A
 * unit test covers every response type (test/infra/templates.test.ts).
 */

/** Part of the requests that no response may contain. */
const MARKER = 'aMarkerOfTheRequest';
const ID = '0b54a0a5-91d2-4f21-9a5d-6a1c2f7f7d01';

interface HttpRequest {
  method?: string;
  path?: string;
  /** Pairs, so that a header can be sent twice. */
  headers?: [name: string, value: string][];
  body?: string;
}

interface HttpResponse {
  status: number | undefined;
  headers: IncomingHttpHeaders;
  body: string;
}

async function send(
  api: ServiceKind,
  { method = 'GET', path = `/create-service-user/${ID}`, headers = [], body }: HttpRequest,
): Promise<HttpResponse> {
  const { hostname, port, pathname } = new URL(outputs[api].api_url);
  const outgoing = request({
    hostname,
    port,
    path: `${pathname}${path}`,
    method,
    headers: headers.flat(),
    setHost: false,
  });
  outgoing.end(body);
  const [response]: IncomingMessage[] = await once(outgoing, 'response');
  if (response === undefined) throw new Error('There is no response.');
  const parts: Buffer[] = [];
  for await (const part of response) parts.push(Buffer.from(part));
  return {
    status: response.statusCode,
    headers: response.headers,
    body: Buffer.concat(parts).toString('utf8'),
  };
}

interface Signing {
  credentials?: Credentials;
  service?: string;
  region?: string;
  signingDate?: Date;
}

/** Signs a request. */
async function sign(
  unsigned: HttpRequest,
  {
    credentials = configuration.credentials,
    service = 'execute-api',
    region = outputs.region,
    signingDate = new Date(),
  }: Signing = {},
): Promise<HttpRequest> {
  const { method = 'GET', path = `/create-service-user/${ID}`, headers = [], body } = unsigned;
  const { hostname, port, pathname, protocol } = new URL(outputs.app1.api_url);
  const signer = new SignatureV4({ service, region, credentials, sha256: Sha256 });
  const { headers: all } = await signer.sign(
    {
      method,
      protocol,
      hostname,
      path: `${pathname}${path}`,
      query: {},
      headers: { host: `${hostname}:${port}` },
      ...(body === undefined ? {} : { body }),
    },
    { signingDate },
  );
  return { ...unsigned, method, path, headers: [...Object.entries(all), ...headers] };
}

const host = (): [string, string] => ['Host', new URL(outputs.app1.api_url).host];
const withAuthorization = (value: string, more: HttpRequest = {}): HttpRequest => ({
  ...more,
  headers: [host(), ['Authorization', value]],
});
const scope = `20260101/${configuration.region}/execute-api/aws4_request`;

const rejections: [string, ServiceKind, () => Promise<HttpRequest> | HttpRequest, ProblemCode][] = [
  ['no signature', 'app1', () => ({ headers: [host()] }), 'FORBIDDEN'],
  ['an empty Authorization', 'app1', () => withAuthorization(''), 'FORBIDDEN'],
  ['a meaningless Authorization', 'app1', () => withAuthorization(MARKER), 'FORBIDDEN'],
  ['a bearer token', 'app1', () => withAuthorization(`Bearer ${MARKER}`), 'FORBIDDEN'],
  ['a password', 'app1', () => withAuthorization(`Basic ${MARKER}`), 'FORBIDDEN'],
  ['a signature without its parts', 'app1', () => withAuthorization('AWS4-HMAC-SHA256'), 'FORBIDDEN'],
  [
    'a signature of other parts',
    'app1',
    () => withAuthorization(`AWS4-HMAC-SHA256 ${MARKER}=1, x=2`),
    'FORBIDDEN',
  ],
  [
    'a signature without SignedHeaders',
    'app1',
    () => withAuthorization(`AWS4-HMAC-SHA256 Credential=${MARKER}/${scope}, Signature=${MARKER}`),
    'FORBIDDEN',
  ],
  [
    'a signature without a date',
    'app1',
    () =>
      withAuthorization(
        `AWS4-HMAC-SHA256 Credential=${MARKER}/${scope}, SignedHeaders=host, Signature=${MARKER}`,
      ),
    'FORBIDDEN',
  ],
  [
    'a signature of another algorithm',
    'app1',
    () =>
      withAuthorization(
        `AWS4-HMAC-MD5 Credential=${MARKER}/${scope}, SignedHeaders=host, Signature=${MARKER}`,
      ),
    'FORBIDDEN',
  ],
  [
    'an unknown access key',
    'app1',
    () => sign({}, { credentials: { accessKeyId: `AKIA${MARKER}`, secretAccessKey: 'x' } }),
    'FORBIDDEN',
  ],
  [
    'a wrong secret',
    'app1',
    () => sign({}, { credentials: { ...configuration.credentials, secretAccessKey: MARKER } }),
    'FORBIDDEN',
  ],
  [
    'an unknown session token',
    'app1',
    () => sign({}, { credentials: { ...configuration.credentials, sessionToken: MARKER } }),
    'FORBIDDEN',
  ],
  [
    'a signature of an hour ago',
    'app1',
    () => sign({}, { signingDate: new Date(Date.now() - 3_600_000) }),
    'FORBIDDEN',
  ],
  ['a signature for another service', 'app1', () => sign({}, { service: 's3' }), 'FORBIDDEN'],
  ['a signature for another region', 'app1', () => sign({}, { region: 'eu-north-1' }), 'FORBIDDEN'],
  [
    'a principal without the permission',
    'app1',
    async () => sign({}, { credentials: await callerWho() }),
    'FORBIDDEN',
  ],
  ['an unknown path', 'app1', () => sign({ path: `/${MARKER}` }), 'FORBIDDEN'],
  [
    'an unknown path without a signature',
    'app1',
    () => ({ path: `/${MARKER}`, headers: [host()] }),
    'FORBIDDEN',
  ],
  ['a method that the path does not have', 'app1', () => sign({ method: 'PUT' }), 'FORBIDDEN'],
  [
    'a malformed JSON body',
    'app1',
    () =>
      sign({
        method: 'POST',
        path: '/create-service-user',
        headers: [['Content-Type', 'application/json']],
        body: `{"password": "${MARKER}"`,
      }),
    'INVALID_REQUEST',
  ],
  ['no token', 'app2', () => ({ path: '/sample', method: 'POST', headers: [host()] }), 'UNAUTHENTICATED'],
  [
    'an empty token',
    'app2',
    () => withAuthorization('', { path: '/sample', method: 'POST' }),
    'UNAUTHENTICATED',
  ],
  [
    'an invalid token',
    'app2',
    () => withAuthorization(`Bearer ${MARKER}`, { path: '/sample', method: 'POST' }),
    'UNAUTHENTICATED',
  ],
  [
    'another scheme',
    'app2',
    () => withAuthorization(`Basic ${MARKER}`, { path: '/sample', method: 'POST' }),
    'UNAUTHENTICATED',
  ],
  [
    'a signature',
    'app2',
    async () => ({ ...(await sign({})), path: '/sample', method: 'POST' }),
    'UNAUTHENTICATED',
  ],
  [
    'an unknown path',
    'app2',
    () => withAuthorization(`Bearer ${MARKER}`, { path: `/${MARKER}` }),
    'FORBIDDEN',
  ],
  [
    'a method that the path does not have',
    'app2',
    () => withAuthorization(`Bearer ${MARKER}`, { path: '/sample', method: 'PUT' }),
    'FORBIDDEN',
  ],
];

describe('API Gateway', () => {
  it.each(rejections)(
    'rejects %s at %s with a problem that repeats no input',
    async (_request, api, make, code) => {
      const { status, headers, body } = await send(api, await make());

      const parsed = problem.parse(JSON.parse(body));

      expect([parsed.code, parsed.status]).toEqual([code, status]);
      expect(headers).toMatchObject({
        'content-type': 'application/problem+json',
        'cache-control': 'no-store',
        'x-content-type-options': 'nosniff',
      });
      expect(JSON.stringify(headers) + body).not.toContain(MARKER);
      expect(body).not.toContain(configuration.credentials.accessKeyId);
    },
  );
});

const post = (headers: [string, string][], body = JSON.stringify(newRequest())) =>
  sign({
    method: 'POST',
    path: '/create-service-user',
    headers: [['Content-Type', 'application/json'], ...headers],
    body,
  });

describe('headers of a client', () => {
  it('do not change the URL of the status', async () => {
    const { status, headers, body } = await send(
      'app1',
      await post([
        ['X-Forwarded-Proto', 'javascript'],
        ['X-Forwarded-Host', 'attacker.example'],
        ['X-Forwarded-Port', '1'],
        ['Forwarded', 'host=attacker.example;proto=gopher'],
      ]),
    );

    const { status_url } = JSON.parse(body);

    expect(status).toBe(202);
    expect(status_url).toMatch(new RegExp(`^${outputs.app1.api_url}/create-service-user/[0-9a-f-]{36}$`));
    expect(headers.location).toBe(status_url);
  });

  it('are rejected if one of them occurs twice with different values, and no execution starts', async () => {
    const body = newRequest();
    const response = await send(
      'app1',
      await post(
        [
          ['Idempotency-Key', 'key-1'],
          ['Idempotency-Key', 'key-2'],
        ],
        JSON.stringify(body),
      ),
    );

    expect(response.status).toBe(400);
    expect(problem.parse(JSON.parse(response.body)).errors).toEqual([
      {
        pointer: 'header Idempotency-Key',
        detail: expect.stringContaining('must not be sent with different values'),
      },
    ]);
    expect(await system.user(body.username)).toBeUndefined();
  });

  it('are accepted if one of them occurs twice with the same value', async () => {
    const body = JSON.stringify(newRequest());
    const key: [string, string] = ['Idempotency-Key', `key-${MARKER}-${Date.now()}`];
    const once = await send('app1', await post([key], body));
    const twice = await send('app1', await post([key, key], body));

    expect([once.status, twice.status]).toEqual([202, 202]);
    expect(JSON.parse(twice.body).provisioning_id).toBe(JSON.parse(once.body).provisioning_id);
  });
});
