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

/** The whole migration, as docs/migration.md tells it, with its commands, and back. */

const GUIDE = 'docs/migration.md';
const ROUTER = 'app1-route-provisioning';
const KEY = 'legacy-key-of-app1';

const asked = z.object({ username: z.string(), password: z.string(), human_user_id: z.string() });

/** The endpoint that is replaced: makes a user at once, knows callers by their key and no repeats. */
const users = new Map<string, z.infer<typeof asked>>();
const legacy = createServer(async (request, response) => {
  const body = asked.parse(JSON.parse(await text(request)));
  const known = request.headers['x-api-key'] === KEY;
  const status = known ? (users.has(body.username) ? 409 : 201) : 403;
  if (status === 201) users.set(body.username, body);
  response.writeHead(status, { 'Content-Type': 'application/json' });
  response.end(JSON.stringify({ legacy: true, username: body.username }));
});

let shell: Shell;
const began = Date.now();

/** Runs the commands of a section of the guide; what they say. */
const follow = async (section: string) => shell.run(commandsIn(GUIDE, section).join('\n'));

const provisionedBy = (headers: Headers) => headers.get('x-provisioned-by');

/** Asks for a user; which way it went, and the status of the answer. */
async function ask(over: Parameters<typeof newRequest>[0] = {}, headers: Record<string, string> = {}) {
  const answer = await system.provision(newRequest(over), headers);
  return `${provisionedBy(answer.headers)} ${answer.status}`;
}

/** A new name with its place on this side of a percentage. */
function nameAt(side: 'below' | 'above', percentage: number): string {
  for (;;) {
    const name = newName('moved');
    if (rolloutBucket(name) < percentage === (side === 'below')) return name;
  }
}

/** The flag is as the last command of the guide has set it, for functions that begin now. */
const flagIsSeen = () => restart(ROUTER);

beforeAll(async () => {
  legacy.listen(0, '127.0.0.1');
  await once(legacy, 'listening');
  const file = join(mkdtempSync(join(tmpdir(), 'legacy-')), 'key');
  writeFileSync(file, `${KEY}\n`, { mode: 0o600 });
  shell = openShell({
    ...operatorOf(access, { target: 'local' }),
    APP1_URL: outputs.app1.api_url,
    KEY_FILE: file,
    // AWS wants https, which the setting insists on unless everything is local.
    LEGACY_ENDPOINT: `http://127.0.0.1:${(legacy.address() as AddressInfo).port}/users`,
  });
});
afterAll(async () => {
  await shell.end();
  legacy.close();
});

describe('the migration of the guide', () => {
  it('begins with nothing but the workflow, which says nothing of ways', async () => {
    const answer = await system.provision(newRequest());
    expect([answer.status, provisionedBy(answer.headers)]).toEqual([202, null]);
  });

  it('goes on side by side: the header chooses, and a key stays with its way', async () => {
    await follow('Before you begin');
    expect((await follow('Phase 1: side by side, by header')).trimEnd().split('\n').slice(-2)).toEqual([
      'legacy 201',
      'workflow 202',
    ]);
    expect(users.get('ada')).toMatchObject({ human_user_id: 'h-1815' });

    const again = newRequest({ username: newName('again') });
    const key = { 'Idempotency-Key': newName('key') };
    expect(await ask(again, key)).toBe('legacy 201');
    // The legacy endpoint knows no repeats; the router knows where it was sent.
    expect(await ask(again, { ...key, 'x-use-cognito': 'true' })).toBe('legacy 409');

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

  it('lets one of many at once decide for a key', async () => {
    const request = newRequest({ username: newName('raced') });
    const key = { 'Idempotency-Key': newName('key') };
    const ways = await Promise.all(
      Array.from({ length: 6 }, async (_, n) => {
        const answer = await system.provision(
          request,
          n % 2 === 0 ? key : { ...key, 'x-use-cognito': 'true' },
        );
        return provisionedBy(answer.headers);
      }),
    );
    expect(new Set(ways).size).toBe(1);
  });

  it('knows nothing of what the legacy endpoint has made, beside the answer', async () => {
    const answer = await system.provision(newRequest({ username: newName('made') }));
    expect(answer.body).toMatchObject({ legacy: true });
    expect(await system.status('0b54a0a5-91d2-4f21-9a5d-6a1c2f7f7d01')).toMatchObject({ status: 404 });
  });

  it('goes on by flag, at first for nobody, then for the callers on its list', async () => {
    await follow('Phase 2: by flag');
    expect(await ask({}, { 'x-use-cognito': 'true' })).toBe('legacy 201');

    await follow('First the callers that want to be first');
    // Without help: within the interval in which a running function looks.
    await eventually(async () => expect(await ask()).toBe('workflow 202'), 25_000, 500);
    expect(await ask({}, { 'x-use-cognito': 'false' })).toBe('legacy 201');
  });

  it('goes on for half of the names, after a version that was taken back while it was given out', async () => {
    await follow('Then more and more of all');
    await flagIsSeen();
    expect(await ask({ username: nameAt('below', 50) })).toBe('workflow 202');
    expect(await ask({ username: nameAt('above', 50) })).toBe('legacy 201');
  });

  it('ends with all of them', async () => {
    await follow('Then all');
    await flagIsSeen();
    expect(await ask({ username: nameAt('above', 99) })).toBe('workflow 202');
  });

  it('can be taken back, and a key that went to the workflow stays there', async () => {
    const request = newRequest({ username: newName('stays') });
    const key = { 'Idempotency-Key': newName('key') };
    expect(await ask(request, key)).toBe('workflow 202');
    await follow('Back');
    await flagIsSeen();
    expect(await ask()).toBe('legacy 201');
    expect(await ask(request, key)).toBe('workflow 202');
  });

  it('says when the legacy endpoint cannot be reached, and asks it no further time', async () => {
    const before = users.size;
    legacy.close();
    legacy.closeAllConnections();
    const answer = await system.provision(newRequest());
    expect([answer.status, provisionedBy(answer.headers)]).toEqual([502, 'legacy']);
    expect(answer.body).toMatchObject({ code: 'LEGACY_UNAVAILABLE' });
    expect(users.size).toBe(before);
  });

  it('has counted both ways, and left no password or key in its log', async () => {
    const { events = [] } = await system.clients.logs.send(
      new FilterLogEventsCommand({ logGroupName: `/aws/lambda/${ROUTER}`, startTime: began, limit: 10_000 }),
    );
    const log = events.map(({ message }) => message).join('\n');
    for (const metric of ['ProvisionedByWorkflow', 'ProvisionedByLegacy', 'ProvisionedByLegacyFailed'])
      expect(log).toContain(`"${metric}"`);
    expect(log).not.toContain(KEY);
    for (const { password } of users.values()) expect(log).not.toContain(password);
  });

  it('ends with nothing but the workflow', async () => {
    await follow('After: the legacy endpoint goes');
    const answer = await system.provision(newRequest(), { 'x-use-cognito': 'false' });
    expect([answer.status, provisionedBy(answer.headers)]).toEqual([202, null]);
    expect(await shell.run('aws appconfig list-applications --query Items --output json')).toContain('[]');
  });
});
