import { randomUUID } from 'node:crypto';
import { FilterLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs';
import { beforeAll, describe, expect, it } from '@jest/globals';
import type { ApiResponse } from '../../local/system.ts';
import { eventually } from '../local-aws/support/eventually.ts';
import {
  machineToken,
  newPassword,
  newRequest,
  outputs,
  provision,
  start,
  system,
} from './support/deployed.ts';

/** Properties of every response, of functions and of API Gateway itself. */

const request = newRequest();
let id: string;
let service: string;
let machine: string;

beforeAll(async () => {
  ({ provisioning_id: id } = await provision(request));
  service = await system.signIn(request.username, request.password);
  machine = await machineToken();
});

const json = (body: unknown) => JSON.stringify(body);
const post = (body: string, headers: Record<string, string> = {}) => system.provision(body, headers);

const responses: [string, number, () => Promise<ApiResponse>][] = [
  ['App1 accepts a request', 202, () => post(json(newRequest()))],
  ['App1 returns a status', 200, () => system.status(id)],
  ['App1 rejects fields', 400, () => post(json({ username: '' }))],
  ['App1 rejects malformed JSON', 400, () => post('{')],
  ['App1 rejects an array', 400, () => post('[]')],
  ['App1 rejects a string', 400, () => post('"text"')],
  ['App1 rejects an empty body', 400, () => post('')],
  ['App1 does not find an id', 404, () => system.status(randomUUID())],
  ['App1 rejects a large body', 413, () => post(json({ ...request, password: 'x'.repeat(20_000) }))],
  ['App1 rejects the content type', 415, () => post(json(request), { 'content-type': 'text/xml' })],
  ['App2 receives no token', 401, () => system.app2('POST', '/sample', undefined, {})],
  ['App2 denies a route', 403, () => system.app2('POST', '/admin/create-user', service, {})],
  ['App2 does not have the route', 403, () => system.app2('GET', '/nowhere', service)],
  ['App2 serves a business request', 200, () => system.app2('POST', '/sample', service, { data: {} })],
  ['App2 rejects fields', 400, () => system.app2('POST', '/sample', service, { data: 1 })],
  ['App2 rejects an array', 400, () => system.app2('POST', '/sample', service, [])],
  [
    'App2 does not find a creation',
    404,
    () => system.app2('GET', `/admin/create-user/${randomUUID()}`, machine),
  ],
  [
    'App2 has no user to remove',
    204,
    () => system.app2('DELETE', `/admin/create-user/${randomUUID()}?username=unknown-user`, machine),
  ],
];

/** Internal details: names of resources and accounts, errors of libraries, positions in code. */
const INTERNAL_DETAILS = [
  /arn:aws/,
  /\d{12}/,
  /\bat .+:\d+:\d+/,
  /node_modules|\.ts\b|\.js\b/,
  /Exception\b/,
  /ZodError|SyntaxError|TypeError/,
  /RequestId/,
];

describe('a response, when', () => {
  it.each(responses)(
    '%s (%i), is not cached, not sniffed, and sent over TLS only',
    async (_situation, expected, send) => {
      const { status, headers } = await send();

      expect(status).toBe(expected);
      expect(Object.fromEntries(headers)).toMatchObject({
        'cache-control': 'no-store',
        'x-content-type-options': 'nosniff',
        'strict-transport-security': expect.stringMatching(/^max-age=\d{8};/),
      });
    },
  );

  it.each(responses)(
    '%s (%i), contains no internal details and no password',
    async (_situation, _status, send) => {
      const { body } = await send();
      const text = json(body ?? '')
        .replaceAll(outputs.app1.api_url, '')
        .replaceAll(/"\d{4}-\d\d-\d\dT[^"]+"/g, '');

      for (const pattern of INTERNAL_DETAILS) expect(text).not.toMatch(pattern);
      expect(text).not.toContain(request.password);
    },
  );
});

describe('a body that is not a JSON object', () => {
  it.each([
    '{',
    '[]',
    '"text"',
    '1',
    'null',
    'true',
    '{"a": 1}}',
    `{"password": "${newPassword()}"`,
    '\u0000',
  ])('is rejected before a function is invoked, with one error: %j', async (body) => {
    const response = await post(body);

    expect([response.status, response.body]).toEqual([
      400,
      expect.objectContaining({
        code: 'INVALID_REQUEST',
        errors: [{ pointer: '', detail: 'must be a JSON object' }],
      }),
    ]);
  });
});

describe('a log line', () => {
  it.each([
    ['username', 'a\nERROR forged'],
    ['username', 'a\u2028ERROR forged'],
    ['human_user_id', 'h\r\nERROR forged'],
    ['human_user_id', '\u001b[31mERROR forged'],
  ])('cannot be forged by a %s of %j', async (field, value) => {
    const { status } = await post(json({ ...newRequest(), [field]: value }));

    expect(status).toBe(400);
  });

  it('is one JSON object, whatever the request contains', async () => {
    const since = Date.now();
    await start(newRequest({ human_user_id: `"}\\n{"level":"ERROR","forged":"${randomUUID()}` }));

    await eventually(async () => {
      const { events = [] } = await system.clients.logs.send(
        new FilterLogEventsCommand({ logGroupName: '/aws/lambda/app1-start-provisioning', startTime: since }),
      );
      const lines = events
        .map(({ message = '' }) => message)
        .filter((line) => !/^(START|END|REPORT) RequestId/.test(line));
      expect(lines.length).toBeGreaterThan(0);
      for (const line of lines) {
        const entry: Record<string, unknown> = JSON.parse(line);
        expect(entry).not.toHaveProperty('forged');
        expect(entry['level']).not.toBe('ERROR');
      }
    });
  });
});
