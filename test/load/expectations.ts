import { EXPRESS_MAX_DELAY_SECONDS } from '../../handlers/app2/lib/creation-limiter.ts';
import { NARROWEST, scaled } from './ceilings.ts';
import { GOOD_END, REFUSED_END } from './outcomes.ts';
import type { Burst } from './run.ts';

/** What a burst must show, what it showed, and whether that is enough. */
export interface Expectation {
  what: string;
  seen: string;
  holds: boolean;
}

/** Calls that a provisioning cannot do without, by what the proxy calls them. */
const MINIMAL = {
  'cognito-idp:AdminCreateUser': 1,
  'cognito-idp:AdminSetUserPassword': 1,
  'cognito-idp:AdminAddUserToGroup': 1,
} as const;

/** How many calls more than the minimum are a waste, and which part of a ceiling is to be used. */
const MOST_CALLS = 1.5;
const LEAST_RATE = 0.9;

/** Calls that were let through per second, from the first to the last. */
export function rateOf(passed: readonly number[]): number {
  const [first, last] = [Math.min(...passed), Math.max(...passed)];
  return passed.length < 2 ? 0 : (passed.length - 1) / (last - first);
}

/** The longest time between two calls that were let through, in seconds: where a rate was lost. */
function longestPauseOf(passed: readonly number[]): number {
  const times = [...passed].sort((a, b) => a - b);
  return Math.max(0, ...times.slice(1).map((time, n) => time - (times[n] ?? time)));
}

/** Nothing fails because others are busy, whoever they are. */
export function allSucceed({ asked, ends }: Burst): Expectation {
  const able = asked.filter(({ doomed }) => !doomed);
  const well = able.filter(({ id }) => ends.get(id) === GOOD_END).length;
  return { what: 'all succeed', seen: `${well} of ${able.length}`, holds: well === able.length };
}

/** What cannot succeed ends as such; it takes no start from the others, which their rate shows. */
function doomedAreRefused({ asked, ends }: Burst): Expectation[] {
  const doomed = asked.filter((one) => one.doomed);
  if (doomed.length === 0) return [];
  const refused = doomed.filter(({ id }) => ends.get(id) === REFUSED_END).length;
  return [
    {
      what: 'those that cannot succeed are refused by name',
      seen: `${refused} of ${doomed.length}`,
      holds: refused === doomed.length,
    },
  ];
}

/** Another caller with few creations does not wait behind the flood. */
function secondCallerStarts({ delays }: Burst): Expectation[] {
  if (delays === undefined) return [];
  const { first, second } = delays;
  return [
    {
      what: `the second caller's creations start within ${EXPRESS_MAX_DELAY_SECONDS} s`,
      seen: `${second.toFixed(1)} s, where the last of the first caller's start after ${first.toFixed(1)} s`,
      holds: second <= EXPRESS_MAX_DELAY_SECONDS,
    },
  ];
}

/** What a burst without faults must show when nothing else uses the account's quotas. */
export function expectationsOf(burst: Burst, scale: number): Expectation[] {
  const { asked, counted } = burst;
  const count = asked.filter(({ doomed }) => !doomed).length;
  const ceilings = scaled(scale);
  const ceilingOf = (name: string) => ceilings.find((one) => one.name === name)?.per_second ?? 0;
  const passed = counted.quotas[NARROWEST]?.passed ?? [];
  const rate = rateOf(passed) / ceilingOf(NARROWEST);
  const looks = counted.quotas['DescribeExecution'];
  const perSecond = rateOf(looks?.passed ?? []);
  return [
    allSucceed(burst),
    ...doomedAreRefused(burst),
    ...secondCallerStarts(burst),
    {
      what: `at ${LEAST_RATE * 100} % of the narrowest ceiling or more`,
      seen: `${(rate * 100).toFixed(1)} % of ${ceilingOf(NARROWEST)} per second, the longest pause ${longestPauseOf(passed).toFixed(1)} s`,
      holds: rate >= LEAST_RATE,
    },
    ...Object.entries(MINIMAL).map(([call, minimal]) => {
      const each = (counted.made[call] ?? 0) / count;
      return {
        what: `${call}: at most ${MOST_CALLS} times the minimal number of calls`,
        seen: `${each.toFixed(2)} per provisioning, at least ${minimal}`,
        holds: each <= MOST_CALLS * minimal,
      };
    }),
    {
      what: 'DescribeExecution is not throttled',
      seen: `${looks?.passed.length ?? 0} looks, ${perSecond.toFixed(1)} per second, ${looks?.refused.length ?? 0} refused`,
      holds: looks?.refused.length === 0,
    },
  ];
}
