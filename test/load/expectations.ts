import { EXPRESS_MAX_DELAY_SECONDS } from '../../handlers/app2/lib/creation-limiter.ts';
import { REJECTED, SUCCEEDED } from './outcomes.ts';
import { NARROWEST, scaled } from './quotas.ts';
import type { Burst } from './run.ts';

/** An expectation of a burst, the actual value, and whether it is met. */
export interface Expectation {
  description: string;
  actual: string;
  isMet: boolean;
}

/** Minimal number of calls of a provisioning, by their names at the proxy. */
const MINIMAL = {
  'cognito-idp:AdminCreateUser': 1,
  'cognito-idp:AdminSetUserPassword': 1,
  'cognito-idp:AdminAddUserToGroup': 1,
} as const;

/** Largest allowed multiple of the minimal calls, and smallest allowed part of a quota that the burst uses. */
const MAX_CALLS = 1.5;
const MIN_RATE = 0.9;

/** Admitted calls per second, from the first to the last call. */
export function rateOf(passed: readonly number[]): number {
  const [first, last] = [Math.min(...passed), Math.max(...passed)];
  return passed.length < 2 ? 0 : (passed.length - 1) / (last - first);
}

/** Longest time between two admitted calls, in seconds. */
function longestPauseOf(passed: readonly number[]): number {
  const times = [...passed].sort((a, b) => a - b);
  return Math.max(0, ...times.slice(1).map((time, n) => time - (times[n] ?? time)));
}

/** All requests without a rejected password succeed, whatever the load. */
export function allSucceed({ requests, outcomes }: Burst): Expectation {
  const valid = requests.filter(({ isRejected }) => !isRejected);
  const succeeded = valid.filter(({ id }) => outcomes.get(id) === SUCCEEDED).length;
  return {
    description: 'all succeed',
    actual: `${succeeded} of ${valid.length}`,
    isMet: succeeded === valid.length,
  };
}

/** Requests with a rejected password fail with that reason. They use no start time, so the rate of the others is met. */
function invalidAreRejected({ requests, outcomes }: Burst): Expectation[] {
  const invalid = requests.filter(({ isRejected }) => isRejected);
  if (invalid.length === 0) return [];
  const rejected = invalid.filter(({ id }) => outcomes.get(id) === REJECTED).length;
  return [
    {
      description: 'requests with a rejected password fail with that reason',
      actual: `${rejected} of ${invalid.length}`,
      isMet: rejected === invalid.length,
    },
  ];
}

/** A second caller with few creations does not wait behind the burst. */
function secondCallerStarts({ delays }: Burst): Expectation[] {
  if (delays === undefined) return [];
  const { first, second } = delays;
  return [
    {
      description: `the second caller's creations start within ${EXPRESS_MAX_DELAY_SECONDS} s`,
      actual: `${second.toFixed(1)} s; the last ones of the first caller start after ${first.toFixed(1)} s`,
      isMet: second <= EXPRESS_MAX_DELAY_SECONDS,
    },
  ];
}

/** Expectations of a burst without faults while no other client uses the account's quotas. */
export function expectationsOf(burst: Burst, scale: number): Expectation[] {
  const { requests, counted } = burst;
  const count = requests.filter(({ isRejected }) => !isRejected).length;
  const enforced = scaled(scale);
  const quotaOf = (name: string) => enforced.find((quota) => quota.name === name)?.per_second ?? 0;
  const passed = counted.quotas[NARROWEST]?.passed ?? [];
  const rate = rateOf(passed) / quotaOf(NARROWEST);
  const { passed: polls = [], refused: throttled = [] } = counted.quotas['DescribeExecution'] ?? {};
  const perSecond = rateOf(polls);
  return [
    allSucceed(burst),
    ...invalidAreRejected(burst),
    ...secondCallerStarts(burst),
    {
      description: `at least ${MIN_RATE * 100} % of the narrowest quota`,
      actual: `${(rate * 100).toFixed(1)} % of ${quotaOf(NARROWEST)} per second, the longest pause ${longestPauseOf(passed).toFixed(1)} s`,
      isMet: rate >= MIN_RATE,
    },
    ...Object.entries(MINIMAL).map(([call, minimal]) => {
      const each = (counted.made[call] ?? 0) / count;
      return {
        description: `${call}: at most ${MAX_CALLS} times the minimal number of calls`,
        actual: `${each.toFixed(2)} per provisioning, at least ${minimal}`,
        isMet: each <= MAX_CALLS * minimal,
      };
    }),
    {
      description: 'DescribeExecution is not throttled',
      actual: `${polls.length} ${polls.length === 1 ? 'call' : 'calls'}, ${perSecond.toFixed(1)} per second, ${throttled.length} throttled`,
      isMet: counted.quotas['DescribeExecution'] !== undefined && throttled.length === 0,
    },
  ];
}
