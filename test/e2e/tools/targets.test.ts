import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import getPort from 'get-port';
import * as z from 'zod';
import { doctorOutput, provisioningReport, targetsOutput, timelineOutput } from '../../../cli/json-output.ts';
import { type Outputs, readOutputs } from '../../../cli/outputs.ts';
import { provisioningAccepted } from '../../../contracts/app1-api.ts';
import { problem } from '../../../contracts/problems.ts';
import { type ProvisioningStatus, provisioningStatus } from '../../../contracts/status.ts';
import { exhaustRateLimit } from '../../../local/harness/exhaust-rate-limit.ts';
import { withTarget, withVariables } from '../../../local/harness/variables.ts';
import { testDirectory } from '../../../local/paths.ts';
import { type PublishedEvent, systemOf } from '../../../local/system.ts';
import { eventually } from '../../local-aws/support/eventually.ts';
import { commandsIn } from '../../support/documented.ts';
import { accept, asOnAws } from '../support/acceptance.ts';
import { type CommandResult, run } from '../support/commands.ts';

/** A local AWS of its own with a second target, and the commands of docs/targets.md. */

const directory = join(testDirectory, 'targets');
const PASSWORD = 'Analytical-Engine-1843';
let environment: Record<string, string>;
let before: Outputs;
let outputs: Outputs;

/** Runs a command on this local AWS. */
const onLocalAws = (command: string): Promise<CommandResult> => run(command, environment);

/** Runs a command of the page, with the given text in place of another. */
async function documented(section: string, replaced: Record<string, string> = {}): Promise<CommandResult> {
  const commands = commandsIn('docs/targets.md', section).join('');
  return onLocalAws(
    Object.entries(replaced).reduce((text, [from, to]) => text.replaceAll(from, to), commands),
  );
}

const NAMES = ['app2', 'payments'];

const systemAt = (name: string) => systemOf(outputs, outputs.targets[name]);

const newRequest = () => ({
  username: `user-${randomBytes(4).toString('hex')}`,
  password: PASSWORD,
  human_user_id: 'h-1815',
});

/** Waits until a provisioning has finished. */
const finish = (id: string): Promise<ProvisioningStatus> =>
  eventually(async () => {
    const { body } = await systemOf(outputs).status(id, { Prefer: 'wait=15' });
    const status = provisioningStatus.parse(body);
    expect(status.status).not.toBe('RUNNING');
    return status;
  }, 60_000);

/** Provisions a user; returns the status after it has finished. @param targets by default those of App1's setting */
async function provisionAt(
  targets: string[] | undefined,
  request: Partial<ReturnType<typeof newRequest>> = {},
): Promise<ProvisioningStatus> {
  const { body } = await systemOf(outputs).provision({
    ...newRequest(),
    ...request,
    ...(targets === undefined ? {} : { targets }),
  });
  return finish(provisioningAccepted.parse(body).provisioning_id);
}

/** Provisions a user at one target; returns the status after it has finished. */
const provision = (target: string, request: Partial<ReturnType<typeof newRequest>> = {}) =>
  provisionAt([target], request);

/** The user of this name at each target; `undefined` where it does not exist. */
const usersAtBoth = (username: string) => Promise.all(NAMES.map((name) => systemAt(name).user(username)));

/** Requests the removal of the user, until it is absent. */
const waitUntilRemoved = (id: string): Promise<void> =>
  eventually(async () => {
    expect((await systemOf(outputs).deprovision(id, { Prefer: 'wait=20' })).status).toBe(204);
  }, 90_000);

/** Waits for a number of events of a provisioning on the buses of App1 and of a target. */
const eventsOf = (target: string, id: string, count: number): Promise<PublishedEvent[]> =>
  eventually(async () => {
    const events = await systemAt(target).events(id);
    expect(events).toHaveLength(count);
    return events;
  });

/** Queues every new creation at payments for some seconds. @returns a function that ends it */
async function exhaustRateLimits(seconds: number): Promise<() => Promise<unknown>> {
  const limits = ['creations', 'express-creations'] as const;
  const resets = await Promise.all(
    limits.map((limit) => exhaustRateLimit(outputs, limit, seconds, 'payments')),
  );
  return () => Promise.all(resets.map((reset) => reset()));
}

const UNREACHABLE = 'http://127.0.0.1:9/v1';

/** The functions of App1 that read the registry. */
const READERS = [
  'start-provisioning',
  'retry-provisioning',
  'get-provisioning',
  'cancel-provisioning',
  'encrypt-credentials',
  'call-target',
].map((name) => `app1-${name}`);

/** Runs a function while payments has another state in App1's registry, as after a deployment of App1. */
const withState = <Result>(state: string, run: () => Promise<Result>): Promise<Result> =>
  READERS.reduceRight<() => Promise<Result>>(
    (next, name) => () => withTarget(outputs, name, 'payments', { state }, next),
    run,
  )();

beforeAll(async () => {
  environment = {
    LOCAL_AWS_DIR: directory,
    LOCAL_AWS_PORT: String(await getPort({ host: '127.0.0.1' })),
  };
  expect(await onLocalAws('npm run up')).toMatchObject({ status: 0 });
  before = readOutputs(directory);
  expect(await documented('Add a target')).toMatchObject({ status: 0 });
  outputs = readOutputs(directory);
});
afterAll(async () => {
  await onLocalAws('npm run down');
  rmSync(directory, { recursive: true, force: true });
});

describe('a local AWS with a second target', () => {
  it('keeps App2 with its data, and has the addresses of both', () => {
    expect(Object.keys(outputs.targets)).toEqual(['app2', 'payments']);
    expect(outputs.app2).toEqual(before.app2);
    expect(outputs.targets['app2']).toEqual(outputs.app2);
    expect(outputs.targets['payments']?.stack_name).toBe('Payments');
    expect(outputs.app1.targets.map(({ name, state }) => `${name} ${state}`)).toEqual([
      'app2 active',
      'payments active',
    ]);
  });

  it('keeps both when it is brought up again, and deploys nothing', async () => {
    const { status, output } = await onLocalAws('npm run up');

    expect({ status, deploys: output.includes('Deploying') }).toEqual({ status: 0, deploys: false });
    expect(readOutputs(directory)).toEqual(outputs);
  });

  it('lists both as reachable', async () => {
    const { status, stdout } = await onLocalAws('npx provision targets --json');

    expect(status).toBe(0);
    expect(targetsOutput.parse(JSON.parse(stdout)).targets).toMatchObject([
      { name: 'app2', state: 'active', reachable: true, password_policy: { minimum_length: 12 } },
      { name: 'payments', state: 'active', reachable: true, creations_per_second: 23.5 },
    ]);
  });

  it('creates a user at the target that the request names, and at no other', async () => {
    const { status, stdout } = await onLocalAws(
      `printf %s ${PASSWORD} | npx provision create reports --human-user h-1815 --target payments --password-stdin --json`,
    );

    const { provisioning_id } = provisioningReport.parse(JSON.parse(stdout));

    expect(status).toBe(0);

    const payments = systemOf(outputs, outputs.targets['payments']);

    expect(await payments.user('reports')).toMatchObject({
      status: 'CONFIRMED',
      attributes: { 'custom:provisioning_id': provisioning_id },
    });
    expect(await systemOf(outputs).user('reports')).toBeUndefined();
    await expect(payments.signIn('reports', PASSWORD)).resolves.toEqual(expect.any(String));

    const followed = await documented('Follow a provisioning', { PROVISIONING_ID: provisioning_id });

    expect(followed).toMatchObject({ status: 0, output: expect.stringContaining('payments: present') });

    const timeline = await onLocalAws(`npx provision timeline ${provisioning_id} --json`);
    const steps = timelineOutput.parse(JSON.parse(timeline.stdout));

    expect(steps.incomplete).toEqual([]);
    expect(new Set(steps.timeline.map(({ service }) => service))).toEqual(new Set(['app1', 'payments']));
  });

  it('is healthy', async () => {
    const { status, stdout } = await onLocalAws('npx provision doctor --json');

    const { checks } = doctorOutput.parse(JSON.parse(stdout));

    expect(checks.filter(({ verdict }) => verdict !== 'ok')).toEqual([]);
    expect(status).toBe(0);
    expect(new Set(checks.map(({ service }) => service))).toEqual(
      new Set(['all', 'app1', 'app2', 'payments']),
    );
  });
});

describe('npm run preflight at a second target', () => {
  it('reports that an update of its stack should work', async () => {
    const { status, stdout } = await onLocalAws('npm run --silent preflight -- --local --target payments');

    expect([status, stdout]).toEqual([0, expect.stringContaining('A deployment should succeed.')]);
    expect(stdout).toMatch(/✔ names of Payments +\d+ of this stack, the others free/);
    expect(stdout).toMatch(/✔ definition of payments-CreateServiceUser /);
    expect(stdout).not.toContain('App2');
  });
});

describe('npm run acceptance at a target that has no business endpoint', () => {
  it('verifies the users of this target, and lists what it could not check', async () => {
    const { failed, passed, notChecked, output } = await accept(
      ['--target', 'payments', '--timeout', '60s', '--only', 'health', 'provisioning', 'refusals'],
      asOnAws(outputs, outputs.targets['payments']),
    );

    expect([failed, output]).toEqual([[], expect.stringContaining('Target payments as')]);
    expect(passed).toEqual(expect.arrayContaining(['provisioning/signs-in', 'refusals/no-token']));
    expect(notChecked).toEqual([
      'provisioning/business-endpoint',
      'refusals/missing-api-key',
      'refusals/wrong-client',
    ]);
  });
});

describe('one username at two targets', () => {
  it('is a user of its own at each, with its own password and its own events', async () => {
    const username = 'twins';
    const both = await Promise.all(
      NAMES.map(async (name) => {
        const password = `${PASSWORD}-${name}`;
        return { name, password, status: await provision(name, { username, password }) };
      }),
    );

    for (const { name, password, status } of both) {
      const at = systemAt(name);
      expect(status).toMatchObject({
        status: 'SUCCEEDED',
        user: 'present',
        targets: [{ target: name, user: 'present' }],
      });
      await expect(at.signIn(username, password)).resolves.toEqual(expect.any(String));
      expect(await at.user(username)).toMatchObject({
        attributes: { 'custom:provisioning_id': status.provisioning_id },
      });
      // The buses of App1 and of this target; a third bus has no event of this provisioning.
      const events = await eventsOf(name, status.provisioning_id, 3);
      expect(
        events.map((event) => [event.source, event['detail-type'], event.detail.data['targets']]),
      ).toEqual(
        expect.arrayContaining([
          ['app1.provisioning', 'ServiceUserProvisioningRequested', [name]],
          [`${name}.service-users`, 'ServiceUserCreated', undefined],
          ['app1.provisioning', 'ServiceUserProvisioned', [name]],
        ]),
      );
      const other = systemAt(NAMES.find((another) => another !== name) ?? '');
      const elsewhere = await other.events(status.provisioning_id);
      expect(elsewhere.map(({ source }) => source)).toEqual(['app1.provisioning', 'app1.provisioning']);
    }

    const [first, second] = both;
    await waitUntilRemoved(first?.status.provisioning_id ?? '');

    expect(await systemAt('app2').user(username)).toBeUndefined();
    await expect(systemAt('payments').signIn(username, second?.password ?? '')).resolves.toEqual(
      expect.any(String),
    );
    expect((await systemOf(outputs).status(second?.status.provisioning_id ?? '')).body).toMatchObject({
      user: 'present',
      targets: [{ target: 'payments', user: 'present' }],
    });
  });
});

describe('one request for two targets', () => {
  /** A provisioning at both, and what was found before and after its removal. */
  async function provisionAndRemove() {
    const username = newRequest().username;
    const created = await documented('One request, several targets', {
      'create reports': `create ${username} --json`,
    });
    const { provisioning_id: id } = provisioningReport.parse(JSON.parse(created.stdout));
    const status = await finish(id);
    const users = await usersAtBoth(username);
    const tokens = await Promise.all(NAMES.map((name) => systemAt(name).signIn(username, PASSWORD)));
    const events = await Promise.all(NAMES.map((name) => eventsOf(name, id, 3)));
    await waitUntilRemoved(id);
    return { id, username, status, users, tokens, events };
  }

  /** A provisioning at both of a name that another provisioning has taken at payments. */
  async function provisionTakenName() {
    const username = newRequest().username;
    const taken = await provision('payments', { username });
    return { username, taken, status: await provisionAt(NAMES, { username }) };
  }

  let removed: Awaited<ReturnType<typeof provisionAndRemove>>;
  let rejected: Awaited<ReturnType<typeof provisionTakenName>>;
  beforeAll(async () => {
    // Both wait until no call can be in flight.
    [removed, rejected] = await Promise.all([provisionAndRemove(), provisionTakenName()]);
  }, 180_000);

  it('creates the user at both, who signs in at each', () => {
    const { id, status, users, tokens, events } = removed;

    expect(status).toMatchObject({
      status: 'SUCCEEDED',
      user: 'present',
      targets: NAMES.map((target) => ({ target, user: 'present' })),
    });
    expect(tokens).toEqual([expect.any(String), expect.any(String)]);
    for (const user of users)
      expect(user).toMatchObject({ status: 'CONFIRMED', attributes: { 'custom:provisioning_id': id } });
    for (const atOne of events)
      expect(atOne.map((event) => [event['detail-type'], event.detail.data['targets']])).toEqual(
        expect.arrayContaining([
          ['ServiceUserProvisioningRequested', NAMES],
          ['ServiceUserCreated', undefined],
          ['ServiceUserProvisioned', NAMES],
        ]),
      );
  });

  it('removes the user at both, and publishes the outcome at each', async () => {
    const { id, username } = removed;

    expect(await usersAtBoth(username)).toEqual([undefined, undefined]);
    expect((await systemOf(outputs).status(id)).body).toMatchObject({
      user: 'absent',
      targets: NAMES.map((target) => ({ target, user: 'absent' })),
    });

    const events = await eventsOf('app2', id, 5);

    expect(events.filter(({ source }) => source === 'app1.provisioning').at(-1)).toMatchObject({
      'detail-type': 'ServiceUserDeprovisioned',
      detail: { data: { targets: NAMES, outcomes: NAMES.map((target) => ({ target, user: 'absent' })) } },
    });
  });

  it('has a timeline of all services, in which each step of App1 at a target names it', async () => {
    const { body } = await systemOf(outputs).status(removed.id, {}, '?include=timeline');

    const { timeline = [] } = provisioningStatus.parse(body);
    const targetsOfStep = (step: string) =>
      timeline.filter((at) => at.service === 'app1' && at.step === step).map(({ target }) => target);

    for (const step of ['Authenticate', 'EncryptCredentials', 'RequestUserCreation', 'CancelUserCreation'])
      expect([step, targetsOfStep(step).sort()]).toEqual([step, NAMES]);
    expect(targetsOfStep('PublishProvisioned')).toEqual([undefined]);
    expect(new Set(timeline.map(({ service }) => service))).toEqual(new Set(['app1', ...NAMES]));
  });

  it('creates the user at neither when the name is taken at one of them', async () => {
    const { username, taken, status } = rejected;
    const { user, targets, error } = status;

    expect({ user, targets, error }).toEqual({
      user: 'absent',
      targets: NAMES.map((target) => ({ target, user: 'absent' })),
      error: expect.objectContaining({
        code: 'USER_ALREADY_EXISTS',
        target: 'payments',
        step: 'RequestUserCreation',
      }),
    });

    const [atApp2, atPayments] = await usersAtBoth(username);

    expect(atApp2).toBeUndefined();
    expect(atPayments).toMatchObject({
      status: 'CONFIRMED',
      attributes: { 'custom:provisioning_id': taken.provisioning_id },
    });

    const failed = await eventually(async () => {
      const events = await systemOf(outputs).events(status.provisioning_id);
      const found = events.find((event) => event['detail-type'] === 'ServiceUserProvisioningFailed');
      expect(found).toBeDefined();
      return found;
    });

    expect(failed?.detail.data).toMatchObject({
      targets: NAMES,
      outcomes: NAMES.map((target) => ({ target, user: 'absent' })),
      failure: { target: 'payments', step: 'RequestUserCreation', code: 'USER_ALREADY_EXISTS' },
    });
  });

  it.each([
    ['a retired target', ['app2', 'payments'], '/targets/1'],
    ['a target twice', ['app2', 'app2'], '/targets'],
    ['six targets', ['app2', 'payments', 'orders', 'search', 'billing', 'ledger'], '/targets'],
  ])('is refused when it names %s', async (_what, targets, pointer) => {
    const retired = { state: 'retired' };

    const { status, body } = await withTarget(outputs, 'app1-start-provisioning', 'payments', retired, () =>
      systemOf(outputs).provision({ ...newRequest(), targets }),
    );

    expect([status, problem.parse(body)]).toEqual([
      400,
      expect.objectContaining({
        code: 'INVALID_REQUEST',
        errors: expect.arrayContaining([expect.objectContaining({ pointer })]),
      }),
    ]);
  });

  it('creates the user at each default target of App1 when it names none', async () => {
    const request = newRequest();

    const status = await withVariables(
      outputs,
      'app1-start-provisioning',
      { DEFAULT_TARGETS: NAMES.join() },
      () => provisionAt(undefined, request),
    );

    expect(status).toMatchObject({
      status: 'SUCCEEDED',
      targets: NAMES.map((target) => ({ target, user: 'present' })),
    });
    expect((await usersAtBoth(request.username)).map((user) => user?.status)).toEqual([
      'CONFIRMED',
      'CONFIRMED',
    ]);
  });

  it('has the fields of a status for one target, and a second entry of targets', async () => {
    const statusAt = async (targets: string[]) => {
      const { provisioning_id } = await provisionAt(targets);
      return (await systemOf(outputs).status(provisioning_id)).body;
    };

    const [one, two] = await Promise.all([statusAt(['app2']), statusAt(NAMES)]);

    const fields = z.record(z.string(), z.unknown());
    expect(Object.keys(fields.parse(one))).toEqual([
      ...['provisioning_id', 'status', 'user', 'targets', 'username', 'human_user_id'],
      ...['started_at', 'stopped_at'],
    ]);
    expect(Object.keys(fields.parse(two))).toEqual(Object.keys(fields.parse(one)));
    expect(provisioningStatus.parse(one).targets).toHaveLength(1);
    expect(provisioningStatus.parse(two).targets).toHaveLength(2);
  });
});

describe('a target that is not active', () => {
  it.each(['unknown', 'retired', 'gone'])('is refused when it is %s', async (state) => {
    const request = { ...newRequest(), targets: [state === 'unknown' ? 'unregistered' : 'payments'] };
    const post = () => systemOf(outputs).provision(request);

    const { status, body } = await (state === 'unknown' ? post() : withState(state, post));

    expect(status).toBe(400);
    expect(problem.parse(body)).toMatchObject({
      code: 'INVALID_REQUEST',
      errors: [{ pointer: '/targets/0', detail: expect.stringContaining('app2') }],
    });
  });

  it('still compensates and returns the status of a repeat when it has been retired', async () => {
    const request = { ...newRequest(), targets: ['payments'] };
    const key = { 'Idempotency-Key': request.username };
    const post = () => systemOf(outputs).provision(request, key);
    const { provisioning_id } = provisioningAccepted.parse((await post()).body);
    await finish(provisioning_id);

    await withState('retired', async () => {
      const repeat = await post();
      expect([repeat.status, repeat.body]).toEqual([
        202,
        expect.objectContaining({ provisioning_id, status: 'SUCCEEDED' }),
      ]);
      await waitUntilRemoved(provisioning_id);
    });

    expect(await systemAt('payments').user(request.username)).toBeUndefined();
  });

  it('finishes a creation that is running when it is retired', async () => {
    // Longer than the changes of App1's functions take on a busy computer.
    const reset = await exhaustRateLimits(50);
    const request = { ...newRequest(), targets: ['payments'] };
    const { body } = await systemOf(outputs).provision(request);
    const { provisioning_id } = provisioningAccepted.parse(body);
    await eventually(async () => {
      const states = await systemAt('payments').states('CreateServiceUser', provisioning_id);
      expect(states.map(({ name }) => name)).toContain('WaitForRateLimit');
    });

    const status = await withState('retired', async () => {
      const running = provisioningStatus.parse((await systemOf(outputs).status(provisioning_id)).body);
      expect(running.status).toBe('RUNNING');
      return finish(provisioning_id);
    });

    await reset();
    expect(status).toMatchObject({ status: 'SUCCEEDED', user: 'present' });
    await expect(systemAt('payments').signIn(request.username, PASSWORD)).resolves.toEqual(
      expect.any(String),
    );
  });

  it('completes a compensation that is waiting for it when it is gone', async () => {
    const { provisioning_id } = await provision('payments');
    const app1 = systemOf(outputs);
    await withTarget(outputs, 'app1-call-target', 'payments', { api_url: UNREACHABLE }, async () => {
      expect(await app1.deprovision(provisioning_id)).toMatchObject({ status: 202 });
      await eventually(async () => {
        const attempts = await app1.states('RollBackProvisioning', provisioning_id);
        expect(attempts.find(({ name }) => name === 'CancelUserCreation')?.errors).toContain(
          'TargetUnavailable',
        );
      }, 30_000);

      await withState('gone', () =>
        eventually(async () => {
          expect((await app1.status(provisioning_id)).body).toMatchObject({
            user: 'unknown',
            targets: [{ target: 'payments', user: 'gone' }],
          });
        }, 60_000),
      );
    });

    const events = await eventsOf('payments', provisioning_id, 4);
    expect(events.at(-1)).toMatchObject({
      'detail-type': 'ServiceUserDeprovisioned',
      detail: { data: { outcomes: [{ target: 'payments', user: 'gone' }] } },
    });
  });

  it('counts as complete without a call when it is gone, and the status does not report its pool', async () => {
    const request = newRequest();
    const { provisioning_id } = await provision('payments', request);

    await withState('gone', async () => {
      const removed = await eventually(async () => {
        const response = await systemOf(outputs).deprovision(provisioning_id, { Prefer: 'wait=20' });
        expect(response.status).toBe(200);
        return response.body;
      }, 60_000);

      expect(removed).toMatchObject({ user: 'unknown', targets: [{ target: 'payments', user: 'gone' }] });
      expect((await systemOf(outputs).status(provisioning_id)).body).toMatchObject({
        user: 'unknown',
        targets: [{ target: 'payments', user: 'gone' }],
      });
      const { output } = await onLocalAws(`npx provision status ${provisioning_id}`);
      expect(output).toContain('payments: gone, not checked');
    });

    const events = await eventsOf('payments', provisioning_id, 4);

    expect(events.at(-1)).toMatchObject({
      'detail-type': 'ServiceUserDeprovisioned',
      detail: { data: { targets: ['payments'], outcomes: [{ target: 'payments', user: 'gone' }] } },
    });
    expect(await systemAt('payments').user(request.username)).toMatchObject({ status: 'CONFIRMED' });
  });

  it('never counts as absent when its name is not registered, and is compensated once it is', async () => {
    const { provisioning_id, username } = await provision('payments');
    const app1 = systemOf(outputs);

    await withTarget(outputs, 'app1-call-target', 'payments', { name: 'renamed' }, async () => {
      expect(await app1.deprovision(provisioning_id)).toMatchObject({ status: 202 });
      await eventually(async () => {
        const attempts = await app1.states('RollBackProvisioning', provisioning_id);
        expect(attempts.find(({ name }) => name === 'CancelUserCreation')?.errors).toContain(
          'TargetNotRegistered',
        );
      }, 60_000);
      expect((await app1.status(provisioning_id)).body).toMatchObject({ user: 'being_removed' });
      expect(await systemAt('payments').user(username ?? '')).toMatchObject({ status: 'CONFIRMED' });
    });

    await waitUntilRemoved(provisioning_id);

    expect(await systemAt('payments').user(username ?? '')).toBeUndefined();
  });
});

describe('the local AWS with two targets', () => {
  it('is deleted by `npm run down`, with every file of it', async () => {
    expect(readFileSync(join(directory, 'outputs.json'), 'utf8')).toContain('payments');

    expect(await onLocalAws('npm run down')).toMatchObject({ status: 0 });

    expect(readdirSync(directory)).toEqual([]);
  });
});
