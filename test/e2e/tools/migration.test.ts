import { once } from 'node:events';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { FilterLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import * as z from 'zod';
import { rolloutBucket } from '../../../handlers/app1/migration/backend.ts';
import { eventually } from '../../local-aws/support/eventually.ts';
import { commandsIn } from '../../support/documented.ts';
import { access, newName, newRequest, outputs, restart, system } from '../support/deployed.ts';
import { operatorOf } from '../support/operator.ts';
import { openShell, type Shell } from '../support/shell.ts';

/** The whole migration by the commands of docs/migration.md, including the way back. */

const GUIDE = 'docs/migration.md';
const ROUTER = 'app1-route-provisioning';
const KEY = 'legacy-key-of-app1';

const userRequest = z.object({ username: z.string(), password: z.string(), human_user_id: z.string() });

/** The legacy endpoint: it creates a user at once, identifies callers by their key, and has no idempotency. */
const users = new Map<string, z.infer<typeof userRequest>>();
const legacy = createServer(async (request, response) => {
  const body = userRequest.parse(JSON.parse(await text(request)));
  const known = request.headers['x-api-key'] === KEY;
  const status = known ? (users.has(body.username) ? 409 : 201) : 403;
  if (status === 201) users.set(body.username, body);
  response.writeHead(status, { 'Content-Type': 'application/json' });
  response.end(JSON.stringify({ legacy: true, username: body.username }));
});

let shell: Shell;
const startedAt = Date.now();

/** Runs the commands of a section of the guide; returns their output. */
const runSection = async (section: string) => shell.run(commandsIn(GUIDE, section).join('\n'));

const provisionedBy = (headers: Headers) => headers.get('x-provisioned-by');

/** Requests a user; returns the backend and the status of the response. */
async function request(
  overrides: Parameters<typeof newRequest>[0] = {},
  headers: Record<string, string> = {},
) {
  const response = await system.provision(newRequest(overrides), headers);
  return `${provisionedBy(response.headers)} ${response.status}`;
}

/** A new name whose rollout bucket is below or above a percentage. */
function nameInBucket(side: 'below' | 'above', percentage: number): string {
  for (;;) {
    const name = newName('rollout');
    if (rolloutBucket(name) < percentage === (side === 'below')) return name;
  }
}

/** Restarts the router, so that it reads the flag at once. */
const reloadFlag = () => restart(ROUTER);

beforeAll(async () => {
  legacy.listen(0, '127.0.0.1');
  await once(legacy, 'listening');
  const file = join(mkdtempSync(join(tmpdir(), 'legacy-')), 'key');
  writeFileSync(file, `${KEY}\n`, { mode: 0o600 });
  shell = openShell({
    ...operatorOf(access, { environment: 'local' }),
    APP1_URL: outputs.app1.api_url,
    KEY_FILE: file,
    // The setting requires https, except for the local AWS.
    LEGACY_ENDPOINT: `http://127.0.0.1:${(legacy.address() as AddressInfo).port}/users`,
  });
});
afterAll(async () => {
  await shell.end();
  legacy.close();
});

describe('the migration of the guide', () => {
  it('starts with the workflow alone, without the header of the backend', async () => {
    const response = await system.provision(newRequest());

    expect([response.status, provisionedBy(response.headers)]).toEqual([202, null]);
  });

  it('lets the header choose the backend in phase 1, and keeps the backend of a key', async () => {
    await runSection('Before you begin');

    expect((await runSection('Phase 1: side by side, by header')).trimEnd().split('\n').slice(-2)).toEqual([
      'legacy 201',
      'workflow 202',
    ]);
    expect(users.get('ada')).toMatchObject({ human_user_id: 'h-1815' });

    const repeated = newRequest({ username: newName('repeated') });
    const key = { 'Idempotency-Key': newName('key') };

    expect(await request(repeated, key)).toBe('legacy 201');
    // The legacy endpoint has no idempotency; the router has stored the backend of the key.
    expect(await request(repeated, { ...key, 'x-use-cognito': 'true' })).toBe('legacy 409');

    const other = newRequest({ username: newName('other') });
    const kept = { 'Idempotency-Key': newName('key') };
    const [first, repeat] = [
      await system.provision(other, { ...kept, 'x-use-cognito': 'true' }),
      await system.provision(other, kept),
    ];

    expect(repeat.body).toMatchObject({
      provisioning_id: z.object({ provisioning_id: z.string() }).parse(first.body).provisioning_id,
    });
    expect(users.has(other.username)).toBe(false);
  });

  it('uses one backend for concurrent requests with one key', async () => {
    const body = newRequest({ username: newName('concurrent') });
    const key = { 'Idempotency-Key': newName('key') };
    const backends = await Promise.all(
      Array.from({ length: 6 }, async (_, n) => {
        const response = await system.provision(
          body,
          n % 2 === 0 ? key : { ...key, 'x-use-cognito': 'true' },
        );
        return provisionedBy(response.headers);
      }),
    );

    expect(new Set(backends).size).toBe(1);
  });

  it('has no status of a user that the legacy endpoint has created', async () => {
    const response = await system.provision(newRequest({ username: newName('legacy') }));

    expect(response.body).toMatchObject({ legacy: true });
    expect(await system.status('0b54a0a5-91d2-4f21-9a5d-6a1c2f7f7d01')).toMatchObject({ status: 404 });
  });

  it('uses the workflow by flag in phase 2, first for no caller, then for the listed callers', async () => {
    await runSection('Phase 2: by flag');

    expect(await request({}, { 'x-use-cognito': 'true' })).toBe('legacy 201');

    await runSection('Move single callers');

    // Without a restart, a running function reads the flag within its interval.
    await eventually(async () => expect(await request()).toBe('workflow 202'), 25_000, 500);
    expect(await request({}, { 'x-use-cognito': 'false' })).toBe('legacy 201');
  });

  it('uses the workflow for half of the names, after a deployment of the flag that was rolled back', async () => {
    await runSection('Move a percentage of all usernames');
    await reloadFlag();

    expect(await request({ username: nameInBucket('below', 50) })).toBe('workflow 202');
    expect(await request({ username: nameInBucket('above', 50) })).toBe('legacy 201');
  });

  it('uses the workflow for all names', async () => {
    await runSection('Move all usernames');
    await reloadFlag();

    expect(await request({ username: nameInBucket('above', 99) })).toBe('workflow 202');
  });

  it('can be reverted, and a key of the workflow keeps its backend', async () => {
    const body = newRequest({ username: newName('kept') });
    const key = { 'Idempotency-Key': newName('key') };

    expect(await request(body, key)).toBe('workflow 202');

    await runSection('Revert');
    await reloadFlag();

    expect(await request()).toBe('legacy 201');
    expect(await request(body, key)).toBe('workflow 202');
  });

  it('reports an unavailable legacy endpoint, and does not retry', async () => {
    const before = users.size;
    legacy.close();
    legacy.closeAllConnections();
    const response = await system.provision(newRequest());

    expect([response.status, provisionedBy(response.headers)]).toEqual([502, 'legacy']);
    expect(response.body).toMatchObject({ code: 'LEGACY_UNAVAILABLE' });
    expect(users.size).toBe(before);
  });

  it('counts the requests of both backends, and logs no password and no key', async () => {
    const { events = [] } = await system.clients.logs.send(
      new FilterLogEventsCommand({
        logGroupName: `/aws/lambda/${ROUTER}`,
        startTime: startedAt,
        limit: 10_000,
      }),
    );
    const log = events.map(({ message }) => message).join('\n');

    for (const metric of ['ProvisionedByWorkflow', 'ProvisionedByLegacy', 'ProvisionedByLegacyFailed'])
      expect(log).toContain(`"${metric}"`);
    expect(log).not.toContain(KEY);
    for (const { password } of users.values()) expect(log).not.toContain(password);
  });

  it('finishes with the workflow alone', async () => {
    await runSection('After: delete the migration');
    const response = await system.provision(newRequest(), { 'x-use-cognito': 'false' });

    expect([response.status, provisionedBy(response.headers)]).toEqual([202, null]);
    expect(await shell.run('aws appconfig list-applications --query Items --output json')).toContain('[]');
  });
});
