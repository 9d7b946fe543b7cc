import {
  BatchGetItemCommand,
  type BatchGetItemCommandInput,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
} from '@aws-sdk/client-dynamodb';
import {
  DescribeExecutionCommand,
  type ExecutionListItem,
  type ExecutionStatus,
  ListExecutionsCommand,
  type ListExecutionsCommandInput,
  SFNClient,
  StartExecutionCommand,
} from '@aws-sdk/client-sfn';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { provisioningInput } from '../../../contracts/executions.ts';
import { timeLimits } from '../../../contracts/time-limits.ts';
import { HIGH_WATER_MARKS, parseSweepState } from '../../../handlers/shared/high-water-marks.ts';
import { limits, sweep } from '../../../handlers/shared/sweep.ts';
import { fakeClock } from '../../support/clock.ts';
import { execution, notFound } from '../../support/executions.ts';
import { expectNoLeak, watchLog } from '../../support/leaks.ts';
import { sdkError } from '../../support/sdk-errors.ts';
import {
  CREATION_ID,
  INTAKE_CIPHERTEXT,
  PROVISIONING_ID,
  ROLL_BACK,
  subject,
} from '../../support/subject.ts';

const stepFunctions = mockClient(SFNClient);
const dynamoDb = mockClient(DynamoDBClient);
const log = watchLog();
const account = 'arn:aws:states:eu-central-1:111122223333';
const machines = {
  STATE_MACHINE_ARN: `${account}:stateMachine:Machine`,
  ROLL_BACK_STATE_MACHINE_ARN: `${account}:stateMachine:RollBackMachine`,
};
const TABLE = 'app1-sweep';
const DESCRIBES_PER_SECOND = 1;
const MINUTE = 60_000;
const NOW = Date.parse('2026-01-02T00:00:00Z');
/** Executions that stopped within this time before a run are read again by the next one. */
const LAG = 10 * MINUTE;

let clock: ReturnType<typeof fakeClock>;
const newSweep = () =>
  sweep({
    workflows: {
      stepFunctions: new SFNClient({}),
      machines,
      inputSchema: provisioningInput,
      cleanOutcomes: ['CleanEnd'],
    },
    dynamoDb: new DynamoDBClient({}),
    tableName: TABLE,
    describesPerSecond: DESCRIBES_PER_SECOND,
    clock,
  });
const run = () => newSweep()();

const at = (minutesAgo: number): Date => new Date(NOW - minutesAgo * MINUTE);
const LISTS = ['main', 'roll-back'].flatMap((machine) =>
  ['FAILED', 'TIMED_OUT', 'ABORTED'].map((status) => `${machine} ${status}`),
);
/** The state that the last run wrote. */
const stateIs = (state: object | undefined) =>
  dynamoDb
    .on(GetItemCommand, { TableName: TABLE, Key: { id: { S: HIGH_WATER_MARKS } } })
    .resolves(state === undefined ? {} : { Item: { state: { S: JSON.stringify(state) } } });
/** Every list has this high-water mark. */
const markIs = (mark: Date | 'never') =>
  stateIs(
    mark === 'never'
      ? undefined
      : {
          lists: Object.fromEntries(LISTS.map((list) => [list, { high_water_mark: mark.toISOString() }])),
          observations: {},
        },
  );
/** The written items of the table, without the state. */
const recorded = () =>
  dynamoDb
    .commandCalls(PutItemCommand)
    .map(({ args: [{ input }] }) => input.Item)
    .filter((item) => item?.['id']?.S !== HIGH_WATER_MARKS);
/** The last written state, in JSON. */
const written = () => {
  const states = dynamoDb
    .commandCalls(PutItemCommand)
    .map(({ args: [{ input }] }) => input.Item)
    .filter((item) => item?.['id']?.S === HIGH_WATER_MARKS);
  return states.at(-1)?.['state']?.S;
};
/** The last written high-water mark of each list. */
const marks = () =>
  Object.fromEntries(
    Object.entries(parseSweepState(written()).lists).map(([list, { high_water_mark }]) => [
      list,
      new Date(high_water_mark).toISOString(),
    ]),
  );
const allAt = (mark: Date | number) =>
  Object.fromEntries(LISTS.map((list) => [list, new Date(mark).toISOString()]));
/** Makes the written state the one that the next run reads. */
const goOn = () => stateIs(JSON.parse(written() ?? ''));

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
  return {
    ...subject,
    provisioning_id,
    owner: 'owner',
    targets: ['app2'],
    intake_ciphertext: INTAKE_CIPHERTEXT,
    request_mac: 'mac',
  };
};
const rollBackInputOf = (name: string) => {
  const { provisioning_id, creation_id, username, human_user_id, owner, targets } = inputOf(name);
  const failure = { step: 'Execution', error: 'ExecutionTimedOut' };
  return {
    ...{ provisioning_id, creation_id, username, human_user_id, owner, targets },
    ...{ had_succeeded: false, failure },
  };
};
const idOf = (n: number) => `${PROVISIONING_ID.slice(0, -3)}${String(n).padStart(3, '0')}`;
/** Name of the roll-back of an execution. */
const rollBackOf = (n: number, attempt = 1) => `${idOf(n)}.${CREATION_ID}.${attempt}`;

const listed = ({ id, ended, began = ended + 1, machine = 'Machine', status = 'ABORTED' }: Ended) =>
  ({
    executionArn: `${account}:execution:${machine}:${id}`,
    stateMachineArn: `${account}:stateMachine:${machine}`,
    name: id,
    status,
    startDate: at(began),
    stopDate: at(ended),
  }) satisfies ExecutionListItem;

/** Failed executions: each is in the list of its state machine and status, and can be described. */
function givenFailed(...all: Ended[]) {
  stepFunctions.on(ListExecutionsCommand).callsFake(async (request: ListExecutionsCommandInput) => ({
    executions: all
      .map(listed)
      .filter(({ stateMachineArn, status }) => {
        return stateMachineArn === request.stateMachineArn && status === request.statusFilter;
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

const lists = () =>
  stepFunctions
    .commandCalls(ListExecutionsCommand)
    .map(({ args }) => args[0].input)
    .filter(({ statusFilter }) => statusFilter !== 'RUNNING');
const describedNames = () =>
  stepFunctions
    .commandCalls(DescribeExecutionCommand)
    .map(({ args: [{ input }] }) => nameIn(input.executionArn));
const nameIn = (executionArn: string | undefined) => executionArn?.split(':').at(-1);
const started = () =>
  stepFunctions.commandCalls(StartExecutionCommand).map(({ args: [{ input }] }) => input.name);

/** DescribeExecution fails for this execution. */
const givenNotDescribable = (id: string, error = sdkError('ThrottlingException')) =>
  stepFunctions
    .on(DescribeExecutionCommand, { executionArn: `${account}:execution:Machine:${id}` })
    .rejects(error);

beforeEach(() => {
  clock = fakeClock(NOW);
  stepFunctions.reset();
  dynamoDb.reset();
  dynamoDb.on(PutItemCommand).resolves({});
  dynamoDb.on(BatchGetItemCommand).resolves({});
  stepFunctions.on(ListExecutionsCommand).resolves({ executions: [] });
  stepFunctions.on(DescribeExecutionCommand).rejects(notFound());
  stepFunctions.on(StartExecutionCommand).resolves({});
  markIs(at(60));
});

describe('the executions that the sweep reads', () => {
  it('are those of both state machines, in each failed status', async () => {
    await run();

    const request = lists().map(({ stateMachineArn, statusFilter }) => [
      nameIn(stateMachineArn),
      statusFilter,
    ]);

    expect(request.sort()).toEqual(
      ['Machine', 'RollBackMachine'].flatMap((machine) =>
        ['ABORTED', 'FAILED', 'TIMED_OUT'].map((status) => [machine, status]),
      ),
    );
  });

  it('are none without failed executions', async () => {
    await expect(run()).resolves.toEqual({
      failed: 0,
      known_clean: 0,
      started: 0,
      unreadable: 0,
      remaining: 0,
      high_water_mark: new Date(NOW - LAG).toISOString(),
      oldest_running_seconds: 0,
    });
    expect(describedNames()).toEqual([]);
    expect(clock.sleeps).toEqual([]);
  });

  it('are those that stopped at or after the mark', async () => {
    givenFailed({ id: idOf(1), ended: 60 }, { id: idOf(2), ended: 61 }, { id: idOf(3), ended: 1 });

    await expect(run()).resolves.toMatchObject({ failed: 2, started: 2 });
    expect(describedNames()).toEqual([idOf(1), idOf(3)]);
  });

  it('are all without a mark', async () => {
    markIs('never');
    givenFailed({ id: idOf(1), ended: 60 * 24 * 89 }, { id: idOf(2), ended: 1 });

    await expect(run()).resolves.toMatchObject({ failed: 2 });
  });

  it('are described in the order of their stop times, failed ones last, with a delay before each', async () => {
    givenFailed(
      { id: idOf(1), ended: 20, status: 'FAILED' },
      { id: idOf(2), ended: 40, status: 'TIMED_OUT' },
      { id: idOf(3), ended: 30, machine: 'RollBackMachine' },
      { id: idOf(4), ended: 50, began: 55 },
      { id: idOf(5), ended: 45, began: 58 },
    );

    await run();

    expect(describedNames()).toEqual([idOf(4), idOf(5), idOf(2), idOf(3), idOf(1)]);
    expect(clock.sleeps).toEqual(Array.from({ length: 5 }, () => 1000));
  });

  it('are read from all pages', async () => {
    givenFailed();
    stepFunctions
      .on(ListExecutionsCommand, { stateMachineArn: machines.STATE_MACHINE_ARN, statusFilter: 'ABORTED' })
      .callsFake(async ({ nextToken }: ListExecutionsCommandInput) => {
        const page = Number(nextToken ?? '1');
        return {
          executions: [listed({ id: idOf(page), ended: 10 * page })],
          ...(page < 3 ? { nextToken: String(page + 1) } : {}),
        };
      });

    await expect(run()).resolves.toMatchObject({ failed: 3 });
    expect(lists().filter(({ statusFilter }) => statusFilter === 'ABORTED')).toHaveLength(3 + 1);
  });

  it('are read until a page with an execution that is too old', async () => {
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

    await expect(run()).resolves.toMatchObject({ failed: 2 });
    expect(lists().filter(({ statusFilter }) => statusFilter === 'FAILED')).toHaveLength(2 + 1);
  });

  it('are not older than the oldest running one at the mark', async () => {
    stateIs({
      lists: Object.fromEntries(LISTS.map((list) => [list, { high_water_mark: at(60).toISOString() }])),
      observations: {
        main: [
          { at: at(65).toISOString(), oldest_start: at(80).toISOString() },
          { at: at(55).toISOString(), oldest_start: at(56).toISOString() },
        ],
      },
    });
    const pages = [
      { id: idOf(1), ended: 10, began: 70 },
      { id: idOf(2), ended: 60, began: 81 },
      { id: idOf(3), ended: 59, began: 90 },
    ];
    stepFunctions
      .on(ListExecutionsCommand, { stateMachineArn: machines.STATE_MACHINE_ARN, statusFilter: 'ABORTED' })
      .callsFake(async ({ nextToken }: ListExecutionsCommandInput) => {
        const page = Number(nextToken ?? '0');
        return { executions: pages.slice(page, page + 1).map(listed), nextToken: String(page + 1) };
      });

    await expect(run()).resolves.toMatchObject({ failed: 2 });
  });

  it('continue in the next run after the limit of pages, and then the mark advances', async () => {
    const [{ first }] = [limits.pages];
    stepFunctions
      .on(ListExecutionsCommand, { stateMachineArn: machines.STATE_MACHINE_ARN, statusFilter: 'ABORTED' })
      .callsFake(async ({ nextToken }: ListExecutionsCommandInput) => {
        const page = Number(nextToken ?? '1');
        return {
          executions: page === 1 ? [listed({ id: idOf(page), ended: 30 })] : [],
          ...(page < first + 2 ? { nextToken: String(page + 1) } : {}),
        };
      });
    givenNotDescribable(idOf(1));
    const sweepOnce = newSweep();

    await expect(sweepOnce()).resolves.toMatchObject({ failed: 1, remaining: 1 });
    expect(lists().filter(({ statusFilter }) => statusFilter === 'ABORTED')).toHaveLength(first + 1);
    expect(marks()).toEqual({ ...allAt(NOW - LAG), 'main ABORTED': at(60).toISOString() });

    goOn();
    stepFunctions.resetHistory();
    await clock.sleep(5 * MINUTE);
    await sweepOnce();

    expect(lists().filter(({ statusFilter }) => statusFilter === 'ABORTED')).toMatchObject([
      {},
      { nextToken: String(first + 1) },
      { nextToken: String(first + 2) },
    ]);
    // The mark stays before the execution that an earlier run left.
    expect(marks()['main ABORTED']).toBe(at(30).toISOString());
  });

  it('continue in the next run after throttling', async () => {
    const request = { stateMachineArn: machines.STATE_MACHINE_ARN, statusFilter: 'FAILED' as const };
    stepFunctions.on(ListExecutionsCommand, request).resolves({ executions: [], nextToken: 'second' });
    stepFunctions
      .on(ListExecutionsCommand, { ...request, nextToken: 'second' })
      .rejects(sdkError('ThrottlingException'));

    await run();

    expect(parseSweepState(written()).lists['main FAILED']).toMatchObject({
      reading: { next_token: 'second', since: NOW },
    });
  });

  it('are read from the start when the token has expired', async () => {
    stateIs({
      lists: {
        'main FAILED': {
          high_water_mark: at(60).toISOString(),
          reading: {
            next_token: 'expired',
            since: at(2000).toISOString(),
            first_unprocessed: at(59).toISOString(),
          },
        },
      },
      observations: {},
    });
    givenFailed({ id: idOf(1), ended: 20, status: 'FAILED' });
    stepFunctions.on(ListExecutionsCommand, { nextToken: 'expired' }).rejects(sdkError('InvalidToken'));

    await expect(run()).resolves.toMatchObject({ failed: 1 });
    expect(marks()['main FAILED']).toBe(new Date(NOW - LAG).toISOString());
  });
});

describe('the sweep', () => {
  it('starts the missing roll-back of an execution', async () => {
    givenFailed({ id: PROVISIONING_ID, ended: 20, status: 'TIMED_OUT' });

    await expect(run()).resolves.toMatchObject({ started: 1, remaining: 0 });

    const [start] = stepFunctions.commandCalls(StartExecutionCommand).map(({ args }) => args[0].input);

    expect(start).toMatchObject({
      stateMachineArn: machines.ROLL_BACK_STATE_MACHINE_ARN,
      name: `${ROLL_BACK}.1`,
    });
    expect(JSON.parse(start?.input ?? '')).toEqual({
      ...rollBackInputOf(PROVISIONING_ID),
      causation_id: `execution:Machine:${PROVISIONING_ID}`,
    });
  });

  it('starts nothing after a clean outcome', async () => {
    givenFailed({ id: PROVISIONING_ID, ended: 20, status: 'FAILED', error: 'CleanEnd' });

    await expect(run()).resolves.toMatchObject({ failed: 1, started: 0, remaining: 0 });
    expect(started()).toEqual([]);
  });

  it('starts nothing for an execution with a roll-back', async () => {
    givenFailed({ id: PROVISIONING_ID, ended: 20 });
    stepFunctions.on(StartExecutionCommand).rejects(sdkError('ExecutionAlreadyExists'));

    await expect(run()).resolves.toMatchObject({ failed: 1, started: 0, remaining: 0 });
  });

  it.each([
    [`${ROLL_BACK}.1`, `${ROLL_BACK}.2`],
    [`${ROLL_BACK}.2`, `${ROLL_BACK}.3`],
    [`${ROLL_BACK}.9`, `${ROLL_BACK}.10`],
    ['by-hand', `by-hand.${CREATION_ID}.1`],
  ])('starts after the failed roll-back %s the attempt %s for the same user', async (failed, next) => {
    givenFailed({
      id: failed,
      ended: 20,
      status: 'FAILED',
      error: 'RollBackFailed',
      machine: 'RollBackMachine',
    });

    await expect(run()).resolves.toMatchObject({ started: 1, remaining: 0 });

    const [start] = stepFunctions.commandCalls(StartExecutionCommand).map(({ args }) => args[0].input);

    expect(start).toMatchObject({ stateMachineArn: machines.ROLL_BACK_STATE_MACHINE_ARN, name: next });
    expect(JSON.parse(start?.input ?? '')).toEqual({
      ...rollBackInputOf(failed),
      causation_id: `execution:RollBackMachine:${failed}`,
    });
  });

  it('starts another attempt after a roll-back whose event was not published', async () => {
    givenFailed({
      id: PROVISIONING_ID,
      ended: 20,
      status: 'FAILED',
      error: 'OutcomeNotPublished',
      machine: 'RollBackMachine',
    });

    await expect(run()).resolves.toMatchObject({ started: 1 });
  });

  it('starts nothing for a failed roll-back with a next attempt', async () => {
    givenFailed({ id: PROVISIONING_ID, ended: 20, machine: 'RollBackMachine' });
    stepFunctions.on(StartExecutionCommand).rejects(sdkError('ExecutionAlreadyExists'));

    await expect(run()).resolves.toMatchObject({ started: 0, remaining: 0 });
  });

  it.each(['Machine', 'RollBackMachine'] as const)(
    'starts nothing for an execution of %s that is running again',
    async (machine) => {
      givenFailed({ id: PROVISIONING_ID, ended: 20, machine });
      stepFunctions
        .on(DescribeExecutionCommand, { executionArn: `${account}:execution:${machine}:${PROVISIONING_ID}` })
        .resolves(execution(inputOf(PROVISIONING_ID), { status: 'RUNNING' }));

      await expect(run()).resolves.toMatchObject({ failed: 1, started: 0, remaining: 0 });
      expect(started()).toEqual([]);
    },
  );

  it.each(['Machine', 'RollBackMachine'] as const)(
    'reports an execution of %s with an invalid input, and continues',
    async (machine) => {
      givenFailed(
        { id: 'by-hand', ended: 30, machine, input: { hello: INTAKE_CIPHERTEXT } },
        { id: idOf(1), ended: 20 },
      );

      await expect(run()).resolves.toMatchObject({ unreadable: 1, started: 1, remaining: 0 });
      expect(log()).toContain('by-hand');
      expectNoLeak(INTAKE_CIPHERTEXT, log());
      expect(marks()).toEqual(allAt(NOW - LAG));
    },
  );

  it('reports an execution whose input is not JSON, and continues', async () => {
    givenFailed({ id: 'by-hand', ended: 30 });
    stepFunctions
      .on(DescribeExecutionCommand, { executionArn: `${account}:execution:Machine:by-hand` })
      .resolves({ status: 'ABORTED', input: 'text' });

    await expect(run()).resolves.toMatchObject({ unreadable: 1, remaining: 0 });
  });

  it.each([
    ['cannot be described', 'Machine', sdkError('ThrottlingException')],
    ['is not found', 'Machine', notFound()],
    ['is not found', 'RollBackMachine', notFound()],
  ] as const)(
    'leaves an execution that %s in the list of %s, and continues',
    async (_what, machine, error) => {
      givenFailed({ id: idOf(1), ended: 30, machine }, { id: idOf(2), ended: 20 });
      stepFunctions
        .on(DescribeExecutionCommand, { executionArn: `${account}:execution:${machine}:${idOf(1)}` })
        .rejects(error);

      await expect(run()).resolves.toMatchObject({ failed: 2, started: 1, remaining: 1 });
      expect(started()).toEqual([rollBackOf(2)]);
      expect(log()).toContain(idOf(1));
    },
  );
});

describe('the high-water mark of a list', () => {
  it('advances to the time before which the list is complete', async () => {
    givenFailed({ id: idOf(1), ended: 20 });

    await expect(run()).resolves.toMatchObject({ high_water_mark: new Date(NOW - LAG).toISOString() });
    expect(marks()).toEqual(allAt(NOW - LAG));
  });

  it('stays before the first execution that could not be processed; other marks advance', async () => {
    givenFailed(
      { id: idOf(1), ended: 40 },
      { id: idOf(2), ended: 30 },
      { id: idOf(3), ended: 20 },
      { id: idOf(4), ended: 50, status: 'FAILED' },
    );
    givenNotDescribable(idOf(2));
    givenNotDescribable(idOf(3));

    await expect(run()).resolves.toMatchObject({ remaining: 2, high_water_mark: at(30).toISOString() });
    expect(marks()).toEqual({ ...allAt(NOW - LAG), 'main ABORTED': at(30).toISOString() });
  });

  it('does not move back without executions', async () => {
    markIs(at(5));

    await expect(run()).resolves.toMatchObject({ high_water_mark: at(5).toISOString() });

    expect(marks()).toEqual(allAt(at(5)));
  });

  it('does not move back behind an execution that could not be processed', async () => {
    markIs(at(60));
    givenFailed({ id: idOf(1), ended: 60 });
    givenNotDescribable(idOf(1));

    await expect(run()).resolves.toMatchObject({ remaining: 1, high_water_mark: at(60).toISOString() });
    expect(marks()['main ABORTED']).toBe(at(60).toISOString());
  });

  it.each<ExecutionStatus>(['TIMED_OUT', 'ABORTED'])(
    'does not advance when the list of %s executions cannot be read',
    async (statusFilter) => {
      givenFailed({ id: idOf(1), ended: 20 });
      stepFunctions.on(ListExecutionsCommand, { statusFilter }).rejects(sdkError('ThrottlingException'));

      await expect(run()).rejects.toMatchObject({ name: 'ThrottlingException' });
      expect(written()).toBeUndefined();
    },
  );

  it.each([
    ['failed', 'FAILED'],
    ['running', 'RUNNING'],
  ] as const)(
    'advances in the first lists when the list of %s executions cannot be read',
    async (_what, statusFilter) => {
      givenFailed({ id: idOf(1), ended: 20 });
      stepFunctions
        .on(ListExecutionsCommand, { stateMachineArn: machines.STATE_MACHINE_ARN, statusFilter })
        .rejects(sdkError('ThrottlingException'));

      await expect(run()).rejects.toMatchObject({ name: 'ThrottlingException' });
      expect(started()).toEqual([rollBackOf(1)]);
      expect(marks()).toEqual({ ...allAt(NOW - LAG), 'main FAILED': at(60).toISOString() });
    },
  );

  it.each([
    ['a text that is no JSON', 'no mark'],
    ['a time that is none', JSON.stringify({ lists: { 'main FAILED': { high_water_mark: 'yesterday' } } })],
  ])('fails the sweep when its item contains %s', async (_what, text) => {
    dynamoDb.on(GetItemCommand).resolves({ Item: { state: { S: text } } });

    await expect(run()).rejects.toThrow();
    expect(lists()).toEqual([]);
  });

  it('fails the run when it cannot be written, after the first lists were processed', async () => {
    givenFailed({ id: idOf(1), ended: 20 });
    dynamoDb.on(PutItemCommand).rejects(sdkError('ResourceNotFoundException'));

    await expect(run()).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
    expect(started()).toEqual([rollBackOf(1)]);
  });
});

describe('the observation of the oldest running execution', () => {
  const observations = () => parseSweepState(written()).observations['main'];

  /** Two executions run: one for a minute, and one for the given time. */
  const givenRunningFor = (minutes: number) =>
    stepFunctions
      .on(ListExecutionsCommand, { stateMachineArn: machines.STATE_MACHINE_ARN, statusFilter: 'RUNNING' })
      .resolves({
        executions: [
          listed({ id: idOf(1), ended: 0, began: 1 }),
          listed({ id: idOf(2), ended: 0, began: minutes }),
        ],
      });

  it('is stored for later runs', async () => {
    givenRunningFor(120);

    await expect(run()).resolves.toMatchObject({ oldest_running_seconds: 120 * 60 });
    expect(observations()).toEqual([{ at: NOW, oldest_start: at(120).getTime() }]);
  });

  it('is at most the present time minus the lag of the list', async () => {
    givenRunningFor(2);

    await run();

    expect(observations()).toEqual([{ at: NOW, oldest_start: NOW - LAG }]);
  });

  it('is not stored when not all running executions were read', async () => {
    stepFunctions
      .on(ListExecutionsCommand, { stateMachineArn: machines.STATE_MACHINE_ARN, statusFilter: 'RUNNING' })
      .resolves({ executions: [], nextToken: 'more' });

    await run();

    expect(observations()).toEqual([]);
  });

  /** Sweeps twenty times, every five minutes. */
  const sweepRepeatedly = async (sweepOnce: ReturnType<typeof newSweep>) => {
    for (let n = 0; n < 20; n += 1) {
      await sweepOnce();
      goOn();
      await clock.sleep(5 * MINUTE);
    }
  };

  it('is removed when no list needs it', async () => {
    await sweepRepeatedly(newSweep());

    expect(observations()).toHaveLength(4);
  });

  it('is limited in number, and the earliest one before the mark is kept', async () => {
    const sweepOnce = newSweep();
    await sweepRepeatedly(sweepOnce);
    givenFailed({ id: idOf(1), ended: -90 });
    givenNotDescribable(idOf(1));
    const before = observations();

    await sweepRepeatedly(sweepOnce);

    expect(observations()).toHaveLength(12);
    expect(observations()?.[0]?.at).toBeGreaterThanOrEqual(before?.[0]?.at ?? 0);
    expect(observations()?.[0]?.at).toBeLessThanOrEqual(Date.parse(marks()['main ABORTED'] ?? ''));
  });
});

describe('a run that reaches its time limit', () => {
  it('leaves the remaining executions to the next run', async () => {
    const all = [50, 40, 30, 20, 11].map((ended, n) => ({ id: idOf(n), ended }));
    givenFailed(...all);
    stepFunctions.on(StartExecutionCommand).callsFake(async () => {
      await clock.sleep(MINUTE);
      return {};
    });
    const inTime = Math.ceil(limits.time.first / MINUTE);

    const first = await run();

    expect(first).toMatchObject({ failed: 5, started: inTime, remaining: 5 - inTime });
    expect(marks()['main ABORTED']).toBe(at(all[inTime]?.ended ?? 0).toISOString());

    goOn();

    await expect(run()).resolves.toMatchObject({ failed: 5 - inTime, remaining: 5 - inTime - inTime });

    goOn();

    await expect(run()).resolves.toMatchObject({ remaining: 0 });
    expect(started()).toEqual(all.map(({ id }) => `${id}.${CREATION_ID}.1`));
  });
});

/** 17 minutes of requests at the rate limit of the API's stage, all with a clean outcome. */
describe('the sweep with 100,000 clean outcomes', () => {
  const CLEAN = 100_000;
  const cleanOnes = Array.from({ length: CLEAN }, (_, n) => {
    const stopped = NOW - 20 * MINUTE - n * 10;
    return { name: `clean-${n}`, started: stopped - 2_000, stopped };
  });
  const stopDates = new Map(cleanOnes.map(({ name, stopped }) => [name, stopped]));
  const leftovers: Ended[] = [
    { id: idOf(1), ended: 25, status: 'ABORTED' },
    { id: idOf(2), ended: 30, status: 'TIMED_OUT' },
    { id: rollBackOf(3), ended: 35, status: 'FAILED', error: 'RollBackFailed', machine: 'RollBackMachine' },
    { id: rollBackOf(4), ended: 28, status: 'ABORTED', machine: 'RollBackMachine' },
  ];
  /** A failed execution among the clean ones, without a status-change event. */
  const missed: Ended = { id: idOf(5), ended: 29, status: 'FAILED', error: 'RollBackFailed' };

  beforeEach(() => {
    markIs(at(60));
    givenFailed(...leftovers, missed);
    const all = [
      ...cleanOnes.map(({ name, started, stopped }) => ({
        executionArn: `${account}:execution:Machine:${name}`,
        stateMachineArn: machines.STATE_MACHINE_ARN,
        name,
        status: 'FAILED' as const,
        startDate: new Date(started),
        stopDate: new Date(stopped),
      })),
      listed(missed),
    ].sort((a, b) => b.startDate.getTime() - a.startDate.getTime());
    stepFunctions
      .on(ListExecutionsCommand, { stateMachineArn: machines.STATE_MACHINE_ARN, statusFilter: 'FAILED' })
      .callsFake(async ({ nextToken, maxResults = 100 }: ListExecutionsCommandInput) => {
        await clock.sleep(300);
        const from = Number(nextToken ?? '0');
        const to = from + maxResults;
        return { executions: all.slice(from, to), ...(to < all.length ? { nextToken: String(to) } : {}) };
      });
    stepFunctions
      .on(DescribeExecutionCommand)
      .callsFake(async ({ executionArn }: { executionArn: string }) => {
        const id = nameIn(executionArn) ?? '';
        const one = [...leftovers, missed].find((each) => each.id === id);
        if (one === undefined)
          return execution(inputOf(PROVISIONING_ID), { status: 'FAILED', error: 'CleanEnd' });
        const { status, startDate, stopDate } = listed(one);
        const input = one.machine === 'RollBackMachine' ? rollBackInputOf(id) : inputOf(id);
        return execution(input, { status, startDate, stopDate, error: one.error });
      });
  });

  const theyAreRecorded = () =>
    dynamoDb.on(BatchGetItemCommand).callsFake(async ({ RequestItems }: BatchGetItemCommandInput) => {
      await clock.sleep(10);
      const names = (RequestItems?.[TABLE]?.Keys ?? []).map(({ id }) => id?.S ?? '');
      const items = names.flatMap((name) => {
        const stopped = stopDates.get(name);
        return stopped === undefined ? [] : [{ id: { S: name }, stopped_at: { N: String(stopped) } }];
      });
      return { Responses: { [TABLE]: items } };
    });

  it('processes the first lists in the first run, and each mark advances', async () => {
    theyAreRecorded();

    await expect(run()).resolves.toMatchObject({
      failed: CLEAN + 5,
      known_clean: CLEAN,
      started: 5,
      remaining: 0,
      high_water_mark: new Date(NOW - LAG).toISOString(),
    });
    expect(started().sort()).toEqual(
      [rollBackOf(1), rollBackOf(2), rollBackOf(3, 2), rollBackOf(4, 2), rollBackOf(5)].sort(),
    );
    expect(marks()).toEqual(allAt(NOW - LAG));
    // Clean outcomes were not described. 101 pages of them, and a page of each other list.
    expect(describedNames()).toHaveLength(5);
    expect(lists()).toHaveLength(101 + 5);
    expect(dynamoDb.commandCalls(BatchGetItemCommand)).toHaveLength(1_001);
    expect(clock.now() - NOW).toBeLessThan(timeLimits.sweepFunction * 1000);
  });

  it('advances the mark of the failed executions run by run without records', async () => {
    const sweepOnce = newSweep();

    const first = await sweepOnce();

    expect(started().sort()).toEqual(
      [rollBackOf(1), rollBackOf(2), rollBackOf(3, 2), rollBackOf(4, 2)].sort(),
    );
    expect(marks()).toEqual({ ...allAt(NOW - LAG), 'main FAILED': first.high_water_mark });
    expect(clock.now() - NOW).toBeLessThan(timeLimits.sweepFunction * 1000);

    let mark = Date.parse(first.high_water_mark);

    expect(mark).toBeGreaterThan(at(60).getTime());

    for (let n = 0; n < 3; n += 1) {
      goOn();
      const { high_water_mark } = await sweepOnce();
      expect(Date.parse(high_water_mark)).toBeGreaterThan(mark);
      mark = Date.parse(high_water_mark);
    }
    // At most the share of the sweep, for any number of executions.
    expect(describedNames().length / ((clock.now() - NOW) / 1000)).toBeLessThanOrEqual(DESCRIBES_PER_SECOND);
  });
});

describe('a clean outcome', () => {
  it('is recorded after the sweep has described it', async () => {
    givenFailed({ id: PROVISIONING_ID, ended: 20, status: 'FAILED', error: 'CleanEnd' });
    await run();

    expect(recorded()).toEqual([
      {
        id: { S: PROVISIONING_ID },
        stopped_at: { N: String(at(20).getTime()) },
        expires_at: { N: expect.any(String) },
      },
    ]);
  });

  it.each([
    ['of another run of the execution', () => ({ stopped_at: { N: String(at(30).getTime()) } })],
    ['without a time', () => ({})],
  ])('is described when the record is %s', async (_what, record) => {
    givenFailed({ id: PROVISIONING_ID, ended: 20, status: 'FAILED', error: 'RollBackFailed' });
    dynamoDb
      .on(BatchGetItemCommand)
      .resolves({ Responses: { [TABLE]: [{ id: { S: PROVISIONING_ID }, ...record() }] } });

    await expect(run()).resolves.toMatchObject({ known_clean: 0, started: 1 });
  });

  it('is described when the records cannot be read', async () => {
    givenFailed({ id: PROVISIONING_ID, ended: 20, status: 'FAILED', error: 'RollBackFailed' });
    dynamoDb.on(BatchGetItemCommand).rejects(sdkError('ThrottlingException'));

    await expect(run()).resolves.toMatchObject({ known_clean: 0, started: 1 });
  });

  it('is not recorded for aborted and timed-out executions, because StopExecution can set any error', async () => {
    givenFailed({ id: PROVISIONING_ID, ended: 20, error: 'CleanEnd' });
    dynamoDb.on(BatchGetItemCommand).resolves({
      Responses: {
        [TABLE]: [{ id: { S: PROVISIONING_ID }, stopped_at: { N: String(at(20).getTime()) } }],
      },
    });

    await expect(run()).resolves.toMatchObject({ known_clean: 0, started: 1 });
  });
});

describe('a warm execution environment', () => {
  it('does not describe a processed execution again', async () => {
    const sweepOnce = newSweep();
    givenFailed({ id: idOf(1), ended: 5 });
    await sweepOnce();

    await expect(sweepOnce()).resolves.toMatchObject({ failed: 0 });
    expect(describedNames()).toEqual([idOf(1)]);
  });

  it('describes an execution again that it could not process', async () => {
    const sweepOnce = newSweep();
    givenFailed({ id: idOf(1), ended: 5 });
    givenNotDescribable(idOf(1));
    await sweepOnce();
    givenFailed({ id: idOf(1), ended: 5 });

    await expect(sweepOnce()).resolves.toMatchObject({ failed: 1, started: 1 });
  });

  it('describes a redriven execution again after it has finished', async () => {
    const sweepOnce = newSweep();
    givenFailed({ id: idOf(1), ended: 5 });
    await sweepOnce();
    givenFailed({ id: idOf(1), ended: 1, began: 6 });

    await expect(sweepOnce()).resolves.toMatchObject({ failed: 1 });
  });

  it('distinguishes an execution from its roll-back with the same stop time', async () => {
    const sweepOnce = newSweep();
    givenFailed({ id: idOf(1), ended: 5 });
    await sweepOnce();
    givenFailed({ id: idOf(1), ended: 5 }, { id: rollBackOf(1), ended: 5, machine: 'RollBackMachine' });

    await expect(sweepOnce()).resolves.toMatchObject({ failed: 1, started: 1 });
    expect(started()).toEqual([rollBackOf(1), rollBackOf(1, 2)]);
  });
});
