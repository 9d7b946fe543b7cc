import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { timeLimits } from '../../../../contracts/time-limits.ts';
import {
  CALLER_SHARE,
  creationLimiter,
  EXPRESS_MAX_DELAY_SECONDS,
} from '../../../../handlers/app2/lib/creation-limiter.ts';
import {
  DEFAULT_CREATIONS_PER_SECOND,
  expressCreationsPerSecond,
  GROUP_CHANGES_PER_SECOND,
} from '../../../../infra/settings.ts';
import { rateLimitTable } from '../../../support/rate-limit-table.ts';
import { sdkError } from '../../../support/sdk-errors.ts';

const table = rateLimitTable();
const RATE = DEFAULT_CREATIONS_PER_SECOND;
const EXPRESS = expressCreationsPerSecond(RATE);
/** Largest share of the queue for one caller, in seconds of the full rate. */
const SHARE_SECONDS = timeLimits.longestQueue * CALLER_SHARE;
const BEGIN = Date.parse('2026-01-01T00:00:00Z');
let time: number;

/** A limiter of a new execution environment. */
const limiter = (creationsPerSecond: number = RATE) =>
  creationLimiter({
    dynamoDb: new DynamoDBClient({}),
    environment: {
      SERVICE: 'payments',
      RATE_LIMITS_TABLE: 'rate-limits',
      CREATIONS_PER_SECOND: creationsPerSecond,
      EXPRESS_CREATIONS_PER_SECOND: expressCreationsPerSecond(creationsPerSecond),
    },
    now: () => time,
  });
const functions = [limiter(), limiter(), limiter()];
let requests = 0;
const reserve = (caller: string, id = `creation-${requests}`) => {
  requests += 1;
  return (functions[requests % functions.length] ?? limiter()).reserve({ id, caller });
};
/** Delays in seconds of concurrent requests of a caller. */
const delays = async (caller: string, count: number): Promise<number[]> => {
  const starts = await Promise.all(Array.from({ length: count }, () => reserve(caller)));
  return starts.map((start) => (start - time) / 1000);
};
/** Lets a caller hold a queue of the given seconds, as if it had made each reservation. */
function flood(caller: string, seconds: number): void {
  const from = Math.max(time, table.numberOf('creations', 'next_at') ?? 0);
  const starts = Array.from({ length: Math.floor(seconds * RATE) }, (_, n) => from + (n * 1000) / RATE);
  const counts: Record<string, number> = {};
  for (const start of starts) {
    const period = `period_${Math.floor(start / 10_000)}`;
    counts[period] = (counts[period] ?? 0) + 1;
  }
  const before = table.items.get(`caller:${caller}`) ?? {};
  table.items.set('creations', { name: { S: 'creations' }, next_at: { N: String(from + seconds * 1000) } });
  table.items.set(`caller:${caller}`, {
    ...before,
    ...Object.fromEntries(Object.entries(counts).map(([period, count]) => [period, { N: String(count) }])),
  });
}

/** Length of the queue in seconds. */
const queueLength = () => ((table.numberOf('creations', 'next_at') ?? time) - time) / 1000;

beforeEach(() => {
  time = BEGIN;
  requests = 0;
  table.reset();
});

describe('the creation limiter, without a queue', () => {
  it('makes one write for each creation, and stores no item for it', async () => {
    for (let n = 0; n < 20; n += 1) {
      time += 200;
      expect(await reserve('one')).toBe(time);
    }

    expect([...table.items.keys()]).toEqual(['creations']);
    // Each execution environment reads the state of the others once.
    expect(table.mock.calls().length).toBeLessThanOrEqual(20 + functions.length);
  });

  it('fails open while the table is not available', async () => {
    table.mock.rejects(sdkError('TimeoutError'));

    expect(await reserve('one')).toBe(time);
    expect(await limiter().estimate('one')).toBe(time);
    await expect(limiter().release('creation-0')).resolves.toBeUndefined();
  });
});

describe('the creation limiter, with a queue', () => {
  it('starts the creations of a single caller at the full rate', async () => {
    await delays('flood', 300);

    expect(queueLength()).toBeLessThanOrEqual(300 / RATE);
    expect(queueLength()).toBeGreaterThan(0.9 * (300 / RATE));
  });

  it('delays another caller by at most 2 s beside a burst below its share of the queue', async () => {
    flood('flood', 0.9 * SHARE_SECONDS);

    const others: number[] = [];
    for (let n = 0; n < 40; n += 1) {
      others.push(...(await delays('other', 1)));
      flood('flood', 1);
      time += 1_000;
    }

    expect(queueLength()).toBeGreaterThan(0.8 * SHARE_SECONDS);
    expect(Math.max(...others)).toBeLessThanOrEqual(EXPRESS_MAX_DELAY_SECONDS);
  });

  it('delays another caller with few creations by at most 2 s during the burst', async () => {
    const [flooding, other] = await Promise.all([delays('flood', 200), delays('other', 8)]);

    expect(Math.max(...other)).toBeLessThanOrEqual(EXPRESS_MAX_DELAY_SECONDS);
    expect(Math.max(...flooding)).toBeGreaterThan(7);
  });

  it('starts no more creations in total than the quota allows', async () => {
    const starts: number[] = [];
    for (let second = 0; second < 20; second += 1) {
      for (const caller of ['a', 'b', 'c'])
        for (const delay of await delays(caller, 12)) starts.push(time + delay * 1000);
      time += 1_000;
    }

    // The advance of the express rate is used once; AddToGroup spreads the calls.
    const advance = 22 * EXPRESS + RATE;
    const within = starts.filter((start) => start < BEGIN + 20_000).length;

    expect(within).toBeLessThanOrEqual(20 * GROUP_CHANGES_PER_SECOND + advance);
    expect(RATE + EXPRESS).toBeLessThan(GROUP_CHANGES_PER_SECOND);
  });

  it('defers a caller that holds a quarter of the queue, and no other caller', async () => {
    flood('flood', SHARE_SECONDS);

    await expect(reserve('flood')).rejects.toMatchObject({ name: 'CreationDeferred' });

    expect(await limiter().estimate('flood')).toBeUndefined();
    expect(await limiter().estimate('other')).toBe(time);
    expect(await reserve('other')).toBe(time);
  });

  it('does not queue a creation that it defers', async () => {
    flood('flood', SHARE_SECONDS);
    const length = queueLength();

    await expect(reserve('flood')).rejects.toMatchObject({ name: 'CreationDeferred' });

    expect(queueLength()).toBe(length);
  });

  it('does not count started creations for the share of a caller', async () => {
    flood('flood', SHARE_SECONDS);
    time += 30_000;

    await expect(reserve('flood')).resolves.toBeGreaterThan(time);
  });

  it('counts before the decision, so that concurrent requests hold at most the share', async () => {
    flood('flood', SHARE_SECONDS - 1);
    const outcomes = await Promise.allSettled(Array.from({ length: 60 }, () => reserve('flood')));

    const accepted = outcomes.filter(({ status }) => status === 'fulfilled').length;

    expect(accepted).toBeLessThanOrEqual(RATE + 1);
    expect(heldBy('flood')).toBeLessThanOrEqual(SHARE_SECONDS * RATE);
  });

  it('defers every caller when the queue is full', async () => {
    for (const caller of ['a', 'b', 'c', 'd', 'e']) flood(caller, timeLimits.longestQueue / 5 + 1);

    const outcomes = await Promise.allSettled(Array.from({ length: 60 }, () => reserve('other')));

    expect(outcomes.at(-1)).toMatchObject({ reason: { name: 'CreationDeferred' } });
    expect(await limiter().estimate('other')).toBeUndefined();
  });

  it('returns the same start for the same creation', async () => {
    flood('flood', 10);
    const first = await reserve('flood', 'mine');
    time += 1_000;
    const before = queueLength();

    expect(await reserve('flood', 'mine')).toBe(first);
    expect(await reserve('flood', 'mine')).toBe(first);
    expect(queueLength()).toBe(before);
  });

  it('releases a start once, in the queue and in the count of its caller', async () => {
    flood('flood', 10);
    const [length, held] = [queueLength(), heldBy('flood')];
    await reserve('flood', 'mine');

    for (let n = 0; n < 3; n += 1) await limiter().release('mine');

    expect(queueLength()).toBeCloseTo(length);
    expect(heldBy('flood')).toBe(held);
  });

  it('releases nothing for a creation without a reservation', async () => {
    flood('flood', 10);
    const length = queueLength();

    await limiter().release('never reserved');

    expect(queueLength()).toBeCloseTo(length);
  });

  it('releases nothing of a started creation', async () => {
    flood('flood', 10);
    const start = await reserve('flood', 'mine');
    flood('flood', 10);
    time = start + 1;
    const length = queueLength();

    await limiter().release('mine');

    expect(queueLength()).toBe(length);
  });

  it('removes past periods, and sets an expiry on every item', async () => {
    for (let n = 0; n < 10; n += 1) {
      flood('flood', 200);
      await reserve('flood');
      time += 200_000;
    }

    const periods = Object.keys(table.items.get('caller:flood') ?? {}).filter((name) => /^period/.test(name));
    const reservation = [...table.items].find(([name]) => name.startsWith('reservation:payments:'))?.[1];

    expect(periods.length).toBeLessThan(60);
    expect(Number(table.items.get('caller:flood')?.['expires_at']?.N)).toBeGreaterThan(time / 1000 - 1_000);
    expect(Number(reservation?.['expires_at']?.N)).toBeGreaterThan(BEGIN / 1000);
  });

  it('has no express rate when the quota has no remainder', async () => {
    const full = limiter(GROUP_CHANGES_PER_SECOND);
    const starts = await Promise.all(
      Array.from({ length: 100 }, (_, n) => full.reserve({ id: `full-${n}`, caller: 'one' })),
    );

    expect(Math.max(...starts) - time).toBeCloseTo((99 / GROUP_CHANGES_PER_SECOND) * 1000);
    expect(table.items.has('express-creations')).toBe(false);
  });
});

/** Number of a caller's queued creations in its item. */
const heldBy = (caller: string): number =>
  Object.entries(table.items.get(`caller:${caller}`) ?? {})
    .filter(([name]) => name.startsWith('period_'))
    .reduce((sum, [, value]) => sum + Number(value.N), 0);
