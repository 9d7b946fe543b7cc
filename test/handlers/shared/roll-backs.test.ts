import { DescribeExecutionCommand, SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { userCreationInput } from '../../../contracts/executions.ts';
import { rollBackName } from '../../../handlers/shared/roll-back-names.ts';
import {
  currentStatus,
  latestRollBack,
  presenceAfterRollBack,
  rollBackInputOf,
  startRollBack,
} from '../../../handlers/shared/roll-backs.ts';
import { execution, failedAs, notFound, STARTED } from '../../support/executions.ts';
import { sdkError } from '../../support/sdk-errors.ts';
import {
  ENCRYPTED,
  OTHER_CREATION_ID,
  PROVISIONING_ID,
  ROLL_BACK,
  subject,
  TRACE_ID,
} from '../../support/subject.ts';

const stepFunctions = mockClient(SFNClient);
const account = 'arn:aws:states:eu-central-1:111122223333';
const workflows = {
  stepFunctions: new SFNClient({}),
  machines: {
    STATE_MACHINE_ARN: `${account}:stateMachine:Machine`,
    ROLL_BACK_STATE_MACHINE_ARN: `${account}:stateMachine:RollBackMachine`,
  },
  inputSchema: userCreationInput,
  cleanOutcomes: ['CleanEnd'],
};
const of = { ...subject, owner: 'machine' };
const input = { ...of, had_succeeded: false, failure: { step: 'Execution', error: 'Cancelled' } };

type Seen = Parameters<typeof execution>[1];
const failed: Seen = failedAs('RollBackFailed', 'DeleteUser', 'StepFailed');

/** The existing attempts, the first one first. */
const attemptsAre = (...attempts: Seen[]) => attemptsOf(subject, ...attempts);

function attemptsOf(generation: typeof subject, ...attempts: Seen[]) {
  for (const [index, seen] of attempts.entries())
    stepFunctions
      .on(DescribeExecutionCommand, {
        executionArn: `${account}:execution:RollBackMachine:${rollBackName(generation, index + 1)}`,
      })
      .resolves(execution({ ...input, ...generation }, seen));
}

/** A number of failed attempts. */
const failedAttempts = (count: number): Seen[] => Array.from({ length: count }, () => failed);

const latest = async () => await latestRollBack(workflows, subject);
const describeCalls = () => stepFunctions.commandCalls(DescribeExecutionCommand).length;

beforeEach(() => {
  stepFunctions.reset();
  stepFunctions.on(DescribeExecutionCommand).rejects(notFound());
  stepFunctions.on(StartExecutionCommand).resolves({});
});

describe('startRollBack', () => {
  it('starts the first attempt with the name of provisioning and generation', async () => {
    await expect(startRollBack(workflows, input)).resolves.toBe('started');
    const [start] = stepFunctions.commandCalls(StartExecutionCommand).map(({ args }) => args[0].input);
    expect(start).toMatchObject({
      stateMachineArn: workflows.machines.ROLL_BACK_STATE_MACHINE_ARN,
      name: `${ROLL_BACK}.1`,
    });
    expect(JSON.parse(start?.input ?? '')).toEqual(input);
  });

  it('does not start an existing one again', async () => {
    stepFunctions.on(StartExecutionCommand).rejects(sdkError('ExecutionAlreadyExists'));

    await expect(startRollBack(workflows, input)).resolves.toBe('existed');
    expect(stepFunctions.commandCalls(StartExecutionCommand)).toHaveLength(1);
  });
});

/** A description of an execution. */
const seen = (as: Seen, parsedInput: Parameters<typeof rollBackInputOf>[0]['parsedInput'] = of) => ({
  executionArn: 'execution',
  stateMachineArn: 'machine',
  startDate: STARTED,
  status: 'SUCCEEDED' as const,
  ...as,
  parsedInput,
});

describe('rollBackInputOf', () => {
  const origin = { causation_id: 'request:of-the-removal', trace_id: TRACE_ID };

  it('copies the subject of the execution, without the ciphertext', () => {
    const creation = { ...of, encrypted_password: ENCRYPTED };

    expect(rollBackInputOf(seen({ status: 'RUNNING' }, creation), origin)).toEqual({ ...input, ...origin });
  });

  it.each([
    [{ status: 'SUCCEEDED' }, true, { step: 'Execution', error: 'Cancelled' }],
    [{ status: 'TIMED_OUT' }, false, { step: 'Execution', error: 'ExecutionTimedOut' }],
    [
      failedAs('RollBackFailed', 'SetPassword', 'UserNotFound'),
      false,
      { step: 'SetPassword', error: 'UserNotFound' },
    ],
  ] as const)('contains the outcome of the execution: %j', (as, had_succeeded, failure) => {
    expect(rollBackInputOf(seen(as), origin)).toMatchObject({ had_succeeded, failure });
  });

  it('is undefined for a cancellation', () => {
    const { provisioning_id, creation_id } = subject;
    const cancelled = { provisioning_id, creation_id, owner: 'machine' };

    expect(rollBackInputOf(seen({ status: 'FAILED' }, cancelled), origin)).toBeUndefined();
  });
});

describe('latestRollBack', () => {
  it('is undefined without a first attempt', async () => {
    await expect(latest()).resolves.toBeUndefined();
    expect(describeCalls()).toBe(1);
  });

  it.each(['RUNNING', 'SUCCEEDED'] as const)(
    'is the first attempt while it is %s, after one call',
    async (status) => {
      attemptsAre({ status });

      await expect(latest()).resolves.toMatchObject({ status, parsedInput: input });
      expect(describeCalls()).toBe(1);
    },
  );

  it.each([1, 2, 3, 4, 5, 6, 7, 8, 9, 31, 32, 33])('is the last one of %i failed attempts', async (count) => {
    attemptsAre(...failedAttempts(count - 1), { ...failed, name: 'last' });

    await expect(latest()).resolves.toMatchObject({ name: 'last' });
  });

  it.each(
    [2, 3, 4, 5, 6, 7, 20].flatMap((count) =>
      (['RUNNING', 'SUCCEEDED'] as const).map((status) => [count, status] as const),
    ),
  )('is attempt %i, which is %s, after all others failed', async (count, status) => {
    attemptsAre(...failedAttempts(count - 1), { status });

    await expect(latest()).resolves.toMatchObject({ status });
  });

  it.each(['ABORTED', 'TIMED_OUT'] as const)('continues after an attempt that was %s', async (status) => {
    attemptsAre({ status }, { status: 'SUCCEEDED' });

    await expect(latest()).resolves.toMatchObject({ status: 'SUCCEEDED' });
  });

  it('is found with few calls among the attempts of a day, one every five minutes', async () => {
    attemptsAre(...failedAttempts(287), { status: 'RUNNING' });

    await expect(latest()).resolves.toMatchObject({ status: 'RUNNING' });
    expect(describeCalls()).toBeLessThan(20);
  });

  it('fails when DescribeExecution fails', async () => {
    stepFunctions.on(DescribeExecutionCommand).rejects(sdkError('ThrottlingException'));

    await expect(latest()).rejects.toMatchObject({ name: 'ThrottlingException' });
  });
});

describe('currentStatus', () => {
  const statusAfter = (as: Seen) => currentStatus(workflows, seen(as));

  it.each([
    ['CleanEnd', failedAs('CleanEnd', 'SetPassword', 'PasswordRejected'), 'absent'],
    ['RUNNING', { status: 'RUNNING' }, 'unknown'],
  ] as const)('reads no roll-back when none is needed: %s', async (_what, as, user) => {
    await expect(statusAfter(as)).resolves.toMatchObject({ user });
    expect(describeCalls()).toBe(0);
  });

  it('reports the user of a cancellation as unknown, without reading a roll-back', async () => {
    const cancelled = {
      provisioning_id: PROVISIONING_ID,
      creation_id: 'c',
      owner: 'o',
      cancelled: true,
    } as const;
    const as = failedAs('CleanEnd', 'DecryptCredentials', 'Cancelled');

    await expect(currentStatus(workflows, seen(as, cancelled))).resolves.toMatchObject({ user: 'unknown' });
    expect(describeCalls()).toBe(0);
  });

  it('ignores the roll-backs of an earlier generation', async () => {
    attemptsOf({ ...subject, creation_id: OTHER_CREATION_ID }, { status: 'SUCCEEDED' });

    await expect(statusAfter({ status: 'SUCCEEDED' })).resolves.toMatchObject({ user: 'present' });
  });

  it('is that of the execution without a roll-back', async () => {
    await expect(statusAfter({ status: 'SUCCEEDED' })).resolves.toMatchObject({ user: 'present' });
    await expect(statusAfter({ status: 'ABORTED' })).resolves.toMatchObject({ user: 'being_removed' });
  });

  it('reports the user as absent when a later attempt of the roll-back succeeded', async () => {
    attemptsAre(failed, failed, { status: 'SUCCEEDED' });

    await expect(statusAfter({ status: 'ABORTED' })).resolves.toMatchObject({
      status: 'ABORTED',
      user: 'absent',
      error: { code: 'ABORTED' },
    });
  });

  it('reports the user as being_removed while all attempts have failed', async () => {
    attemptsAre(failed, failed);

    await expect(statusAfter({ status: 'SUCCEEDED' })).resolves.toMatchObject({ user: 'being_removed' });
  });
});

describe('presenceAfterRollBack', () => {
  it.each([
    ['RUNNING', undefined, 'being_removed'],
    ['SUCCEEDED', undefined, 'absent'],
    ['FAILED', 'RollBackFailed', 'being_removed'],
    ['FAILED', 'OutcomeNotPublished', 'absent'],
    ['ABORTED', 'OutcomeNotPublished', 'being_removed'],
    ['TIMED_OUT', undefined, 'being_removed'],
  ] as const)('of a roll-back that is %s with error %s is %s', (status, error, user) => {
    const rollBack = {
      executionArn: 'execution',
      stateMachineArn: 'machine',
      startDate: STARTED,
      parsedInput: input,
      status,
      error,
    };

    expect(presenceAfterRollBack(rollBack)).toBe(user);
  });
});
