import { describe, expect, it } from '@jest/globals';
import { broken, latencyRatios, promised, regressions } from '../../bench/performance/ratios.ts';
import { summarize } from '../../bench/support/statistics.ts';

describe('ratios from run to run', () => {
  it('are shown when they are worse by more than a fifth', () => {
    const before = { same: 1, better: 2, 'a little worse': 1, worse: 1 };
    const now = { same: 1, better: 1, 'a little worse': 1.19, worse: 1.5, new: 9 };
    expect(regressions(before, now)).toEqual(['worse: 1.00 → 1.50 (+50 %)']);
  });
});

describe('promises', () => {
  const milliseconds = (p50: number) => ({ n: 25, p50, p95: 2 * p50, p99: 3 * p50 });
  const measured = {
    bare: milliseconds(6),
    intake: milliseconds(15),
    post: milliseconds(18),
    empty: milliseconds(20),
    floor: milliseconds(20),
    synchronous: milliseconds(25),
    succeeded: { 1: milliseconds(272), 10: milliseconds(900), 50: milliseconds(5_000) },
    cold: milliseconds(1_400),
    sustained: 6,
    functions: null,
  };

  it('are of ratios without what the emulator takes', () => {
    const ratios = latencyRatios(measured);
    expect(Object.keys(ratios)).toEqual(expect.arrayContaining(Object.keys(promised)));
    // 18 ms without the 9 of the three calls; 272 without 20 of the empty states and two passages of 6.
    expect(ratios).toMatchObject({
      'POST without what the emulator takes, to a bare function': 1.5,
      'SUCCEEDED without what the emulator takes, to the floor': 12,
    });
    expect(broken(ratios)).toEqual([]);
  });

  it('that are not kept are shown', () => {
    expect(broken(latencyRatios({ ...measured, post: milliseconds(21) }))).toEqual([
      'POST without what the emulator takes, to a bare function: 2.00, promised ≤ 1.5',
    ]);
    expect(broken({ 'SUCCEEDED without what the emulator takes, to the floor': 12.5 })).toEqual([
      'SUCCEEDED without what the emulator takes, to the floor: 12.50, promised ≤ 12',
    ]);
  });
});

describe('a summary', () => {
  it('gives the measurements that half, 95 and 99 of a hundred do not exceed', () => {
    const hundred = Array.from({ length: 100 }, (_, n) => 100 - n);
    expect(summarize(hundred)).toEqual({ n: 100, p50: 50, p95: 95, p99: 99 });
    expect(summarize([7])).toEqual({ n: 1, p50: 7, p95: 7, p99: 7 });
  });
});
