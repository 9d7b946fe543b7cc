import { describe, expect, it } from '@jest/globals';
import { marksOf, timeScale } from '../../../trace/page/time-scale.ts';

const MINUTE = 60_000;

describe('timeScale', () => {
  it('is proportional during activity', () => {
    const { at, parts } = timeScale([
      { from: 0, to: 1_000 },
      { from: 800, to: 4_000 },
    ]);
    expect(parts).toHaveLength(1);
    expect([0, 1_000, 2_000, 4_000].map(at)).toEqual([0, 0.25, 0.5, 1]);
  });

  it('cuts out a long gap', () => {
    const { at, parts } = timeScale([
      { from: 0, to: 2_000 },
      { from: 40 * MINUTE, to: 40 * MINUTE + 2_000 },
    ]);
    expect(parts).toHaveLength(2);
    expect(at(2_000)).toBeGreaterThan(0.4);
    expect(at(20 * MINUTE)).toBe(at(2_000));
    expect(at(40 * MINUTE + 2_000)).toBeCloseTo(1);
  });

  it('keeps a short gap', () => {
    const intervals = [
      { from: 0, to: 2_000 },
      { from: 6_000, to: 8_000 },
    ];
    expect(timeScale(intervals).parts).toHaveLength(1);
  });

  it('is monotonic, and stays between 0 and 1', () => {
    const { at } = timeScale(
      [0, 1, 5, 60, 600].map((minutes) => ({ from: minutes * MINUTE, to: minutes * MINUTE + 900 })),
    );
    const positions = Array.from({ length: 700 }, (_, minute) => at(minute * MINUTE));
    expect(positions).toEqual([...positions].sort((a, b) => a - b));
    expect(Math.min(...positions)).toBe(0);
    expect(Math.max(...positions)).toBeLessThanOrEqual(1);
  });

  it('has a position for a single point in time', () => {
    expect(timeScale([{ from: 5, to: 5 }]).at(5)).toBe(0);
  });

  it('has a limited number of round marks', () => {
    const [part] = timeScale([{ from: 0, to: 3_380 }]).parts;
    if (part === undefined) throw new Error('There is no part.');
    expect(marksOf(part, 7)).toEqual([500, 1_000, 1_500, 2_000, 2_500, 3_000]);
  });
});
