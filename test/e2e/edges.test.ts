import { randomUUID } from 'node:crypto';
import { FilterLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs';
import { beforeAll, describe, expect, it } from '@jest/globals';
import type { Answer } from '../../local/system.ts';
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

/** What every answer has, and what none has, whoever gives it: a function or API Gateway itself. */

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

const answers: [string, number, () => Promise<Answer>][] = [
  ['App1 accepts', 202, () => post(json(newRequest()))],
  ['App1 tells a status', 200, () => system.status(id)],
  ['App1 refuses fields', 400, () => post(json({ username: '' }))],
  ['App1 refuses what is no JSON', 400, () => post('{')],
  ['App1 refuses an array', 400, () => post('[]')],
  ['App1 refuses a text', 400, () => post('"text"')],
  ['App1 refuses nothing', 400, () => post('')],
  ['App1 knows no such id', 404, () => system.status(randomUUID())],
  ['App1 finds the body too large', 413, () => post(json({ ...request, password: 'x'.repeat(20_000) }))],
  ['App1 does not take the type', 415, () => post(json(request), { 'content-type': 'text/xml' })],
  ['App2 takes no token for one', 401, () => system.app2('POST', '/sample', undefined, {})],
  ['App2 keeps a route shut', 403, () => system.app2('POST', '/admin/create-user', service, {})],
  ['App2 knows no such route', 403, () => system.app2('GET', '/nowhere', service)],
  ['App2 answers business', 200, () => system.app2('POST', '/sample', service, { data: {} })],
  ['App2 refuses fields', 400, () => system.app2('POST', '/sample', service, { data: 1 })],
  ['App2 refuses an array', 400, () => system.app2('POST', '/sample', service, [])],
  [
    'App2 knows no such creation',
    404,
    () => system.app2('GET', `/admin/create-user/${randomUUID()}`, machine),
  ],
  [
    'App2 has nothing to remove',
    204,
    () => system.app2('DELETE', `/admin/create-user/${randomUUID()}?username=nobody`, machine),
  ],
];

/** What belongs to the inside: names of resources and accounts, errors of libraries, places in code. */
const INSIDE = [
  /arn:aws/,
  /\d{12}/,
  /\bat .+:\d+:\d+/,
  /node_modules|\.ts\b|\.js\b/,
  /Exception\b/,
  /ZodError|SyntaxError|TypeError/,
  /RequestId/,
];

describe('an answer, when', () => {
  it.each(answers)(
    '%s (%i), is for nobody to keep, read as it is, and only over TLS',
    async (_what, status, ask) => {
      const { status: answered, headers } = await ask();

      expect(answered).toBe(status);
      expect(Object.fromEntries(headers)).toMatchObject({
        'cache-control': 'no-store',
        'x-content-type-options': 'nosniff',
        'strict-transport-security': expect.stringMatching(/^max-age=\d{8};/),
      });
    },
  );

  it.each(answers)(
    '%s (%i), tells nothing of the inside and repeats no password',
    async (_what, _status, ask) => {
      const { body } = await ask();
      const text = json(body ?? '')
        .replaceAll(outputs.app1.api_url, '')
        .replaceAll(/"\d{4}-\d\d-\d\dT[^"]+"/g, '');

      for (const pattern of INSIDE) expect(text).not.toMatch(pattern);
      expect(text).not.toContain(request.password);
    },
  );
});

describe('a body that is no JSON object', () => {
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
  ])('is refused before a function sees it, with the one thing that is wrong: %j', async (body) => {
    const { status, body: told } = await post(body);

    expect([status, told]).toEqual([
      400,
      expect.objectContaining({
        code: 'INVALID_REQUEST',
        errors: [{ pointer: '', detail: 'must be a JSON object' }],
      }),
    ]);
  });
});

describe('a line of the log', () => {
  it.each([
    ['username', 'a\nERROR forged'],
    ['username', 'a\u2028ERROR forged'],
    ['human_user_id', 'h\r\nERROR forged'],
    ['human_user_id', '\u001b[31mERROR forged'],
  ])('cannot be forged by a %s of %j', async (field, value) => {
    const { status } = await post(json({ ...newRequest(), [field]: value }));

    expect(status).toBe(400);
  });

  it('is one JSON object, whatever the request holds', async () => {
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
