import { describe, expect, it } from '@jest/globals';
import { ceilings, NARROWEST, scaled } from './ceilings.ts';
import { expectationsOf } from './expectations.ts';
import { GOOD_END, REFUSED_END } from './outcomes.ts';
import type { Burst } from './run.ts';

const PART = 0.2;
/** Ten users, let through with equal pauses at so much of the narrowest ceiling's part; 25 per second at AWS. */
function burst(
  rate: number,
  changes: Partial<Burst['counted']['made']> = {},
  refusedLooks: number[] = [],
): Burst {
  const asked = Array.from({ length: 10 }, (_, n) => ({
    id: `p-${n}`,
    username: `user-${n}`,
    password: '',
    human_user_id: 'h-1',
    doomed: false,
  }));
  return {
    asked,
    begun: new Date(0),
    ends: new Map(asked.map(({ id }) => [id, GOOD_END])),
    seconds: 10,
    longestPost: 1,
    estimated: true,
    failures: [],
    counted: {
      made: {
        'cognito-idp:AdminCreateUser': 10,
        'cognito-idp:AdminSetUserPassword': 10,
        'cognito-idp:AdminAddUserToGroup': 10,
        ...changes,
      },
      quotas: {
        [NARROWEST]: { passed: asked.map((_, n) => n / (25 * PART * rate)), refused: [] },
        DescribeExecution: { passed: [1], refused: refusedLooks },
      },
    },
  };
}
const broken = (of: Burst) => expectationsOf(of, PART).filter(({ holds }) => !holds);

describe('a burst', () => {
  it('meets every expectation at the rate of the narrowest ceiling', () => {
    expect(broken(burst(1))).toEqual([]);
    expect(broken(burst(0.91))).toEqual([]);
  });

  it('says which rate was seen, and where it was lost', () => {
    const slow = burst(1);
    slow.counted.quotas[NARROWEST]?.passed.push(5.8);
    expect(broken(slow)).toEqual([
      {
        what: expect.stringMatching('90 %'),
        seen: '34.5 % of 5 per second, the longest pause 4.0 s',
        holds: false,
      },
    ]);
  });

  it('fails by a provisioning with another outcome, by wasted calls and by throttled polls', () => {
    const failed = burst(1, { 'cognito-idp:AdminSetUserPassword': 16 }, [2]);
    failed.ends.set('p-3', 'ServiceUserProvisioningFailed: TimedOut at RequestUserCreation');
    expect(broken(failed).map(({ seen }) => seen)).toEqual([
      '9 of 10',
      '1.60 per provisioning, at least 1',
      '1 looks, 0.0 per second, 1 refused',
    ]);
  });
});

describe('a burst of which a part cannot succeed', () => {
  /** Of twelve, two cannot succeed; they ended so. */
  const withDoomed = (end: string): Burst => {
    const all = burst(1);
    for (const id of ['d-1', 'd-2']) {
      all.asked.push({ id, username: id, password: '', human_user_id: 'h-1', doomed: true });
      all.ends.set(id, end);
    }
    return all;
  };

  it('meets every expectation when these are refused and all others succeed', () => {
    expect(broken(withDoomed(REFUSED_END))).toEqual([]);
  });

  it('fails when these have another outcome, even success', () => {
    for (const end of [GOOD_END, 'ServiceUserProvisioningFailed: TimedOut at RequestUserCreation'])
      expect(broken(withDoomed(end)).map(({ seen }) => seen)).toEqual(['0 of 2']);
  });

  it('counts only the calls of those that can succeed', () => {
    const all = withDoomed(REFUSED_END);
    all.counted.made['cognito-idp:AdminCreateUser'] = 16;
    expect(broken(all).map(({ seen }) => seen)).toEqual(['1.60 per provisioning, at least 1']);
  });
});

describe('the expectation for a second caller', () => {
  it.each([
    [2, true],
    [2.1, false],
  ])('is that its creations start within two seconds, whatever the first one has: %s', (second, holds) => {
    const expectation = expectationsOf({ ...burst(1), delays: { first: 40, second } }, PART).find(
      ({ what }) => what.startsWith('the second caller'),
    );
    expect(expectation).toMatchObject({
      holds,
      seen: `${second.toFixed(1)} s, where the last of the first caller's start after 40.0 s`,
    });
  });
});

describe('a part of the ceilings', () => {
  it('lets a call be as late as the whole, since lateness does not scale', () => {
    const lateness = ({ at_once, per_second }: { at_once: number; per_second: number }) =>
      Number(((at_once - 1) / per_second).toFixed(9));
    for (const part of [PART, 0.06]) {
      expect(scaled(part).map(({ per_second }) => per_second)).toEqual(
        ceilings.map(({ per_second }) => per_second * part),
      );
      expect(scaled(part).map(lateness)).toEqual(ceilings.map(lateness));
    }
  });
});
