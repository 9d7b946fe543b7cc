import { describe, expect, it } from '@jest/globals';
import { loading, loadingEnvironment, measuredEnvironments } from '../../bench/benchmarks/loading.ts';

const NAME = 'app1/start-provisioning';

describe('a bundle', () => {
  it.each(measuredEnvironments)('is loaded with an environment that its function can read', (environment) => {
    expect(() => environment.parse(loadingEnvironment)).not.toThrow();
  });

  it('is loaded in 40 ms of a core, or in a third of what it would take with the SDK as a whole', async () => {
    const { lean, whole } = (await loading(5, [NAME])).loads[NAME] ?? {};
    if (lean === undefined || whole === undefined) throw new Error('Nothing was measured.');
    process.stdout.write(`${NAME} is loaded in ${lean.computing} ms, as a whole in ${whole.computing} ms\n`);
    expect(lean.computing).toBeLessThanOrEqual(Math.max(40, whole.computing / 3));
    expect(lean.bytes).toBeLessThan(whole.bytes / 4);
  }, 60_000);
});
