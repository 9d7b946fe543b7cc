import { beforeAll, describe, expect, it } from '@jest/globals';
import { settings } from '../../../cli/support/paths.ts';
import { outputs } from '../../e2e/support/deployed.ts';
import { allSucceed, expectationsOf } from '../expectations.ts';
import { brokenInvariants } from '../invariants.ts';
import { type Burst, runBurst } from '../run.ts';

/**
 * Many at once, with AWS's ceilings enforced. `npm test` sends as many as half a minute allows, at a part of the
 * ceilings that a busy machine can still reach; the whole suite sends 300 at a fifth, and then with faults, with a second
 * caller, with a part that App2 refuses, and where others use the quotas, too.
 */
const sample = process.env['FAULTS'] === 'sample';
const size = sample ? { count: 30, scale: 0.06 } : { count: 300, scale: 0.2 };

const proxyUrl = process.env['FAULT_PROXY_URL'] ?? '';

describe(`${size.count} POSTs at once, with ${size.scale * 100} % of each ceiling`, () => {
  let burst: Burst;
  beforeAll(async () => {
    burst = await runBurst({ outputs, proxyUrl, ...size, within: 600 });
  });

  it('meets every expectation', () => {
    const broken = expectationsOf(burst, size.scale).filter(({ holds }) => !holds);
    expect({ broken, failures: burst.failures }).toEqual({ broken: [], failures: [] });
  });

  it('estimates for each queued caller when its creation starts', () => {
    expect(burst.estimated).toBe(true);
  });
});

if (!sample) {
  describe.each([
    ['a second caller asks for a few', { secondCaller: true }],
    ['App2 refuses a fifth', { doomed: 0.2 }],
  ])('100 POSTs at once, where %s', (_, options) => {
    it('meets every expectation', async () => {
      const burst = await runBurst({ outputs, proxyUrl, ...size, ...options, count: 100, within: 600 });
      const broken = expectationsOf(burst, size.scale).filter(({ holds }) => !holds);
      expect({ broken, failures: burst.failures }).toEqual({ broken: [], failures: [] });
    });
  });

  describe('100 POSTs at once, where others use two fifths of each ceiling', () => {
    it('all succeed', async () => {
      const burst = await runBurst({ outputs, proxyUrl, ...size, count: 100, taken: 0.4, within: 600 });
      expect(burst.failures).toEqual([]);
      expect(allSucceed(burst)).toMatchObject({ holds: true });
    });
  });

  describe('100 POSTs at once, of which a tenth of all calls fails', () => {
    it('leaves I1 to I6 as they are', async () => {
      const burst = await runBurst({ outputs, proxyUrl, ...size, count: 100, faulty: 0.1, within: 900 });
      expect(burst.ends.size).toBe(100);
      expect(await brokenInvariants(settings().directory, burst)).toEqual([]);
    });
  });
}
