import { describe, expect, it } from '@jest/globals';
import { loading, loadingEnvironment, measuredEnvironments } from '../../bench/benchmarks/loading.ts';
import { loadingLimit } from '../../bench/performance/ratios.ts';

describe('a bundle', () => {
  it.each(measuredEnvironments)('is loaded with an environment that its function can read', (environment) => {
    expect(() => environment.parse(loadingEnvironment)).not.toThrow();
  });

  it('is loaded within the limit, and contains a part of its packages only', async () => {
    const { loads, calls } = await loading(3, ['app2/authorizer'], { app1: [], app2: ['authorizer'] });

    for (const { shipped, wholePackages } of Object.values(loads)) {
      const limit = Math.max(loadingLimit.milliseconds, loadingLimit.ratio * wholePackages.computing);
      expect(shipped.computing).toBeLessThanOrEqual(limit);
      expect(shipped.bytes).toBeLessThan(0.6 * wholePackages.bytes);
    }

    expect(calls.first).toBeGreaterThan(calls.further);
  }, 60_000);
});
