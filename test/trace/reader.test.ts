import { describe, expect, it } from '@jest/globals';
import { failureDocs } from '../../contracts/failures.ts';
import { rollBackName } from '../../handlers/shared/roll-back-names.ts';
import type { Summary } from '../../trace/model.ts';
import { detail, listing } from '../../trace/model.ts';
import { readerOf } from '../../trace/reader.ts';
import { history } from '../support/history.ts';
import { FakeAws, services } from './support/fake-aws.ts';
import { ids, NOW, rollBackOf, scene } from './support/scene.ts';

const where = { where: 'a test', services, lookUpsPerSecond: Number.POSITIVE_INFINITY };
const at = (time: string) => new Date(`2026-01-02T${time}Z`);
const read = (aws: FakeAws, now = NOW) => readerOf(aws, where, () => now);

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
const begun = (time: string) => history(at(time)).begin(input);
/** App1's execution stopped from outside, App2's in the middle. */
const aborted = () =>
  new FakeAws()
    .put(
      'ProvisionServiceUser',
      id,
      input,
      begun('09:00:00').enter('Authenticate').after(5_000).add('ExecutionAborted'),
    )
    .put(
      'CreateServiceUser',
      id,
      input,
      begun('09:00:01').task('DecryptCredentials', 1_000).succeed('UserCreated'),
    );

describe('the list', () => {
  it('answers what failed in the last hour, what runs and what is left behind', async () => {
    const { headline } = await read(scene()).list(1);
    expect(headline).toEqual({ failed_last_hour: 3, running: 1, left_behind: 1 });
  });

  it('is newest first, and what the page expects', async () => {
    const list = await read(scene()).list(1);
    expect(listing.parse(JSON.parse(JSON.stringify(list)))).toEqual(list);
    const begins = list.provisionings.map(({ started_at }) => started_at);
    expect(begins).toEqual([...begins].sort().reverse());
  });

  it('tells both what the caller was told and what App2 knows', async () => {
    const carol = await summaryIn(scene(), ids.carol);
    expect(carol).toMatchObject({ status: 'FAILED', user: 'absent', left: 'nothing', username: 'carol' });
    expect(carol.failures.map(({ service, code, step, error }) => [service, code, step, error])).toEqual([
      ['app1', 'USER_CREATION_FAILED', 'RequestUserCreation', 'UserCreationFailed'],
      ['app2', 'INTERNAL_ERROR', 'AddToGroup', 'AccessDeniedException'],
    ]);
    expect(carol.remedies[0]).toMatch(/^AddToGroup lacks a right: CloudTrail/);
  });

  it('says that a user may be left when the roll-backs have failed, and what to do first', async () => {
    const dave = await summaryIn(scene(), ids.dave);
    expect(dave).toMatchObject({ left: 'user', roll_backs: 2 });
    expect(dave.remedies[0]).toMatch(/sweep starts the next roll-back by itself/);
    expect(dave.remedies.at(-1)).toBe(`The operator: ${failureDocs.RollBackFailed.operator}`);
  });

  it('says of one that was removed later that no user is left', async () => {
    expect(await summaryIn(scene(), ids.erin)).toMatchObject({
      status: 'SUCCEEDED',
      user: 'absent',
      left: 'nothing',
      roll_backs: 2,
      failures: [],
    });
  });

  it('keeps what is left behind and what runs, however old', async () => {
    const later = new Date(NOW.getTime() + 5 * 3_600_000);
    const names = (await read(scene(), later).list(1)).provisionings.map(({ username }) => username);
    expect(names.sort()).toEqual(['dave', 'frida']);
  });
});

describe('what is left behind', () => {
  it('is a user when App1 was stopped and nothing undoes what App2 has made', async () => {
    expect(await summaryIn(aborted(), id)).toMatchObject({ left: 'user' });
  });

  it('is nothing yet while a roll-back may still begin', async () => {
    expect(await summaryIn(aborted(), id, at('09:00:35'))).toMatchObject({
      left: 'nothing',
      user: 'being_removed',
    });
  });

  it('is nothing once a roll-back of each service has succeeded', async () => {
    const aws = aborted()
      .put(
        'RollBackServiceUser',
        rollBack,
        input,
        begun('09:01:10').task('DeleteUser', 100).succeed('UserRemoved'),
      )
      .put(
        'RollBackProvisioning',
        rollBack,
        input,
        begun('09:01:00').task('CancelUserCreation', 300).succeed('RolledBack'),
      );
    expect(await summaryIn(aws, id)).toMatchObject({ left: 'nothing', user: 'absent' });
  });

  it('is told of one generation: a roll-back of an earlier one, and a creation of it, say nothing', async () => {
    const earlier = { ...input, creation_id: 'b3d8a1c4-55f0-4e0b-9c7e-2f1a6d4e8c22' };
    const refused = { step: 'RequestUserCreation', error: 'UserAlreadyExists' };
    const aws = new FakeAws()
      .put(
        'RollBackProvisioning',
        rollBackName(earlier, 1),
        earlier,
        begun('08:00:00').succeed('Deprovisioned'),
      )
      .put('CreateServiceUser', id, earlier, begun('07:00:00').succeed('UserCreated'))
      .put('ProvisionServiceUser', id, input, begun('09:00:00').fail('ProvisioningFailed', refused));

    expect(await summaryIn(aws, id)).toMatchObject({
      status: 'FAILED',
      user: 'absent',
      left: 'nothing',
      roll_backs: 0,
    });
    const found = await read(aws).detail(id);
    expect(found?.executions.map((one) => one.id)).toEqual([`ProvisionServiceUser/${id}`]);
  });

  it('finds a roll-back by the list when the executions before it have expired', async () => {
    const aws = new FakeAws().put(
      'RollBackServiceUser',
      rollBack,
      input,
      begun('09:01:00').task('DeleteUser', 100).succeed('UserRemoved'),
    );
    const reader = read(aws);
    await reader.list(24);

    const found = await reader.detail(id);
    expect(found?.executions.map((one) => one.id)).toEqual([`RollBackServiceUser/${rollBack}`]);
  });

  it('is the announcement when the end could not be published', async () => {
    const cause = { step: 'Authenticate', error: 'TargetUnavailable' };
    const aws = new FakeAws().put(
      'ProvisionServiceUser',
      id,
      input,
      begun('09:00:00').fail('OutcomeNotPublished', cause),
    );
    expect(await summaryIn(aws, id)).toMatchObject({ left: 'announcement', user: 'absent' });
  });

  it('is nothing when somebody has asked App2 past App1', async () => {
    const aws = new FakeAws().put('CreateServiceUser', id, input, begun('09:00:00').succeed('UserCreated'));
    expect(await summaryIn(aws, id)).toMatchObject({ left: 'nothing', user: 'present', username: 'gina' });
  });
});

describe('what is asked of AWS', () => {
  it('is no look-up again of what has ended', async () => {
    const aws = scene();
    const reader = read(aws);
    await reader.list(24);
    const first = aws.asked.execution.length;
    await reader.list(24);
    expect(first).toBeGreaterThan(0);
    expect(aws.asked.execution).toHaveLength(first);
  });

  it('is no more look-ups than there are to spare, what failed first', async () => {
    const aws = scene();
    const few = readerOf(aws, { ...where, lookUpsPerSecond: 0.4 }, () => NOW);
    const { unread } = await few.list(24);
    expect(aws.asked.execution).toHaveLength(4);
    const failed = [ids.carol, ids.bob, ids.dave];
    expect(aws.asked.execution.every((arn) => failed.some((one) => arn.includes(one)))).toBe(true);
    expect(unread).toBeGreaterThan(0);
  });

  it('is a new look-up when a running one has ended since', async () => {
    const aws = new FakeAws().put('ProvisionServiceUser', id, input, begun('09:00:00').enter('Authenticate'));
    const reader = read(aws);
    expect((await reader.list(24)).provisionings[0]).toMatchObject({ status: 'RUNNING' });
    aws.put(
      'ProvisionServiceUser',
      id,
      input,
      begun('09:00:00').fail('ProvisioningFailed', { step: 'Authenticate', error: 'TargetUnavailable' }),
    );
    expect((await reader.list(24)).provisionings[0]?.failures[0]).toMatchObject({
      code: 'TARGET_UNAVAILABLE',
    });
  });
});

describe('one provisioning', () => {
  it('has the executions of both services, their graphs and steps, and the audit events', async () => {
    const found = await read(scene()).detail(ids.carol);
    expect(detail.parse(JSON.parse(JSON.stringify(found)))).toEqual(JSON.parse(JSON.stringify(found)));
    expect(found?.executions.map(({ service, machine, status }) => [service, machine, status])).toEqual([
      ['app1', 'ProvisionServiceUser', 'FAILED'],
      ['app2', 'CreateServiceUser', 'FAILED'],
    ]);
    expect(found?.executions[1]?.steps.find(({ name }) => name === 'DeleteUser')).toMatchObject({
      undo: true,
    });
    expect(found?.events.map(({ service, name, bad }) => [service, name, bad])).toEqual([
      ['app2', 'ServiceUserCreationRolledBack', true],
      ['app1', 'ServiceUserProvisioningFailed', true],
    ]);
  });

  it('has every attempt to roll it back', async () => {
    const found = await read(scene()).detail(ids.dave);
    expect(found?.executions.map(({ id }) => id)).toEqual([
      `ProvisionServiceUser/${ids.dave}`,
      `CreateServiceUser/${ids.dave}`,
      `RollBackServiceUser/${rollBackOf('dave')}`,
      `RollBackServiceUser/${rollBackOf('dave', 2)}`,
    ]);
  });

  it('shows no ciphertext in full', async () => {
    expect(JSON.stringify(await read(scene()).detail(ids.anna))).not.toContain('QUJD'.repeat(20));
  });

  it.each([null, 'text', 7, [1, 2]])(
    'is shown, in the list and alone, when somebody has started it by hand with the input %j',
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

  it('is none when neither service knows it', async () => {
    expect(await read(scene()).detail(id)).toBeUndefined();
  });

  it('reads the history of what has ended once, that of what runs each time', async () => {
    const aws = scene();
    const reader = read(aws);
    for (const one of [ids.carol, ids.carol, ids.frida, ids.frida]) await reader.detail(one);
    const times = (who: string) => aws.asked.history.filter((arn) => arn.includes(who)).length;
    expect([times(ids.carol), times(ids.frida)]).toEqual([2, 4]);
  });
});
