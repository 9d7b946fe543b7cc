/**
 * Maps times to positions on a line. The scale is proportional during activity; long gaps are cut out, so that a roll-back
 * an hour later does not make everything else invisible.
 */
export interface Interval {
  from: number;
  to: number;
}

export interface Part extends Interval {
  /** Position on the line, from 0 to 1. */
  left: number;
  right: number;
}

export interface TimeScale {
  parts: Part[];
  /** The position of a time, from 0 to 1. */
  at(time: number): number;
}

/** The shortest gap that is cut out, in milliseconds, and as a share of the active time. */
const MIN_GAP = 5_000;
const MIN_GAP_SHARE = 0.5;
/** The share of the line for one cut, and the maximum for all cuts. */
const GAP = 0.05;
const ALL_GAPS = 0.3;

export function timeScale(intervals: readonly Interval[]): TimeScale {
  const merged = joined(intervals, MIN_GAP);
  const activeTime = merged.reduce((sum, { from, to }) => sum + (to - from), 0);
  const kept = joined(merged, Math.max(MIN_GAP, activeTime * MIN_GAP_SHARE));
  // A short part is wider than its share, so that a short roll-back is visible beside a long provisioning.
  const weights = kept.map(({ from, to }) => Math.sqrt(Math.max(1, to - from)));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const gap = kept.length > 1 ? Math.min(GAP, ALL_GAPS / (kept.length - 1)) : 0;
  const room = 1 - gap * (kept.length - 1);
  const parts: Part[] = [];
  for (const [index, { from, to }] of kept.entries()) {
    const left = index === 0 ? 0 : (parts.at(-1)?.right ?? 0) + gap;
    parts.push({ from, to, left, right: left + ((weights[index] ?? 0) / total) * room });
  }
  return { parts, at: (time) => Math.min(1, positionOf(time, parts)) };
}

function positionOf(time: number, parts: readonly Part[]): number {
  let before = 0;
  for (const { from, to, left, right } of parts) {
    if (time < from) return before; // in a gap
    if (time <= to) return to === from ? left : left + ((time - from) / (to - from)) * (right - left);
    before = right;
  }
  return before;
}

/** The intervals in order; those with a gap of at most `nearer` are joined. */
function joined(intervals: readonly Interval[], nearer: number): Interval[] {
  const result: Interval[] = [];
  for (const { from, to } of [...intervals].sort((a, b) => a.from - b.from)) {
    const last = result.at(-1);
    if (last !== undefined && from - last.to <= nearer) last.to = Math.max(last.to, to);
    else result.push({ from, to });
  }
  return result;
}

/** Round intervals between the marks of the line, in milliseconds. */
const STEPS = [50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 2e4, 6e4, 12e4, 3e5, 6e5, 12e5, 36e5];

/** The marks within a part, as milliseconds after its start; about `most` on the whole line. */
export function marksOf({ from, to, left, right }: Part, most: number): number[] {
  const maxMarks = Math.max(1, most * (right - left));
  const step = STEPS.find((one) => (to - from) / one <= maxMarks) ?? to - from;
  const marks: number[] = [];
  for (let mark = step; mark < to - from - step / 4; mark += step) marks.push(mark);
  return marks;
}
