import { describe, expect, it } from '@jest/globals';
import { describeExecutionQuota, statusPollsPerSecond } from '../../contracts/quotas.ts';

describe('the shares of DescribeExecution', () => {
  it('are at most the quota in total', () => {
    const { shares } = describeExecutionQuota;
    // Two services sweep, each at most half of the time.
    const sweeps = 2 * (shares.sweep / 2);

    expect(shares.callers + shares.statusPolls + sweeps + shares.compensation).toBeLessThanOrEqual(1);
    expect(shares.compensation).toBeGreaterThanOrEqual(0.2);
  });

  it('limit the polls of App2, also with the smallest quota', () => {
    for (const perSecond of [describeExecutionQuota.perSecond, 15, 40]) {
      const describes = statusPollsPerSecond(perSecond) * describeExecutionQuota.perPolledCreation;

      expect(describes).toBeCloseTo(perSecond * describeExecutionQuota.shares.statusPolls);
    }
  });
});
