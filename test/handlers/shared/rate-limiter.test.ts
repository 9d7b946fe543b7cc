import { ConditionalCheckFailedException, DynamoDBClient, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { rateLimiter } from '../../../handlers/shared/rate-limiter.ts';
import { rateLimitTable } from '../../support/rate-limit-table.ts';
import { sdkError } from '../../support/sdk-errors.ts';

const table = rateLimitTable();
const BEGIN = 1_000_000;
let time: number;

/** A limiter of a new execution environment. */
const limiter = (over: { perSecond?: number; maxDelaySeconds?: number } = {}) =>
  rateLimiter({
    dynamoDb: new DynamoDBClient({}),
    tableName: 'rate-limits',
    name: 'creations',
    perSecond: 10,
    maxDelaySeconds: 60,
    now: () => time,
    ...over,
  });
const calls = () => table.mock.commandCalls(UpdateItemCommand).length;

beforeEach(() => {
  time = BEGIN;
  table.reset();
});

describe('a rate limiter', () => {
  it('reserves starts at equal intervals for all callers', async () => {
    const [one, other] = [limiter(), limiter()];

    expect([await one.reserve(), await other.reserve(), await one.reserve(), await other.reserve()]).toEqual([
      BEGIN,
      BEGIN + 100,
      BEGIN + 200,
      BEGIN + 300,
    ]);
  });

  it('does not accumulate unused starts', async () => {
    const one = limiter();
    await one.reserve();
    time += 60_000;

    expect(await one.reserve()).toBe(time);
    expect(await one.reserve()).toBe(time + 100);
  });

  it('never exceeds its rate, in any order of calls', async () => {
    const limiters = [limiter(), limiter(), limiter()];
    const starts: number[] = [];
    for (let n = 0; n < 300; n += 1) {
      time += (n * 7919) % 130;
      starts.push((await limiters[n % 3]?.reserve()) ?? 0);
    }

    const intervals = starts.slice(1).map((at, n) => at - (starts[n] ?? 0));

    expect(Math.min(...intervals)).toBeGreaterThanOrEqual(100);
  });

  it('reserves nothing when the next start is later than the maximum delay', async () => {
    const one = limiter({ maxDelaySeconds: 1 });

    for (let n = 0; n < 11; n += 1) expect(await one.reserve()).toBe(BEGIN + n * 100);

    expect(await one.reserve()).toBeUndefined();
    expect(await limiter({ maxDelaySeconds: 1 }).reserve()).toBeUndefined();
    expect(await one.reserve(2)).toBe(BEGIN + 1_100);
  });

  it('reserves again when the next start is within the maximum delay', async () => {
    const one = limiter({ maxDelaySeconds: 1 });
    for (let n = 0; n < 12; n += 1) await one.reserve();
    time += 300;

    expect(await one.reserve()).toBe(BEGIN + 1_100);
  });

  it('releases a start in the future', async () => {
    const one = limiter();
    await one.reserve();
    await one.reserve();
    await one.release();

    expect(await one.reserve()).toBe(BEGIN + 100);
  });

  it('releases no start in the past', async () => {
    const one = limiter();
    await one.reserve();
    await one.reserve();
    time += 60_000;

    await one.release();

    expect(table.numberOf('creations', 'next_at')).toBe(BEGIN + 200);
  });

  it('makes one call for each start, and two when a queue starts or ends', async () => {
    const one = limiter();
    for (let n = 0; n < 10; n += 1) await one.reserve();
    const queued = calls();
    time += 60_000;
    await one.reserve();

    expect([queued, calls()]).toEqual([10, 11]);
  });

  it.each([
    ['cannot be reached', sdkError('TimeoutError')],
    ['is throttled', sdkError('ProvisionedThroughputExceededException')],
    ['is gone', sdkError('ResourceNotFoundException')],
  ])('fails open when the table %s', async (_what, error) => {
    table.mock.on(UpdateItemCommand).rejects(error);

    expect(await limiter().reserve()).toBe(BEGIN);
    await expect(limiter().release()).resolves.toBeUndefined();
  });

  it('returns the present time after repeated contention', async () => {
    let n = 0;
    table.mock.on(UpdateItemCommand).callsFake(() => {
      n += 1;
      const Item = { next_at: { N: String(n % 2 === 0 ? 0 : BEGIN + 100) } };
      throw new ConditionalCheckFailedException({ message: 'overtaken', $metadata: {}, Item });
    });

    expect(await limiter().reserve()).toBe(BEGIN);
    expect(n).toBeLessThanOrEqual(6);
  });
});
