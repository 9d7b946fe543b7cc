/**
 * Where a time lies on a line: in proportion while something happens, but long times in which nothing does are cut
 * out, so that a roll-back an hour later does not make everything else invisible.
 */
export interface Interval {
  from: number;
  to: number;
}

export interface Part extends Interval {
  /** On the line, from 0 to 1. */
  left: number;
  right: number;
}

export interface TimeScale {
  parts: Part[];
  /** Place of a time, from 0 to 1. */
  at(time: number): number;
}

/** Shortest time without anything that is cut out, in milliseconds, and as a share of the time in which something is. */
const LEAST_GAP = 5_000;
const LEAST_SHARE = 0.5;
/** What a cut takes of the line, and what it takes at most for all of them. */
const GAP = 0.05;
const ALL_GAPS = 0.3;

export function timeScale(intervals: readonly Interval[]): TimeScale {
  const merged = joined(intervals, LEAST_GAP);
  const busy = merged.reduce((sum, { from, to }) => sum + (to - from), 0);
  const kept = joined(merged, Math.max(LEAST_GAP, busy * LEAST_SHARE));
  // A short part is wider than its share, or a roll-back of a moment could not be seen beside a long provisioning.
  const weights = kept.map(({ from, to }) => Math.sqrt(Math.max(1, to - from)));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const gap = kept.length > 1 ? Math.min(GAP, ALL_GAPS / (kept.length - 1)) : 0;
  const room = 1 - gap * (kept.length - 1);
  const parts: Part[] = [];
  for (const [index, { from, to }] of kept.entries()) {
    const left = index === 0 ? 0 : (parts.at(-1)?.right ?? 0) + gap;
    parts.push({ from, to, left, right: left + ((weights[index] ?? 0) / total) * room });
  }
  return { parts, at: (time) => Math.min(1, placeOf(time, parts)) };
}

function placeOf(time: number, parts: readonly Part[]): number {
  let before = 0;
  for (const { from, to, left, right } of parts) {
    if (time < from) return before; // in what was cut out
    if (time <= to) return to === from ? left : left + ((time - from) / (to - from)) * (right - left);
    before = right;
  }
  return before;
}

/** The intervals in order, those joined that are nearer to each other than this. */
function joined(intervals: readonly Interval[], nearer: number): Interval[] {
  const result: Interval[] = [];
  for (const { from, to } of [...intervals].sort((a, b) => a.from - b.from)) {
    const last = result.at(-1);
    if (last !== undefined && from - last.to <= nearer) last.to = Math.max(last.to, to);
    else result.push({ from, to });
  }
  return result;
}

/** Round steps of time for the marks of a line, in milliseconds. */
const STEPS = [50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 2e4, 6e4, 12e4, 3e5, 6e5, 12e5, 36e5];

/** Marks within a part, about so many on the whole line, as milliseconds after its begin. */
export function marksOf({ from, to, left, right }: Part, most: number): number[] {
  const wanted = Math.max(1, most * (right - left));
  const step = STEPS.find((one) => (to - from) / one <= wanted) ?? to - from;
  const marks: number[] = [];
  for (let mark = step; mark < to - from - step / 4; mark += step) marks.push(mark);
  return marks;
}
