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
    post: milliseconds(15.6),
    empty: milliseconds(20),
    floor: milliseconds(20),
    synchronous: milliseconds(25),
    succeeded: { 1: milliseconds(160), 10: milliseconds(900), 50: milliseconds(5_000) },
    cold: milliseconds(1_400),
    sustained: 6,
    functions: null,
  };

  it('are kept by a POST that takes a tenth more than a bare function, and by a provisioning that takes eight floors', () => {
    const ratios = latencyRatios(measured);
    expect(Object.keys(ratios)).toEqual(expect.arrayContaining(Object.keys(promised)));
    // 15.6 ms without the 9 of the three calls are 6.6; 160 ms with all that the emulator takes.
    expect(ratios['POST without what the emulator takes, to a bare function']).toBeCloseTo(1.1);
    expect(ratios['SUCCEEDED, to the floor']).toBeCloseTo(8);
    expect(broken({ ...ratios, 'POST without what the emulator takes, to a bare function': 1.1 })).toEqual(
      [],
    );
  });

  it('that are not kept are shown', () => {
    expect(broken(latencyRatios({ ...measured, post: milliseconds(21) }))).toEqual([
      'POST without what the emulator takes, to a bare function: 2.00, promised ≤ 1.1',
    ]);
    expect(broken({ 'SUCCEEDED, to the floor': 8.5 })).toEqual([
      'SUCCEEDED, to the floor: 8.50, promised ≤ 8',
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
