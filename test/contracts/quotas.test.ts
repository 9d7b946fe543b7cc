import { describe, expect, it } from '@jest/globals';
import { describeExecutionQuota, statusPollsPerSecond } from '../../contracts/quotas.ts';

describe('the shares of DescribeExecution', () => {
  it('are together no more than the quota', () => {
    const { shares } = describeExecutionQuota;
    // Two services sweep, each for at most half of the time.
    const sweeps = 2 * (shares.sweep / 2);

    expect(shares.callers + shares.waits + sweeps + shares.compensation).toBeLessThanOrEqual(1);
    expect(shares.compensation).toBeGreaterThanOrEqual(0.2);
  });

  it('are kept by App2, also where the quota is the smallest', () => {
    for (const perSecond of [describeExecutionQuota.perSecond, 15, 40]) {
      const looks = statusPollsPerSecond(perSecond) * describeExecutionQuota.perWait;
      expect(looks).toBeCloseTo(perSecond * describeExecutionQuota.shares.waits);
    }
  });
});
