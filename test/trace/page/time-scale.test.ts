import { describe, expect, it } from '@jest/globals';
import { marksOf, timeScale } from '../../../trace/page/time-scale.ts';

const MINUTE = 60_000;

describe('the line of time', () => {
  it('is in proportion while something happens', () => {
    const { at, parts } = timeScale([
      { from: 0, to: 1_000 },
      { from: 800, to: 4_000 },
    ]);
    expect(parts).toHaveLength(1);
    expect([0, 1_000, 2_000, 4_000].map(at)).toEqual([0, 0.25, 0.5, 1]);
  });

  it('cuts out a long time in which nothing happens', () => {
    const { at, parts } = timeScale([
      { from: 0, to: 2_000 },
      { from: 40 * MINUTE, to: 40 * MINUTE + 2_000 },
    ]);
    expect(parts).toHaveLength(2);
    expect(at(2_000)).toBeGreaterThan(0.4);
    expect(at(20 * MINUTE)).toBe(at(2_000));
    expect(at(40 * MINUTE + 2_000)).toBeCloseTo(1);
  });

  it('keeps a short time in which nothing happens', () => {
    const intervals = [
      { from: 0, to: 2_000 },
      { from: 6_000, to: 8_000 },
    ];
    expect(timeScale(intervals).parts).toHaveLength(1);
  });

  it('never goes back, and stays between its ends', () => {
    const { at } = timeScale(
      [0, 1, 5, 60, 600].map((minutes) => ({ from: minutes * MINUTE, to: minutes * MINUTE + 900 })),
    );
    const places = Array.from({ length: 700 }, (_, minute) => at(minute * MINUTE));
    expect(places).toEqual([...places].sort((a, b) => a - b));
    expect(Math.min(...places)).toBe(0);
    expect(Math.max(...places)).toBeLessThanOrEqual(1);
  });

  it('has a place for a provisioning of which only one moment is known', () => {
    expect(timeScale([{ from: 5, to: 5 }]).at(5)).toBe(0);
  });

  it('has round marks, and not too many', () => {
    const [part] = timeScale([{ from: 0, to: 3_380 }]).parts;
    if (part === undefined) throw new Error('There is no part.');
    expect(marksOf(part, 7)).toEqual([500, 1_000, 1_500, 2_000, 2_500, 3_000]);
  });
});
