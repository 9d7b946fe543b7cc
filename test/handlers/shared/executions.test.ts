import { DescribeExecutionCommand, SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { beforeEach, expect, it, describe as topic } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import * as z from 'zod';
import { describe, executionArn, settle, startOnce } from '../../../handlers/shared/executions.ts';
import { fakeClock } from '../../support/clock.ts';
import { sdkError } from '../../support/sdk-errors.ts';
import { TRACE_ID } from '../../support/subject.ts';

const stepFunctions = mockClient(SFNClient);
const client = new SFNClient({});
const MACHINE = 'arn:aws:states:eu-central-1:111122223333:stateMachine:Machine';

beforeEach(() => {
  stepFunctions.reset();
});

it('knows the ARN of an execution by its name', () => {
  expect(executionArn(MACHINE, 'one')).toBe('arn:aws:states:eu-central-1:111122223333:execution:Machine:one');
});

topic('startOnce', () => {
  it('starts an execution under its name', async () => {
    stepFunctions.on(StartExecutionCommand).resolves({});

    await expect(startOnce(client, MACHINE, 'one', { trace_id: TRACE_ID })).resolves.toBe('started');
    expect(stepFunctions.commandCalls(StartExecutionCommand)[0]?.args[0].input).toEqual({
      stateMachineArn: MACHINE,
      name: 'one',
      input: JSON.stringify({ trace_id: TRACE_ID }),
      traceHeader: `Root=${TRACE_ID}`,
    });
  });

  it('says that there was one, and fails for every other reason', async () => {
    stepFunctions.on(StartExecutionCommand).rejects(sdkError('ExecutionAlreadyExists'));
    await expect(startOnce(client, MACHINE, 'one', {})).resolves.toBe('existed');

    stepFunctions.on(StartExecutionCommand).rejects(sdkError('ExecutionLimitExceeded'));
    await expect(startOnce(client, MACHINE, 'one', {})).rejects.toMatchObject({
      name: 'ExecutionLimitExceeded',
    });
  });
});

topic('describe', () => {
  const look = () => describe(client, MACHINE, 'one', z.object({ a: z.number() }));

  it('gives the execution with its checked input', async () => {
    stepFunctions
      .on(DescribeExecutionCommand, { executionArn: executionArn(MACHINE, 'one') })
      .resolves({ status: 'RUNNING', input: '{"a":1}' });

    await expect(look()).resolves.toMatchObject({ status: 'RUNNING', parsedInput: { a: 1 } });
  });

  it('finds nothing when there is none, and fails for every other reason', async () => {
    stepFunctions.on(DescribeExecutionCommand).rejects(sdkError('ExecutionDoesNotExist'));
    await expect(look()).resolves.toBeUndefined();

    stepFunctions.on(DescribeExecutionCommand).rejects(sdkError('AccessDeniedException'));
    await expect(look()).rejects.toMatchObject({ name: 'AccessDeniedException' });

    stepFunctions.on(DescribeExecutionCommand).resolves({ status: 'RUNNING', input: '{"a":"text"}' });
    await expect(look()).rejects.toThrow();
  });
});

topic('settle', () => {
  const running = { status: 'RUNNING' as const };
  const ended = { status: 'SUCCEEDED' as const };

  it('looks once and does not sleep when nobody waits', async () => {
    const clock = fakeClock();

    await expect(settle(async () => running, 0, clock)).resolves.toBe(running);
    expect(clock.sleeps).toEqual([]);
  });

  it('gives the end as soon as it sees it', async () => {
    const clock = fakeClock();
    const seen = [undefined, running, ended];

    await expect(settle(async () => seen.shift(), 20, clock)).resolves.toBe(ended);
    expect(clock.sleeps).toHaveLength(3);
  });

  it('takes what is wanted, running or not', async () => {
    const clock = fakeClock();
    const seen = [undefined, running, ended];

    await expect(
      settle(
        async () => seen.shift(),
        20,
        clock,
        () => true,
      ),
    ).resolves.toBe(running);
    expect(clock.sleeps).toHaveLength(2);
  });

  it('looks ever less often and not longer than asked', async () => {
    const clock = fakeClock();
    const start = clock.now();

    await expect(settle(async () => running, 20, clock)).resolves.toBe(running);
    expect(clock.now() - start).toBe(20_000);
    const pauses = clock.sleeps.slice(0, -1);
    expect(pauses).toEqual([...pauses].sort((a, b) => a - b));
    expect(clock.sleeps.length).toBeLessThan(12);
  });

  it('looks again when it is throttled, and fails for every other reason', async () => {
    const throttledOnce = [sdkError('ThrottlingException')];
    const look = async () => {
      const error = throttledOnce.shift();
      if (error !== undefined) throw error;
      return ended;
    };
    await expect(settle(look, 5, fakeClock())).resolves.toBe(ended);

    const denied = async () => {
      throw sdkError('AccessDeniedException');
    };
    await expect(settle(denied, 5, fakeClock())).rejects.toMatchObject({ name: 'AccessDeniedException' });
  });
});
