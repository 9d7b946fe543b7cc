import { DescribeExecutionCommand, SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { beforeEach, expect, it, describe as topic } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import * as z from 'zod';
import { MAX_WAIT_SECONDS } from '../../../contracts/headers.ts';
import {
  bestEffort,
  describe,
  executionArn,
  POLL_PAUSES,
  pollUntilFinished,
  startOnce,
} from '../../../handlers/shared/executions.ts';
import { RequestProblem } from '../../../handlers/shared/problem.ts';
import { fakeClock } from '../../support/clock.ts';
import { expectNoLeak, watchLog } from '../../support/leaks.ts';
import { sdkError } from '../../support/sdk-errors.ts';
import { INTAKE_CIPHERTEXT, TRACE_ID } from '../../support/subject.ts';

const stepFunctions = mockClient(SFNClient);
const client = new SFNClient({});
const log = watchLog();
const MACHINE = 'arn:aws:states:eu-central-1:111122223333:stateMachine:Machine';

beforeEach(() => {
  stepFunctions.reset();
});

it('derives the ARN of an execution from its name', () => {
  expect(executionArn(MACHINE, 'one')).toBe('arn:aws:states:eu-central-1:111122223333:execution:Machine:one');
});

topic('startOnce', () => {
  it('starts an execution with its name', async () => {
    stepFunctions.on(StartExecutionCommand).resolves({});

    await expect(startOnce(client, MACHINE, 'one', { trace_id: TRACE_ID })).resolves.toBe('started');
    expect(stepFunctions.commandCalls(StartExecutionCommand)[0]?.args[0].input).toEqual({
      stateMachineArn: MACHINE,
      name: 'one',
      input: JSON.stringify({ trace_id: TRACE_ID }),
      traceHeader: `Root=${TRACE_ID}`,
    });
  });

  it('returns existed for a used name', async () => {
    stepFunctions.on(StartExecutionCommand).rejects(sdkError('ExecutionAlreadyExists'));

    await expect(startOnce(client, MACHINE, 'one', {})).resolves.toBe('existed');
  });

  it('throws every error but that of a used name', async () => {
    stepFunctions.on(StartExecutionCommand).rejects(sdkError('ExecutionLimitExceeded'));

    await expect(startOnce(client, MACHINE, 'one', {})).rejects.toMatchObject({
      name: 'ExecutionLimitExceeded',
    });
  });
});

topic('describe', () => {
  const poll = () => describe(client, MACHINE, 'one', z.object({ a: z.number() }));

  it('returns the execution with its parsed input', async () => {
    stepFunctions
      .on(DescribeExecutionCommand, { executionArn: executionArn(MACHINE, 'one') })
      .resolves({ status: 'RUNNING', input: '{"a":1}' });

    await expect(poll()).resolves.toMatchObject({ status: 'RUNNING', parsedInput: { a: 1 } });
  });

  it('returns undefined for an unknown execution', async () => {
    stepFunctions.on(DescribeExecutionCommand).rejects(sdkError('ExecutionDoesNotExist'));

    await expect(poll()).resolves.toBeUndefined();
  });

  it('throws every error but that of an unknown execution', async () => {
    stepFunctions.on(DescribeExecutionCommand).rejects(sdkError('AccessDeniedException'));

    await expect(poll()).rejects.toMatchObject({ name: 'AccessDeniedException' });
  });

  it('throws when the input does not match its schema', async () => {
    stepFunctions.on(DescribeExecutionCommand).resolves({ status: 'RUNNING', input: '{"a":"text"}' });

    await expect(poll()).rejects.toThrow();
  });
});

topic('pollUntilFinished', () => {
  const running = { status: 'RUNNING' as const };
  const finished = { status: 'SUCCEEDED' as const };
  /** Times of the polls of a wait, in seconds after its start. */
  const pollsWithin = async (
    waitSeconds: number,
    poll = async (): Promise<typeof running | undefined> => running,
  ) => {
    const clock = fakeClock();
    const startedAt = clock.now();
    const polls: number[] = [];
    const latest = await pollUntilFinished(
      async () => {
        polls.push((clock.now() - startedAt) / 1000);
        return poll();
      },
      waitSeconds,
      clock,
    );
    return { polls, latest };
  };

  it('polls once without a wait', async () => {
    expect(await pollsWithin(0)).toEqual({ polls: [0], latest: running });
  });

  it('returns the outcome at the first poll that reports it', async () => {
    const clock = fakeClock();
    const latest = [undefined, running, finished];

    await expect(pollUntilFinished(async () => latest.shift(), 20, clock)).resolves.toBe(finished);
    expect(clock.sleeps).toHaveLength(3);
  });

  it.each([
    [1, [0.05, 0.6, 1]],
    [5, [0.05, 0.6, 1.5, 3.5, 5]],
    [10, [0.05, 0.6, 1.5, 3.5, 8, 10]],
    [MAX_WAIT_SECONDS, [0.05, 0.6, 1.5, 3.5, 8, 20]],
  ])('polls with growing delays within %d seconds, and once at the end', async (wait, expected) => {
    expect(await pollsWithin(wait)).toEqual({ polls: expected, latest: running });
  });

  it('polls at most six times', async () => {
    for (let wait = 0; wait <= MAX_WAIT_SECONDS; wait += 1)
      expect((await pollsWithin(wait)).polls.length).toBeLessThanOrEqual(6);
    expect(POLL_PAUSES.reduce<number>((sum, pause) => sum + pause, 0)).toBe(MAX_WAIT_SECONDS);
  });

  it.each([
    ['throttled', sdkError('ThrottlingException')],
    ['unavailable', sdkError('InternalServiceError', { status: 500 })],
    ['without an response', sdkError('TimeoutError')],
  ])('skips a poll that is %s, also the last one', async (_what, error) => {
    const fails = [false, true, true];
    const latest = await pollsWithin(1, async () => {
      if (fails.shift()) throw error;
      return running;
    });

    expect(latest).toEqual({ polls: [0.05, 0.6, 1], latest: running });
    await expect(pollUntilFinished(() => Promise.reject(error), 0, fakeClock())).resolves.toBeUndefined();
  });

  it("returns the latest result when the caller's rate is used up, and throws without a result", async () => {
    const clock = fakeClock();
    const share = [running];
    const poll = async () => {
      const latest = share.shift();
      if (latest === undefined) throw new RequestProblem('THROTTLED');
      return latest;
    };

    await expect(pollUntilFinished(poll, 20, clock)).resolves.toBe(running);
    expect(clock.sleeps).toEqual([50, 550]);
    await expect(pollUntilFinished(poll, 20, clock)).rejects.toMatchObject({ code: 'THROTTLED' });
  });

  it('polls again after throttling', async () => {
    const throttledOnce = [sdkError('ThrottlingException')];
    const poll = async () => {
      const error = throttledOnce.shift();
      if (error !== undefined) throw error;
      return finished;
    };

    await expect(pollUntilFinished(poll, 5, fakeClock())).resolves.toBe(finished);
  });

  it('throws every error but throttling', async () => {
    const denied = async () => {
      throw sdkError('AccessDeniedException');
    };

    await expect(pollUntilFinished(denied, 5, fakeClock())).rejects.toMatchObject({
      name: 'AccessDeniedException',
    });
  });
});

topic('bestEffort', () => {
  it('returns the result, or undefined with a log line', async () => {
    await expect(bestEffort(async () => 'there')).resolves.toBe('there');
    await expect(
      bestEffort(() => Promise.reject(sdkError('AccessDeniedException', { message: INTAKE_CIPHERTEXT }))),
    ).resolves.toBeUndefined();
    expect(log()).toContain('AccessDeniedException');
    expectNoLeak(INTAKE_CIPHERTEXT, log());
  });
});
