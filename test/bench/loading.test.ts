import { describe, expect, it } from '@jest/globals';
import { loading, loadingEnvironment, measuredEnvironments } from '../../bench/benchmarks/loading.ts';
import { loadingLimit } from '../../bench/performance/ratios.ts';

const NAME = 'app1/start-provisioning';

describe('a bundle', () => {
  it.each(measuredEnvironments)('is loaded with an environment that its function can read', (environment) => {
    expect(() => environment.parse(loadingEnvironment)).not.toThrow();
  });

  it('is loaded within the limit, and contains a part of its packages only', async () => {
    const { shipped, wholePackages } = (await loading(5, [NAME])).loads[NAME] ?? {};
    if (shipped === undefined || wholePackages === undefined) throw new Error('Nothing was measured.');
    const limit = Math.max(loadingLimit.milliseconds, loadingLimit.ratio * wholePackages.computing);
    expect(shipped.computing).toBeLessThanOrEqual(limit);
    expect(shipped.bytes).toBeLessThan(0.6 * wholePackages.bytes);
  }, 60_000);
});
