import { describe, expect, it } from '@jest/globals';
import { failureDocs } from '../../contracts/failures.ts';
import { rollBackName } from '../../handlers/shared/roll-back-names.ts';
import type { Summary } from '../../trace/model.ts';
import { detail, listing } from '../../trace/model.ts';
import { createReader } from '../../trace/reader.ts';
import { history } from '../support/history.ts';
import { FakeAws, services } from './support/fake-aws.ts';
import { ids, NOW, rollBackOf, scene } from './support/scene.ts';

const options = { environment: 'a test', services, callsPerSecond: Number.POSITIVE_INFINITY };
const at = (time: string) => new Date(`2026-01-02T${time}Z`);
const read = (aws: FakeAws, now = NOW) => createReader(aws, options, () => now);

async function summaryIn(aws: FakeAws, id: string, now = NOW): Promise<Summary> {
  const one = (await read(aws, now).list(24)).provisionings.find(
    ({ provisioning_id }) => provisioning_id === id,
  );
  if (one === undefined) throw new Error(`${id} is not in the list.`);
  return one;
}

const id = '6f1d2a54-0c0e-4f7e-9d55-0000000000ff';
const creation_id = '6f0b7c52-3c1e-4d0a-8a55-0f6f3f2c9b11';
const rollBack = rollBackName({ provisioning_id: id, creation_id }, 1);
const input = { provisioning_id: id, creation_id, username: 'gina', human_user_id: 'h-1', owner: 'o' };
const startedAt = (time: string) => history(at(time)).begin(input);
/** App1's execution was stopped; App2's has succeeded. */
const aborted = () =>
  new FakeAws()
    .put(
      'ProvisionServiceUser',
      id,
      input,
      startedAt('09:00:00').enter('Authenticate').after(5_000).add('ExecutionAborted'),
    )
    .put(
      'CreateServiceUser',
      id,
      input,
      startedAt('09:00:01').task('DecryptCredentials', 1_000).succeed('UserCreated'),
    );

describe('list', () => {
  it('counts failures of the last hour, running provisionings and what is left behind', async () => {
    const { headline } = await read(scene()).list(1);
    expect(headline).toEqual({ failed_last_hour: 3, running: 1, left_behind: 1 });
  });

  it('returns the latest first, in the schema of the page', async () => {
    const list = await read(scene()).list(1);
    expect(listing.parse(JSON.parse(JSON.stringify(list)))).toEqual(list);
    const starts = list.provisionings.map(({ started_at }) => started_at);
    expect(starts).toEqual([...starts].sort().reverse());
  });

  it('returns the failure of App1 and the failure of App2', async () => {
    const carol = await summaryIn(scene(), ids.carol);
    expect(carol).toMatchObject({
      status: 'FAILED',
      user: 'absent',
      left_behind: 'nothing',
      username: 'carol',
    });
    expect(carol.failures.map(({ service, code, step, error }) => [service, code, step, error])).toEqual([
      ['app1', 'USER_CREATION_FAILED', 'RequestUserCreation', 'UserCreationFailed'],
      ['app2', 'INTERNAL_ERROR', 'AddToGroup', 'AccessDeniedException'],
    ]);
    expect(carol.remedies[0]).toMatch(/^AddToGroup lacks a permission\. CloudTrail/);
  });

  it('reports that a user may be left when the roll-backs have failed, with the most urgent remedy first', async () => {
    const dave = await summaryIn(scene(), ids.dave);
    expect(dave).toMatchObject({ left_behind: 'user', roll_backs: 2 });
    expect(dave.remedies[0]).toMatch(/sweep starts the next roll-back\./);
    expect(dave.remedies.at(-1)).toBe(`For the operator: ${failureDocs.RollBackFailed.operator}`);
  });

  it('reports that no user is left after a later removal', async () => {
    expect(await summaryIn(scene(), ids.erin)).toMatchObject({
      status: 'SUCCEEDED',
      user: 'absent',
      left_behind: 'nothing',
      roll_backs: 2,
      failures: [],
    });
  });

  it('returns running provisionings and what is left behind regardless of their age', async () => {
    const later = new Date(NOW.getTime() + 5 * 3_600_000);
    const names = (await read(scene(), later).list(1)).provisionings.map(({ username }) => username);
    expect(names.sort()).toEqual(['dave', 'frida']);
  });
});

describe('a target without an execution of a provisioning', () => {
  const stateMachine = 'arn:aws:states:eu-west-1:111111111111:stateMachine:payments-CreateServiceUser';
  const payments = {
    service: 'payments',
    stateMachine,
    rollBackStateMachine: stateMachine.replace('Create', 'RollBack'),
    eventsLog: '/aws/events/payments',
  };
  const withPayments = { ...options, services: [...services, payments] };

  it('changes nothing in its summary', async () => {
    const { services: names, ...list } = await createReader(scene(), withPayments, () => NOW).list(24);
    const { services: _, ...expected } = await read(scene()).list(24);

    expect(names).toEqual(['app1', 'app2', 'payments']);
    expect(list).toEqual(expected);
  });

  it('changes nothing in its detail', async () => {
    expect(await createReader(scene(), withPayments, () => NOW).detail(ids.dave)).toEqual(
      await read(scene()).detail(ids.dave),
    );
  });
});

describe('left_behind', () => {
  it('is `user` when App1 was stopped and no roll-back removes the user at App2', async () => {
    expect(await summaryIn(aborted(), id)).toMatchObject({ left_behind: 'user' });
  });

  it('is `nothing` while a roll-back may still start', async () => {
    expect(await summaryIn(aborted(), id, at('09:00:35'))).toMatchObject({
      left_behind: 'nothing',
      user: 'being_removed',
    });
  });

  it('is `nothing` after a roll-back of each service has succeeded', async () => {
    const aws = aborted()
      .put(
        'RollBackServiceUser',
        rollBack,
        input,
        startedAt('09:01:10').task('DeleteUser', 100).succeed('UserRemoved'),
      )
      .put(
        'RollBackProvisioning',
        rollBack,
        input,
        startedAt('09:01:00').task('CancelUserCreation', 300).succeed('RolledBack'),
      );
    expect(await summaryIn(aws, id)).toMatchObject({ left_behind: 'nothing', user: 'absent' });
  });

  it('ignores executions of an earlier generation', async () => {
    const earlier = { ...input, creation_id: 'b3d8a1c4-55f0-4e0b-9c7e-2f1a6d4e8c22' };
    const refused = { step: 'RequestUserCreation', error: 'UserAlreadyExists' };
    const aws = new FakeAws()
      .put(
        'RollBackProvisioning',
        rollBackName(earlier, 1),
        earlier,
        startedAt('08:00:00').succeed('Deprovisioned'),
      )
      .put('CreateServiceUser', id, earlier, startedAt('07:00:00').succeed('UserCreated'))
      .put('ProvisionServiceUser', id, input, startedAt('09:00:00').fail('ProvisioningFailed', refused));

    expect(await summaryIn(aws, id)).toMatchObject({
      status: 'FAILED',
      user: 'absent',
      left_behind: 'nothing',
      roll_backs: 0,
    });
    const found = await read(aws).detail(id);
    expect(found?.executions.map((one) => one.id)).toEqual([`ProvisionServiceUser/${id}`]);
  });

  it('finds a roll-back in the list when the earlier executions have expired', async () => {
    const aws = new FakeAws().put(
      'RollBackServiceUser',
      rollBack,
      input,
      startedAt('09:01:00').task('DeleteUser', 100).succeed('UserRemoved'),
    );
    const reader = read(aws);
    await reader.list(24);

    const found = await reader.detail(id);
    expect(found?.executions.map((one) => one.id)).toEqual([`RollBackServiceUser/${rollBack}`]);
  });

  it('is `event` when the event of the outcome could not be published', async () => {
    const cause = { step: 'Authenticate', error: 'TargetUnavailable' };
    const aws = new FakeAws().put(
      'ProvisionServiceUser',
      id,
      input,
      startedAt('09:00:00').fail('OutcomeNotPublished', cause),
    );
    expect(await summaryIn(aws, id)).toMatchObject({ left_behind: 'event', user: 'absent' });
  });

  it('is `nothing` for a request that did not come through App1', async () => {
    const aws = new FakeAws().put(
      'CreateServiceUser',
      id,
      input,
      startedAt('09:00:00').succeed('UserCreated'),
    );
    expect(await summaryIn(aws, id)).toMatchObject({
      left_behind: 'nothing',
      user: 'present',
      username: 'gina',
    });
  });
});

describe('calls to AWS', () => {
  it('do not describe a finished execution again', async () => {
    const aws = scene();
    const reader = read(aws);
    await reader.list(24);
    const first = aws.calls.execution.length;
    await reader.list(24);
    expect(first).toBeGreaterThan(0);
    expect(aws.calls.execution).toHaveLength(first);
  });

  it('stay within the budget, and describe failures first', async () => {
    const aws = scene();
    const few = createReader(aws, { ...options, callsPerSecond: 0.4 }, () => NOW);
    const { unread } = await few.list(24);
    expect(aws.calls.execution).toHaveLength(4);
    const failed = [ids.carol, ids.bob, ids.dave];
    expect(aws.calls.execution.every((arn) => failed.some((one) => arn.includes(one)))).toBe(true);
    expect(unread).toBeGreaterThan(0);
  });

  it('describe an execution again after it has finished', async () => {
    const aws = new FakeAws().put(
      'ProvisionServiceUser',
      id,
      input,
      startedAt('09:00:00').enter('Authenticate'),
    );
    const reader = read(aws);
    expect((await reader.list(24)).provisionings[0]).toMatchObject({ status: 'RUNNING' });
    aws.put(
      'ProvisionServiceUser',
      id,
      input,
      startedAt('09:00:00').fail('ProvisioningFailed', { step: 'Authenticate', error: 'TargetUnavailable' }),
    );
    expect((await reader.list(24)).provisionings[0]?.failures[0]).toMatchObject({
      code: 'TARGET_UNAVAILABLE',
    });
  });
});

describe('detail', () => {
  it('returns the executions of both services, their graphs and steps, and the audit events', async () => {
    const found = await read(scene()).detail(ids.carol);
    expect(detail.parse(JSON.parse(JSON.stringify(found)))).toEqual(JSON.parse(JSON.stringify(found)));
    expect(
      found?.executions.map(({ service, state_machine, status }) => [service, state_machine, status]),
    ).toEqual([
      ['app1', 'ProvisionServiceUser', 'FAILED'],
      ['app2', 'CreateServiceUser', 'FAILED'],
    ]);
    expect(found?.executions[1]?.steps.find(({ name }) => name === 'DeleteUser')).toMatchObject({
      compensation: true,
    });
    expect(found?.events.map(({ service, name, bad }) => [service, name, bad])).toEqual([
      ['app2', 'ServiceUserCreationRolledBack', true],
      ['app1', 'ServiceUserProvisioningFailed', true],
    ]);
  });

  it('returns every roll-back attempt', async () => {
    const found = await read(scene()).detail(ids.dave);
    expect(found?.executions.map(({ id }) => id)).toEqual([
      `ProvisionServiceUser/${ids.dave}`,
      `CreateServiceUser/${ids.dave}`,
      `RollBackServiceUser/${rollBackOf('dave')}`,
      `RollBackServiceUser/${rollBackOf('dave', 2)}`,
    ]);
  });

  it('truncates ciphertexts', async () => {
    expect(JSON.stringify(await read(scene()).detail(ids.anna))).not.toContain('QUJD'.repeat(20));
  });

  it.each([null, 'text', 7, [1, 2]])(
    'returns an execution that an operator has started with the input %j',
    async (given) => {
      const aws = new FakeAws().put(
        'ProvisionServiceUser',
        id,
        given,
        history(at('09:00:00')).begin(given).enter('Authenticate').after(5_000).add('ExecutionAborted'),
      );

      expect(await summaryIn(aws, id)).toEqual(expect.objectContaining({ status: 'ABORTED' }));
      expect(await summaryIn(aws, id)).not.toHaveProperty('username');
      const found = JSON.parse(JSON.stringify(await read(aws).detail(id)));
      expect(detail.parse(found)).toEqual(found);
      expect(found.executions[0]).toMatchObject({ input: given, status: 'ABORTED' });
    },
  );

  it('is undefined when neither service has an execution', async () => {
    expect(await read(scene()).detail(id)).toBeUndefined();
  });

  it('reads the history of a finished execution once, and of a running one each time', async () => {
    const aws = scene();
    const reader = read(aws);
    for (const one of [ids.carol, ids.carol, ids.frida, ids.frida]) await reader.detail(one);
    const times = (who: string) => aws.calls.history.filter((arn) => arn.includes(who)).length;
    expect([times(ids.carol), times(ids.frida)]).toEqual([2, 4]);
  });
});
