import { beforeAll, describe, expect, it } from '@jest/globals';
import { settings } from '../../../cli/support/paths.ts';
import { outputs } from '../../e2e/support/deployed.ts';
import { allSucceed, expectationsOf } from '../expectations.ts';
import { invariantViolations } from '../invariants.ts';
import { type Burst, runBurst } from '../run.ts';

/**
 * Concurrent requests while a proxy enforces AWS's quotas. `npm test` sends the number that half a minute allows, at a part
 * of the quotas that a computer under load can reach. The whole suite sends 300 at a fifth, and further bursts with
 * faults, with a second caller, with rejected passwords, and while other clients use the quotas.
 */
const sample = process.env['FAULTS'] === 'sample';
const size = sample ? { count: 30, scale: 0.06 } : { count: 300, scale: 0.2 };

const proxyUrl = process.env['FAULT_PROXY_URL'] ?? '';

describe(`a burst of ${size.count} POSTs, with ${size.scale * 100} % of each quota`, () => {
  let burst: Burst;
  beforeAll(async () => {
    burst = await runBurst({ outputs, proxyUrl, ...size, within: 600 });
  });

  it('meets every expectation', () => {
    const broken = expectationsOf(burst, size.scale).filter(({ isMet }) => !isMet);

    expect({ broken, failures: burst.failures }).toEqual({ broken: [], failures: [] });
  });

  it('contains an estimate in the status of a queued provisioning', () => {
    expect(burst.estimated).toBe(true);
  });
});

if (!sample) {
  describe.each([
    ['with a few requests of a second caller', { secondCaller: true }],
    ['of which App2 rejects a fifth', { rejected: 0.2 }],
  ])('a burst of 100 POSTs, %s', (_, options) => {
    it('meets every expectation', async () => {
      const burst = await runBurst({ outputs, proxyUrl, ...size, ...options, count: 100, within: 600 });
      const broken = expectationsOf(burst, size.scale).filter(({ isMet }) => !isMet);

      expect({ broken, failures: burst.failures }).toEqual({ broken: [], failures: [] });
    });
  });

  describe('a burst of 100 POSTs while other clients use two fifths of each quota', () => {
    it('succeeds for each request', async () => {
      const burst = await runBurst({
        outputs,
        proxyUrl,
        ...size,
        count: 100,
        usedByOthers: 0.4,
        within: 600,
      });

      expect(burst.failures).toEqual([]);
      expect(allSucceed(burst)).toMatchObject({ isMet: true });
    });
  });

  describe('a burst of 100 POSTs while a tenth of all calls fails', () => {
    it('violates none of I1 to I6', async () => {
      const burst = await runBurst({ outputs, proxyUrl, ...size, count: 100, faulty: 0.1, within: 900 });

      expect(burst.outcomes.size).toBe(100);
      expect(await invariantViolations(settings().directory, burst)).toEqual([]);
    });
  });
}
