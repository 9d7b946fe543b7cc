import { describe, expect, it } from '@jest/globals';
import { expectationsOf } from './expectations.ts';
import { REJECTED, SUCCEEDED } from './outcomes.ts';
import { NARROWEST, quotas, scaled } from './quotas.ts';
import type { Burst } from './run.ts';

const SCALE = 0.2;
/** A burst of ten users that are created with equal pauses, at a part of the narrowest quota of 25 per second. */
function burst(
  rate: number,
  changes: Partial<Burst['counted']['made']> = {},
  throttledPolls: number[] = [],
): Burst {
  const requests = Array.from({ length: 10 }, (_, n) => ({
    id: `p-${n}`,
    username: `user-${n}`,
    password: '',
    human_user_id: 'h-1',
    isRejected: false,
  }));
  return {
    requests,
    startedAt: new Date(0),
    outcomes: new Map(requests.map(({ id }) => [id, SUCCEEDED])),
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
        [NARROWEST]: { passed: requests.map((_, n) => n / (25 * SCALE * rate)), refused: [] },
        DescribeExecution: { passed: [1], refused: throttledPolls },
      },
    },
  };
}
const broken = (sample: Burst) => expectationsOf(sample, SCALE).filter(({ isMet }) => !isMet);

describe('a burst', () => {
  it('meets every expectation at the rate of the narrowest quota', () => {
    expect(broken(burst(1))).toEqual([]);
    expect(broken(burst(0.91))).toEqual([]);
  });

  it('reports the actual rate and the longest pause', () => {
    const slow = burst(1);
    slow.counted.quotas[NARROWEST]?.passed.push(5.8);

    expect(broken(slow)).toEqual([
      {
        description: expect.stringMatching('90 %'),
        actual: '34.5 % of 5 per second, the longest pause 4.0 s',
        isMet: false,
      },
    ]);
  });

  it('fails because of a provisioning with another outcome, of additional calls and of throttled polls', () => {
    const failed = burst(1, { 'cognito-idp:AdminSetUserPassword': 16 }, [2]);
    failed.outcomes.set('p-3', 'ServiceUserProvisioningFailed: TimedOut at RequestUserCreation');

    expect(broken(failed).map(({ actual }) => actual)).toEqual([
      '9 of 10',
      '1.60 per provisioning, at least 1',
      '1 call, 0.0 per second, 1 throttled',
    ]);
  });
});

describe('a burst with rejected passwords', () => {
  /** Two of twelve requests have a password that App2 rejects, and this outcome. */
  const withRejected = (outcome: string): Burst => {
    const all = burst(1);
    for (const id of ['r-1', 'r-2']) {
      all.requests.push({ id, username: id, password: '', human_user_id: 'h-1', isRejected: true });
      all.outcomes.set(id, outcome);
    }
    return all;
  };

  it('meets every expectation if these are rejected and all others succeed', () => {
    expect(broken(withRejected(REJECTED))).toEqual([]);
  });

  it('fails if these have another outcome, even a success', () => {
    for (const outcome of [SUCCEEDED, 'ServiceUserProvisioningFailed: TimedOut at RequestUserCreation'])
      expect(broken(withRejected(outcome)).map(({ actual }) => actual)).toEqual(['0 of 2']);
  });

  it('counts only the calls of requests that can succeed', () => {
    const all = withRejected(REJECTED);
    all.counted.made['cognito-idp:AdminCreateUser'] = 16;

    expect(broken(all).map(({ actual }) => actual)).toEqual(['1.60 per provisioning, at least 1']);
  });
});

describe('the expectation for a second caller', () => {
  it.each([
    [2, true],
    [2.1, false],
  ])('is met if its creations start within two seconds: %s', (second, isMet) => {
    const expectation = expectationsOf({ ...burst(1), delays: { first: 40, second } }, SCALE).find(
      ({ description }) => description.startsWith('the second caller'),
    );

    expect(expectation).toMatchObject({
      isMet,
      actual: `${second.toFixed(1)} s; the last ones of the first caller start after 40.0 s`,
    });
  });
});

describe('scaled quotas', () => {
  it('allow the same lateness of a call as the whole quotas', () => {
    const lateness = ({ at_once, per_second }: { at_once: number; per_second: number }) =>
      Number(((at_once - 1) / per_second).toFixed(9));

    for (const factor of [SCALE, 0.06]) {
      expect(scaled(factor).map(({ per_second }) => per_second)).toEqual(
        quotas.map(({ per_second }) => per_second * factor),
      );
      expect(scaled(factor).map(lateness)).toEqual(quotas.map(lateness));
    }
  });
});
