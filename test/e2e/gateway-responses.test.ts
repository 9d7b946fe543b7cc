import { once } from 'node:events';
import { type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http';
import { Sha256 } from '@aws-crypto/sha256-js';
import { describe, expect, it } from '@jest/globals';
import { SignatureV4 } from '@smithy/signature-v4';
import type { Credentials } from '../../cli/signed-fetch.ts';
import { type ProblemCode, problem } from '../../contracts/problems.ts';
import type { Service } from '../../contracts/services.ts';
import { callerWho } from '../local-aws/support/roles.ts';
import { configuration, newRequest, outputs, system } from './support/deployed.ts';

/**
 * What API Gateway answers itself, as far as a request can make it: in our words, as a problem, and nothing of the
 * request in it. A unit test has every type (test/infra/templates.test.ts).
 */

/** Stands in what is sent, and must not stand in what is answered. */
const MARK = 'aMarkThatNobodyRepeats';
const ID = '0b54a0a5-91d2-4f21-9a5d-6a1c2f7f7d01';

interface Sent {
  method?: string;
  path?: string;
  /** Pairs, so that a header can be sent twice. */
  headers?: [name: string, value: string][];
  body?: string;
}

interface Answered {
  status: number | undefined;
  headers: IncomingHttpHeaders;
  body: string;
}

async function send(
  api: Service,
  { method = 'GET', path = `/create-service-user/${ID}`, headers = [], body }: Sent,
): Promise<Answered> {
  const { hostname, port, pathname } = new URL(outputs[api].api_url);
  const asked = request({
    hostname,
    port,
    path: `${pathname}${path}`,
    method,
    headers: headers.flat(),
    setHost: false,
  });
  asked.end(body);
  const [response]: IncomingMessage[] = await once(asked, 'response');
  if (response === undefined) throw new Error('There is no answer.');
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

/** The same request, signed. */
async function signed(
  sent: Sent,
  {
    credentials = configuration.credentials,
    service = 'execute-api',
    region = outputs.region,
    signingDate = new Date(),
  }: Signing = {},
): Promise<Sent> {
  const { method = 'GET', path = `/create-service-user/${ID}`, headers = [], body } = sent;
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
  return { ...sent, method, path, headers: [...Object.entries(all), ...headers] };
}

const host = (): [string, string] => ['Host', new URL(outputs.app1.api_url).host];
const withAuthorization = (value: string, more: Sent = {}): Sent => ({
  ...more,
  headers: [host(), ['Authorization', value]],
});
const scope = `20260101/${configuration.region}/execute-api/aws4_request`;

const refusals: [string, Service, () => Promise<Sent> | Sent, ProblemCode][] = [
  ['no signature', 'app1', () => ({ headers: [host()] }), 'FORBIDDEN'],
  ['an empty Authorization', 'app1', () => withAuthorization(''), 'FORBIDDEN'],
  ['an Authorization that is nothing', 'app1', () => withAuthorization(MARK), 'FORBIDDEN'],
  ['a bearer token', 'app1', () => withAuthorization(`Bearer ${MARK}`), 'FORBIDDEN'],
  ['a password', 'app1', () => withAuthorization(`Basic ${MARK}`), 'FORBIDDEN'],
  ['a signature without its parts', 'app1', () => withAuthorization('AWS4-HMAC-SHA256'), 'FORBIDDEN'],
  [
    'a signature of other parts',
    'app1',
    () => withAuthorization(`AWS4-HMAC-SHA256 ${MARK}=1, x=2`),
    'FORBIDDEN',
  ],
  [
    'a signature without SignedHeaders',
    'app1',
    () => withAuthorization(`AWS4-HMAC-SHA256 Credential=${MARK}/${scope}, Signature=${MARK}`),
    'FORBIDDEN',
  ],
  [
    'a signature without a date',
    'app1',
    () =>
      withAuthorization(
        `AWS4-HMAC-SHA256 Credential=${MARK}/${scope}, SignedHeaders=host, Signature=${MARK}`,
      ),
    'FORBIDDEN',
  ],
  [
    'a signature of another algorithm',
    'app1',
    () =>
      withAuthorization(`AWS4-HMAC-MD5 Credential=${MARK}/${scope}, SignedHeaders=host, Signature=${MARK}`),
    'FORBIDDEN',
  ],
  [
    'a key that there is not',
    'app1',
    () => signed({}, { credentials: { accessKeyId: `AKIA${MARK}`, secretAccessKey: 'x' } }),
    'FORBIDDEN',
  ],
  [
    'a wrong secret',
    'app1',
    () => signed({}, { credentials: { ...configuration.credentials, secretAccessKey: MARK } }),
    'FORBIDDEN',
  ],
  [
    'a token of no session',
    'app1',
    () => signed({}, { credentials: { ...configuration.credentials, sessionToken: MARK } }),
    'FORBIDDEN',
  ],
  [
    'a signature of an hour ago',
    'app1',
    () => signed({}, { signingDate: new Date(Date.now() - 3_600_000) }),
    'FORBIDDEN',
  ],
  ['a signature for another service', 'app1', () => signed({}, { service: 's3' }), 'FORBIDDEN'],
  ['a signature for another region', 'app1', () => signed({}, { region: 'eu-north-1' }), 'FORBIDDEN'],
  [
    'a principal without the right',
    'app1',
    async () => signed({}, { credentials: await callerWho() }),
    'FORBIDDEN',
  ],
  ['a path that there is not', 'app1', () => signed({ path: `/${MARK}` }), 'FORBIDDEN'],
  [
    'a path that there is not, unsigned',
    'app1',
    () => ({ path: `/${MARK}`, headers: [host()] }),
    'FORBIDDEN',
  ],
  ['a method that the path has not', 'app1', () => signed({ method: 'PUT' }), 'FORBIDDEN'],
  [
    'a body that is no JSON',
    'app1',
    () =>
      signed({
        method: 'POST',
        path: '/create-service-user',
        headers: [['Content-Type', 'application/json']],
        body: `{"password": "${MARK}"`,
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
    'a token that is none',
    'app2',
    () => withAuthorization(`Bearer ${MARK}`, { path: '/sample', method: 'POST' }),
    'UNAUTHENTICATED',
  ],
  [
    'another scheme',
    'app2',
    () => withAuthorization(`Basic ${MARK}`, { path: '/sample', method: 'POST' }),
    'UNAUTHENTICATED',
  ],
  [
    'a signature',
    'app2',
    async () => ({ ...(await signed({})), path: '/sample', method: 'POST' }),
    'UNAUTHENTICATED',
  ],
  [
    'a path that there is not',
    'app2',
    () => withAuthorization(`Bearer ${MARK}`, { path: `/${MARK}` }),
    'FORBIDDEN',
  ],
  [
    'a method that the path has not',
    'app2',
    () => withAuthorization(`Bearer ${MARK}`, { path: '/sample', method: 'PUT' }),
    'FORBIDDEN',
  ],
];

describe('what API Gateway refuses', () => {
  it.each(refusals)('%s at %s is told as a problem that repeats nothing', async (_what, api, make, code) => {
    const { status, headers, body } = await send(api, await make());

    const told = problem.parse(JSON.parse(body));
    expect([told.code, told.status]).toEqual([code, status]);
    expect(headers).toMatchObject({
      'content-type': 'application/problem+json',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
    });
    expect(JSON.stringify(headers) + body).not.toContain(MARK);
    expect(body).not.toContain(configuration.credentials.accessKeyId);
  });
});

const post = (headers: [string, string][], body = JSON.stringify(newRequest())) =>
  signed({
    method: 'POST',
    path: '/create-service-user',
    headers: [['Content-Type', 'application/json'], ...headers],
    body,
  });

describe('headers that the sender writes', () => {
  it('have no part in the address of the status', async () => {
    const { status, headers, body } = await send(
      'app1',
      await post([
        ['X-Forwarded-Proto', 'javascript'],
        ['X-Forwarded-Host', 'attacker.example'],
        ['X-Forwarded-Port', '1'],
        ['Forwarded', 'host=attacker.example;proto=gopher'],
      ]),
    );

    expect(status).toBe(202);
    const { status_url } = JSON.parse(body);
    expect(status_url).toMatch(new RegExp(`^${outputs.app1.api_url}/create-service-user/[0-9a-f-]{36}$`));
    expect(headers.location).toBe(status_url);
  });

  it('are refused when one of them comes twice with different values, and nothing is started', async () => {
    const body = newRequest();
    const answer = await send(
      'app1',
      await post(
        [
          ['Idempotency-Key', 'key-1'],
          ['Idempotency-Key', 'key-2'],
        ],
        JSON.stringify(body),
      ),
    );

    expect(answer.status).toBe(400);
    expect(problem.parse(JSON.parse(answer.body)).errors).toEqual([
      { pointer: 'header Idempotency-Key', detail: expect.stringContaining('must be sent once') },
    ]);
    expect(await system.user(body.username)).toBeUndefined();
  });

  it('are one when they come twice with one value', async () => {
    const body = JSON.stringify(newRequest());
    const key: [string, string] = ['Idempotency-Key', `key-${MARK}-${Date.now()}`];
    const once = await send('app1', await post([key], body));
    const twice = await send('app1', await post([key, key], body));

    expect([once.status, twice.status]).toEqual([202, 202]);
    expect(JSON.parse(twice.body).provisioning_id).toBe(JSON.parse(once.body).provisioning_id);
  });
});
