import { DynamoDBClient, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { DescribeExecutionCommand, SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { describeExecutionQuota } from '../../../../contracts/quotas.ts';
import { callerLimits } from '../../../../handlers/app1/lib/caller-limits.ts';
import { fakeClock } from '../../../support/clock.ts';
import { watchLog } from '../../../support/leaks.ts';
import { rateLimitTable } from '../../../support/rate-limit-table.ts';
import { sdkError } from '../../../support/sdk-errors.ts';

const stepFunctions = mockClient(SFNClient);
const table = rateLimitTable();
const log = watchLog();
const { shares, perSecond, perCaller, bucketSize } = describeExecutionQuota;
const TOGETHER = perSecond * shares.callers;

let clock: ReturnType<typeof fakeClock>;
let limits: ReturnType<typeof callerLimits>;
const newLimits = (over = {}) =>
  callerLimits({
    stepFunctions: new SFNClient({}),
    dynamoDb: new DynamoDBClient({}),
    environment: {
      RATE_LIMITS_TABLE: 'app1-rate-limits',
      DESCRIBES_PER_SECOND: TOGETHER,
      DESCRIBES_PER_SECOND_AND_CALLER: perCaller,
      ...over,
    },
    now: clock.now,
  });

const describeExecution = (caller: string) =>
  limits.stepFunctions(caller).send(new DescribeExecutionCommand({ executionArn: 'arn' }));
/** Whether a DescribeExecution call of the caller is admitted. */
const isAdmitted = async (caller: string): Promise<boolean> => {
  try {
    await describeExecution(caller);
    return true;
  } catch (error) {
    expect(error).toMatchObject({ name: 'RequestProblem', code: 'THROTTLED' });
    return false;
  }
};
/** Number of calls of the caller that are admitted at once. */
async function burstOf(caller: string): Promise<number> {
  for (let admitted = 0; ; admitted += 1) if (!(await isAdmitted(caller))) return admitted;
}

beforeEach(() => {
  clock = fakeClock();
  table.reset();
  stepFunctions.reset();
  stepFunctions.on(DescribeExecutionCommand).resolves({ status: 'RUNNING' });
  stepFunctions.on(StartExecutionCommand).resolves({});
  limits = newLimits();
});

describe('the limits of callers', () => {
  it('admit a caller and return the response of Step Functions', async () => {
    await expect(describeExecution('one')).resolves.toMatchObject({ status: 'RUNNING' });
  });

  it('count nothing but DescribeExecution: a POST makes no other call', async () => {
    await limits.stepFunctions('one').send(new StartExecutionCommand({ stateMachineArn: 'arn' }));

    expect(table.mock.commandCalls(UpdateItemCommand)).toHaveLength(0);
  });

  it('admit five DescribeExecution calls per second and caller, and a burst of ten seconds', async () => {
    expect(await burstOf('one')).toBe(10 * perCaller + 1);

    let admitted = 0;
    for (let tenths = 0; tenths < 600; tenths += 1) {
      await clock.sleep(100);
      if (await isAdmitted('one')) admitted += 1;
    }

    expect(admitted / 60).toBeLessThanOrEqual(perCaller);
    expect(admitted / 60).toBeGreaterThan(perCaller - 0.2);
  });

  it('admit no more calls of all callers than their share, for any number of callers', async () => {
    const SECONDS = 60;
    const callers = Array.from({ length: 5 }, (_, n) => `caller ${n}`);
    let admitted = 0;
    for (let second = 0; second < SECONDS; second += 1) {
      for (const caller of callers)
        for (let n = 0; n < perCaller; n += 1) if (await isAdmitted(caller)) admitted += 1;
      await clock.sleep(1_000);
    }

    const burst = bucketSize * shares.callers;

    expect(callers.length * perCaller * SECONDS).toBeGreaterThan(3 * (burst + SECONDS * TOGETHER));
    expect(admitted).toBeLessThanOrEqual(burst + SECONDS * TOGETHER + 1);
  });

  it('admit a caller with few calls beside a caller that uses up its rate', async () => {
    let refused = 0;
    for (let seconds = 0; seconds < 200; seconds += 1) {
      for (let n = 0; n < 2 * perCaller; n += 1) await isAdmitted('greedy');
      if (!(await isAdmitted('modest'))) refused += 1;
      await clock.sleep(1_000);
    }

    expect(refused).toBe(0);
  });

  it('are shared by all execution environments', async () => {
    await burstOf('one');
    limits = newLimits();

    expect(await isAdmitted('one')).toBe(false);
    expect(await isAdmitted('another')).toBe(true);
  });

  it('count calls of another function on behalf of the caller', async () => {
    await limits.count('one', 10 * perCaller);

    expect(await burstOf('one')).toBe(1);
    await expect(limits.count('one', 3)).rejects.toMatchObject({ code: 'THROTTLED' });
  });

  it('fail open while the table is not available', async () => {
    table.mock.on(UpdateItemCommand).rejects(sdkError('TimeoutError'));

    for (let n = 0; n < 300; n += 1) expect(await isAdmitted('one')).toBe(true);
    expect(log()).toContain('Rate limiter not available');
  });
});
