import { beforeAll, describe, expect, it } from '@jest/globals';
import { brokenInvariants } from '../../../bench/burst/invariants.ts';
import { allSucceed, promisesOf } from '../../../bench/burst/promises.ts';
import { type Burst, runBurst } from '../../../bench/burst/run.ts';
import { settings } from '../../../local/places.ts';
import { outputs } from '../../e2e/support/deployed.ts';

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

  it('keeps all promises', () => {
    const broken = promisesOf(burst, size.scale).filter(({ kept }) => !kept);
    expect({ broken, failures: burst.failures }).toEqual({ broken: [], failures: [] });
  });

  it('tells whoever waits when that will have ended', () => {
    expect(burst.estimated).toBe(true);
  });
});

if (!sample) {
  describe.each([
    ['a second caller asks for a few', { secondCaller: true }],
    ['App2 refuses a fifth', { doomed: 0.2 }],
  ])('100 POSTs at once, where %s', (_, options) => {
    it('keeps all promises', async () => {
      const burst = await runBurst({ outputs, proxyUrl, ...size, ...options, count: 100, within: 600 });
      const broken = promisesOf(burst, size.scale).filter(({ kept }) => !kept);
      expect({ broken, failures: burst.failures }).toEqual({ broken: [], failures: [] });
    });
  });

  describe('100 POSTs at once, where others use two fifths of each ceiling', () => {
    it('all succeed', async () => {
      const burst = await runBurst({ outputs, proxyUrl, ...size, count: 100, taken: 0.4, within: 600 });
      expect(burst.failures).toEqual([]);
      expect(allSucceed(burst)).toMatchObject({ kept: true });
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
