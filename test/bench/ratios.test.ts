import { describe, expect, it } from '@jest/globals';
import {
  expected,
  latencyRatios,
  regressions,
  targetRatios,
  unmetExpectations,
} from '../../bench/performance/ratios.ts';
import { summarize } from '../../bench/support/statistics.ts';

describe('ratios of two runs', () => {
  it('are reported if they are worse by more than a fifth', () => {
    const before = { same: 1, better: 2, 'a little worse': 1, worse: 1 };
    const now = { same: 1, better: 1, 'a little worse': 1.19, worse: 1.5, new: 9 };

    expect(regressions(before, now)).toEqual(['worse: 1.00 → 1.50 (+50 %)']);
  });
});

describe('expectations of ratios', () => {
  const milliseconds = (p50: number) => ({ n: 25, p50, p95: 2 * p50, p99: 3 * p50 });
  const measured = {
    bare: milliseconds(6),
    intake: milliseconds(15),
    post: milliseconds(18),
    empty: milliseconds(20),
    floor: milliseconds(20),
    synchronous: milliseconds(25),
    succeeded: { 1: milliseconds(180), 10: milliseconds(900), 50: milliseconds(5_000) },
    cold: milliseconds(1_400),
    sustained: 6,
    functions: null,
  };

  it('are met by a POST of 1.5 times a bare function, a provisioning of 9 times the floor, and three targets in 1.6 times one', () => {
    const ratios = {
      ...latencyRatios(measured),
      ...targetRatios({
        plain: { 1: milliseconds(100), 3: milliseconds(250) },
        slow: { 1: milliseconds(100), 3: milliseconds(160) },
      }),
    };

    expect(Object.keys(ratios)).toEqual(expect.arrayContaining(Object.keys(expected)));
    // 18 ms minus 9 ms of the three calls are 9 ms.
    expect(ratios['POST without the emulator, to an empty function']).toBe(1.5);
    expect(ratios['SUCCEEDED, to the floor']).toBe(9);
    expect(unmetExpectations(ratios)).toEqual([]);
  });

  it('are reported if they are not met', () => {
    expect(unmetExpectations(latencyRatios({ ...measured, post: milliseconds(21) }))).toEqual([
      'POST without the emulator, to an empty function: 2.00, expected ≤ 1.5',
    ]);
    expect(
      unmetExpectations(
        targetRatios({
          plain: { 1: milliseconds(100), 3: milliseconds(250) },
          slow: { 1: milliseconds(100), 3: milliseconds(170) },
        }),
      ),
    ).toEqual(['SUCCEEDED at three targets, to one, with slow calls: 1.70, expected ≤ 1.6']);
    expect(unmetExpectations({ 'SUCCEEDED, to the floor': 9.5 })).toEqual([
      'SUCCEEDED, to the floor: 9.50, expected ≤ 9',
    ]);
  });
});

describe('a summary', () => {
  it('contains the 50th, 95th and 99th percentile', () => {
    const hundred = Array.from({ length: 100 }, (_, n) => 100 - n);

    expect(summarize(hundred)).toEqual({ n: 100, p50: 50, p95: 95, p99: 99 });
    expect(summarize([7])).toEqual({ n: 1, p50: 7, p95: 7, p99: 7 });
  });
});
