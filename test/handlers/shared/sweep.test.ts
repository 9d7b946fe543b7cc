import {
  DescribeExecutionCommand,
  type ExecutionListItem,
  type ExecutionStatus,
  ListExecutionsCommand,
  type ListExecutionsCommandInput,
  SFNClient,
  StartExecutionCommand,
} from '@aws-sdk/client-sfn';
import { GetParameterCommand, PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { provisioningInput } from '../../../contracts/executions.ts';
import { timeLimits } from '../../../contracts/time-limits.ts';
import { limits, sweep } from '../../../handlers/shared/sweep.ts';
import { fakeClock } from '../../support/clock.ts';
import { execution, notFound } from '../../support/executions.ts';
import { expectNoLeak, watchLog } from '../../support/leaks.ts';
import { sdkError } from '../../support/sdk-errors.ts';
import { PROVISIONING_ID, SEALED, subject } from '../../support/subject.ts';

const stepFunctions = mockClient(SFNClient);
const ssm = mockClient(SSMClient);
const log = watchLog();
const account = 'arn:aws:states:eu-central-1:111122223333';
const machines = {
  STATE_MACHINE_ARN: `${account}:stateMachine:Machine`,
  ROLL_BACK_STATE_MACHINE_ARN: `${account}:stateMachine:RollBackMachine`,
};
const MARK = '/app1/sweep-mark';
const MINUTE = 60_000;
const NOW = Date.parse('2026-01-02T00:00:00Z');
/** What the lists say within this time of the sweep is looked at again by the next one. */
const LAG = 10 * MINUTE;

let clock: ReturnType<typeof fakeClock>;
const newSweep = () =>
  sweep({
    workflows: {
      stepFunctions: new SFNClient({}),
      machines,
      inputSchema: provisioningInput,
      cleanEnds: ['CleanEnd'],
    },
    ssm: new SSMClient({}),
    markParameter: MARK,
    clock,
  });
const run = () => newSweep()();

const at = (minutesAgo: number): Date => new Date(NOW - minutesAgo * MINUTE);
const markIs = (mark: Date | 'never') =>
  ssm
    .on(GetParameterCommand, { Name: MARK })
    .resolves({ Parameter: { Value: mark === 'never' ? mark : mark.toISOString() } });
const marksSet = () => ssm.commandCalls(PutParameterCommand).map(({ args }) => args[0].input);

interface Ended {
  id: string;
  /** Minutes before the sweep. */
  ended: number;
  began?: number;
  status?: 'FAILED' | 'TIMED_OUT' | 'ABORTED';
  error?: string;
  machine?: 'Machine' | 'RollBackMachine';
  input?: object;
}

const inputOf = (name: string) => {
  const [provisioning_id] = name.split('.');
  return { ...subject, provisioning_id, owner: 'owner', sealed_password: SEALED, request_mac: 'mac' };
};
const rollBackInputOf = (name: string) => {
  const { provisioning_id, username, human_user_id, owner } = inputOf(name);
  return { provisioning_id, username, human_user_id, owner };
};
const idOf = (n: number) => `${PROVISIONING_ID.slice(0, -3)}${String(n).padStart(3, '0')}`;

const listed = ({ id, ended, began = ended + 1, machine = 'Machine', status = 'ABORTED' }: Ended) =>
  ({
    executionArn: `${account}:execution:${machine}:${id}`,
    stateMachineArn: `${account}:stateMachine:${machine}`,
    name: id,
    status,
    startDate: at(began),
    stopDate: at(ended),
  }) satisfies ExecutionListItem;

/** Executions that ended badly: each is in the list of its machine and status, and can be looked at. */
function endedBadly(...all: Ended[]) {
  stepFunctions.on(ListExecutionsCommand).callsFake(async (asked: ListExecutionsCommandInput) => ({
    executions: all
      .map(listed)
      .filter(({ stateMachineArn, status }) => {
        return stateMachineArn === asked.stateMachineArn && status === asked.statusFilter;
      })
      .sort((a, b) => b.startDate.getTime() - a.startDate.getTime()),
  }));
  for (const one of all) {
    const { executionArn, name, status, startDate, stopDate } = listed(one);
    const startedWith = one.machine === 'RollBackMachine' ? rollBackInputOf(name) : inputOf(name);
    stepFunctions
      .on(DescribeExecutionCommand, { executionArn })
      .resolves(execution(one.input ?? startedWith, { status, startDate, stopDate, error: one.error }));
  }
}

const lists = () => stepFunctions.commandCalls(ListExecutionsCommand).map(({ args }) => args[0].input);
const lookedAt = () =>
  stepFunctions
    .commandCalls(DescribeExecutionCommand)
    .map(({ args: [{ input }] }) => nameIn(input.executionArn));
const nameIn = (executionArn: string | undefined) => executionArn?.split(':').at(-1);
const started = () =>
  stepFunctions.commandCalls(StartExecutionCommand).map(({ args: [{ input }] }) => input.name);

/** Looking at this one fails. */
const cannotBeSettled = (id: string, error = sdkError('ThrottlingException')) =>
  stepFunctions
    .on(DescribeExecutionCommand, { executionArn: `${account}:execution:Machine:${id}` })
    .rejects(error);

beforeEach(() => {
  clock = fakeClock(NOW);
  stepFunctions.reset();
  ssm.reset();
  stepFunctions.on(ListExecutionsCommand).resolves({ executions: [] });
  stepFunctions.on(DescribeExecutionCommand).rejects(notFound());
  stepFunctions.on(StartExecutionCommand).resolves({});
  ssm.on(PutParameterCommand).resolves({});
  markIs(at(60));
});

describe('what the sweep looks at', () => {
  it('are both machines, in each status that is a bad end', async () => {
    await run();

    const asked = lists().map(({ stateMachineArn, statusFilter }) => [nameIn(stateMachineArn), statusFilter]);
    expect(asked.sort()).toEqual(
      ['Machine', 'RollBackMachine'].flatMap((machine) =>
        ['ABORTED', 'FAILED', 'TIMED_OUT'].map((status) => [machine, status]),
      ),
    );
  });

  it('is nothing when nothing ended badly', async () => {
    await expect(run()).resolves.toEqual({
      ended_badly: 0,
      started: 0,
      unreadable: 0,
      left: 0,
      settled_until: new Date(NOW - LAG).toISOString(),
    });
    expect(lookedAt()).toEqual([]);
    expect(clock.sleeps).toEqual([]);
  });

  it('is everything that ended since the mark, the mark itself included, and nothing before it', async () => {
    endedBadly({ id: idOf(1), ended: 60 }, { id: idOf(2), ended: 61 }, { id: idOf(3), ended: 1 });

    await expect(run()).resolves.toMatchObject({ ended_badly: 2, started: 2 });
    expect(lookedAt()).toEqual([idOf(1), idOf(3)]);
  });

  it('is everything that there is when the mark was never set', async () => {
    markIs('never');
    endedBadly({ id: idOf(1), ended: 60 * 24 * 89 }, { id: idOf(2), ended: 1 });

    await expect(run()).resolves.toMatchObject({ ended_badly: 2 });
  });

  it('is looked at in the order in which it ended, whatever list it came from, with a pause before each', async () => {
    endedBadly(
      { id: idOf(1), ended: 20, status: 'FAILED' },
      { id: idOf(2), ended: 40, status: 'TIMED_OUT' },
      { id: idOf(3), ended: 30, machine: 'RollBackMachine' },
      { id: idOf(4), ended: 50, began: 55 },
      { id: idOf(5), ended: 45, began: 58 },
    );

    await run();

    expect(lookedAt()).toEqual([idOf(4), idOf(5), idOf(2), idOf(3), idOf(1)]);
    expect(clock.sleeps).toEqual(Array.from({ length: 5 }, () => limits.pause));
    // DescribeExecution has a quota of 15 per second for the whole account: the sweep takes a third at most.
    expect(1000 / limits.pause).toBeLessThanOrEqual(5);
  });

  it('comes from as many pages as there are', async () => {
    endedBadly();
    stepFunctions
      .on(ListExecutionsCommand, { stateMachineArn: machines.STATE_MACHINE_ARN, statusFilter: 'ABORTED' })
      .callsFake(async ({ nextToken }: ListExecutionsCommandInput) => {
        const page = Number(nextToken ?? '1');
        return {
          executions: [listed({ id: idOf(page), ended: 10 * page })],
          ...(page < 3 ? { nextToken: String(page + 1) } : {}),
        };
      });

    await expect(run()).resolves.toMatchObject({ ended_badly: 3 });
    expect(lists().filter(({ statusFilter }) => statusFilter === 'ABORTED')).toHaveLength(3 + 1);
  });

  it('ends with the page on which something began so long before the mark that it ended before it', async () => {
    const longest = timeLimits.provisioning / 60;
    const pages = [
      { id: idOf(1), ended: 10, began: 60 + longest },
      { id: idOf(2), ended: 30, began: 60 + longest + 1 },
      { id: idOf(3), ended: 60 + longest, began: 60 + 2 * longest },
    ];
    stepFunctions
      .on(ListExecutionsCommand, { stateMachineArn: machines.STATE_MACHINE_ARN, statusFilter: 'FAILED' })
      .callsFake(async ({ nextToken }: ListExecutionsCommandInput) => {
        const page = Number(nextToken ?? '0');
        return { executions: pages.slice(page, page + 1).map(listed), nextToken: String(page + 1) };
      });

    await expect(run()).resolves.toMatchObject({ ended_badly: 2 });
    expect(lists().filter(({ statusFilter }) => statusFilter === 'FAILED')).toHaveLength(2 + 1);
  });

  it('is the newest part when there are too many pages, and the mark stays', async () => {
    stepFunctions.on(ListExecutionsCommand).resolves({ executions: [], nextToken: 'more' });

    await expect(run()).resolves.toMatchObject({ ended_badly: 0, left: 0 });
    expect(lists()).toHaveLength(limits.pages);
    expect(marksSet()).toEqual([]);
  });
});

describe('what the sweep does with', () => {
  it('an execution that nobody rolled back: it starts the roll-back', async () => {
    endedBadly({ id: PROVISIONING_ID, ended: 20, status: 'TIMED_OUT' });

    await expect(run()).resolves.toMatchObject({ started: 1, left: 0 });
    const [start] = stepFunctions.commandCalls(StartExecutionCommand).map(({ args }) => args[0].input);
    expect(start).toMatchObject({
      stateMachineArn: machines.ROLL_BACK_STATE_MACHINE_ARN,
      name: PROVISIONING_ID,
    });
    expect(JSON.parse(start?.input ?? '')).toEqual({
      ...rollBackInputOf(PROVISIONING_ID),
      causation_id: `execution:Machine:${PROVISIONING_ID}`,
    });
  });

  it('a clean end: nothing', async () => {
    endedBadly({ id: PROVISIONING_ID, ended: 20, status: 'FAILED', error: 'CleanEnd' });

    await expect(run()).resolves.toMatchObject({ ended_badly: 1, started: 0, left: 0 });
    expect(started()).toEqual([]);
  });

  it('an execution that was rolled back before: nothing more', async () => {
    endedBadly({ id: PROVISIONING_ID, ended: 20 });
    stepFunctions.on(StartExecutionCommand).rejects(sdkError('ExecutionAlreadyExists'));

    await expect(run()).resolves.toMatchObject({ ended_badly: 1, started: 0, left: 0 });
  });

  it.each([
    [PROVISIONING_ID, `${PROVISIONING_ID}.2`],
    [`${PROVISIONING_ID}.2`, `${PROVISIONING_ID}.3`],
    [`${PROVISIONING_ID}.9`, `${PROVISIONING_ID}.10`],
  ])('the failed roll-back %s: it starts %s for the same user, because of it', async (failed, next) => {
    endedBadly({
      id: failed,
      ended: 20,
      status: 'FAILED',
      error: 'RollBackFailed',
      machine: 'RollBackMachine',
    });

    await expect(run()).resolves.toMatchObject({ started: 1, left: 0 });
    const [start] = stepFunctions.commandCalls(StartExecutionCommand).map(({ args }) => args[0].input);
    expect(start).toMatchObject({ stateMachineArn: machines.ROLL_BACK_STATE_MACHINE_ARN, name: next });
    expect(JSON.parse(start?.input ?? '')).toEqual({
      ...rollBackInputOf(failed),
      causation_id: `execution:RollBackMachine:${failed}`,
    });
  });

  it('a roll-back that could not be announced: it is tried again, too', async () => {
    endedBadly({
      id: PROVISIONING_ID,
      ended: 20,
      status: 'FAILED',
      error: 'EndNotAnnounced',
      machine: 'RollBackMachine',
    });

    await expect(run()).resolves.toMatchObject({ started: 1 });
  });

  it('a failed roll-back that was followed by another one: nothing more', async () => {
    endedBadly({ id: PROVISIONING_ID, ended: 20, machine: 'RollBackMachine' });
    stepFunctions.on(StartExecutionCommand).rejects(sdkError('ExecutionAlreadyExists'));

    await expect(run()).resolves.toMatchObject({ started: 0, left: 0 });
  });

  it.each(['Machine', 'RollBackMachine'] as const)('one of %s that runs again: nothing', async (machine) => {
    endedBadly({ id: PROVISIONING_ID, ended: 20, machine });
    stepFunctions
      .on(DescribeExecutionCommand, { executionArn: `${account}:execution:${machine}:${PROVISIONING_ID}` })
      .resolves(execution(inputOf(PROVISIONING_ID), { status: 'RUNNING' }));

    await expect(run()).resolves.toMatchObject({ ended_badly: 1, started: 0, left: 0 });
    expect(started()).toEqual([]);
  });

  it.each(['Machine', 'RollBackMachine'] as const)(
    'one of %s that somebody started by hand with something else: it says so, and goes on',
    async (machine) => {
      endedBadly({ id: 'by-hand', ended: 30, machine, input: { hello: SEALED } }, { id: idOf(1), ended: 20 });

      await expect(run()).resolves.toMatchObject({ unreadable: 1, started: 1, left: 0 });
      expect(log()).toContain('by-hand');
      expectNoLeak(SEALED, log());
      expect(marksSet()).toHaveLength(1);
    },
  );

  it('one with an input that is no JSON: the same', async () => {
    endedBadly({ id: 'by-hand', ended: 30 });
    stepFunctions
      .on(DescribeExecutionCommand, { executionArn: `${account}:execution:Machine:by-hand` })
      .resolves({ status: 'ABORTED', input: 'text' });

    await expect(run()).resolves.toMatchObject({ unreadable: 1, left: 0 });
  });

  it.each([
    ['cannot be looked at', 'Machine', sdkError('ThrottlingException')],
    ['cannot be seen', 'Machine', notFound()],
    ['cannot be seen', 'RollBackMachine', notFound()],
  ] as const)('one that %s in the list of %s: it leaves it, and goes on', async (_what, machine, error) => {
    endedBadly({ id: idOf(1), ended: 30, machine }, { id: idOf(2), ended: 20 });
    stepFunctions
      .on(DescribeExecutionCommand, { executionArn: `${account}:execution:${machine}:${idOf(1)}` })
      .rejects(error);

    await expect(run()).resolves.toMatchObject({ ended_badly: 2, started: 1, left: 1 });
    expect(started()).toEqual([idOf(2)]);
    expect(log()).toContain(idOf(1));
  });
});

describe('the mark', () => {
  it('moves to the time before which the lists are complete', async () => {
    endedBadly({ id: idOf(1), ended: 20 });

    await expect(run()).resolves.toMatchObject({ settled_until: new Date(NOW - LAG).toISOString() });
    expect(marksSet()).toEqual([{ Name: MARK, Value: new Date(NOW - LAG).toISOString(), Overwrite: true }]);
  });

  it('stays before the first execution that could not be settled', async () => {
    endedBadly({ id: idOf(1), ended: 40 }, { id: idOf(2), ended: 30 }, { id: idOf(3), ended: 20 });
    cannotBeSettled(idOf(2));
    cannotBeSettled(idOf(3));

    await expect(run()).resolves.toMatchObject({ left: 2, settled_until: at(30).toISOString() });
    expect(marksSet()).toMatchObject([{ Value: at(30).toISOString() }]);
  });

  it('does not move back, nor over what the mark stands at already', async () => {
    markIs(at(5));

    await expect(run()).resolves.toMatchObject({ settled_until: at(5).toISOString() });
    expect(marksSet()).toEqual([]);

    markIs(at(60));
    endedBadly({ id: idOf(1), ended: 60 });
    cannotBeSettled(idOf(1));

    await expect(run()).resolves.toMatchObject({ left: 1, settled_until: at(60).toISOString() });
    expect(marksSet()).toEqual([]);
  });

  it.each<ExecutionStatus>(['FAILED', 'TIMED_OUT', 'ABORTED'])(
    'does not move when the list of those that are %s cannot be read',
    async (statusFilter) => {
      endedBadly({ id: idOf(1), ended: 20 });
      stepFunctions.on(ListExecutionsCommand, { statusFilter }).rejects(sdkError('ThrottlingException'));

      await expect(run()).rejects.toMatchObject({ name: 'ThrottlingException' });
      expect(marksSet()).toEqual([]);
    },
  );

  it.each([
    ['a text that is no time', { Parameter: { Value: 'yesterday' } }],
    ['nothing', {}],
  ])('that holds %s stops the sweep rather than being guessed', async (_what, answer) => {
    ssm.on(GetParameterCommand).resolves(answer);

    await expect(run()).rejects.toThrow();
    expect(lists()).toEqual([]);
  });

  it('that cannot be written makes the run fail, after everything was settled', async () => {
    endedBadly({ id: idOf(1), ended: 20 });
    ssm.on(PutParameterCommand).rejects(sdkError('ParameterNotFound'));

    await expect(run()).rejects.toMatchObject({ name: 'ParameterNotFound' });
    expect(started()).toEqual([idOf(1)]);
  });
});

describe('a run that has no time for everything', () => {
  it('leaves the rest to the next one, which goes on there', async () => {
    const all = [50, 40, 30, 20, 11].map((ended, n) => ({ id: idOf(n), ended }));
    endedBadly(...all);
    stepFunctions.on(StartExecutionCommand).callsFake(async () => {
      await clock.sleep(MINUTE);
      return {};
    });
    const inTime = Math.ceil(limits.time / MINUTE);

    const first = await run();

    expect(first).toMatchObject({ ended_badly: 5, started: inTime, left: 5 - inTime });
    expect(first.settled_until).toBe(at(all[inTime]?.ended ?? 0).toISOString());

    markIs(new Date(first.settled_until));
    await expect(run()).resolves.toMatchObject({ ended_badly: 5 - inTime, left: 0 });
    expect(started()).toEqual(all.map(({ id }) => id));
  });
});

describe('a warm function', () => {
  it('looks at nothing twice that it has settled, though the next run lists it again', async () => {
    const sweepOnce = newSweep();
    endedBadly({ id: idOf(1), ended: 5 });
    await sweepOnce();

    await expect(sweepOnce()).resolves.toMatchObject({ ended_badly: 0 });
    expect(lookedAt()).toEqual([idOf(1)]);
  });

  it('looks again at what it could not settle', async () => {
    const sweepOnce = newSweep();
    endedBadly({ id: idOf(1), ended: 5 });
    cannotBeSettled(idOf(1));
    await sweepOnce();
    endedBadly({ id: idOf(1), ended: 5 });

    await expect(sweepOnce()).resolves.toMatchObject({ ended_badly: 1, started: 1 });
  });

  it('looks again at an execution that was started again and ended again', async () => {
    const sweepOnce = newSweep();
    endedBadly({ id: idOf(1), ended: 5 });
    await sweepOnce();
    endedBadly({ id: idOf(1), ended: 1, began: 6 });

    await expect(sweepOnce()).resolves.toMatchObject({ ended_badly: 1 });
  });

  it('tells an execution from its roll-back of the same name and end', async () => {
    const sweepOnce = newSweep();
    endedBadly({ id: idOf(1), ended: 5 });
    await sweepOnce();
    endedBadly({ id: idOf(1), ended: 5 }, { id: idOf(1), ended: 5, machine: 'RollBackMachine' });

    await expect(sweepOnce()).resolves.toMatchObject({ ended_badly: 1, started: 1 });
    expect(started()).toEqual([idOf(1), `${idOf(1)}.2`]);
  });
});
