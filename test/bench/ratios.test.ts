import { describe, expect, it } from '@jest/globals';
import { regressions } from '../../bench/performance/ratios.ts';
import { summarize } from '../../bench/support/statistics.ts';

describe('ratios from run to run', () => {
  it('are shown when they are worse by more than a fifth', () => {
    const before = { same: 1, better: 2, 'a little worse': 1, worse: 1 };
    const now = { same: 1, better: 1, 'a little worse': 1.19, worse: 1.5, new: 9 };
    expect(regressions(before, now)).toEqual(['worse: 1.00 → 1.50 (+50 %)']);
  });
});

describe('a summary', () => {
  it('gives the measurements that half, 95 and 99 of a hundred do not exceed', () => {
    const hundred = Array.from({ length: 100 }, (_, n) => 100 - n);
    expect(summarize(hundred)).toEqual({ n: 100, p50: 50, p95: 95, p99: 99 });
    expect(summarize([7])).toEqual({ n: 1, p50: 7, p95: 7, p99: 7 });
  });
});
