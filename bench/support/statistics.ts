import * as z from 'zod';

/** What is told of a row of measurements, in milliseconds. */
export const summary = z.strictObject({ n: z.int(), p50: z.number(), p95: z.number(), p99: z.number() });
export type Summary = z.infer<typeof summary>;

/** The nearest measurement that so many parts of all do not exceed. @throws Error when there is none */
export function percentile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const value = sorted[Math.max(0, Math.ceil(part * sorted.length) - 1)];
  if (value === undefined) throw new Error('Nothing was measured.');
  return value;
}

export const median = (values: readonly number[]): number => percentile(values, 0.5);

export const summarize = (values: readonly number[]): Summary => ({
  n: values.length,
  p50: rounded(percentile(values, 0.5)),
  p95: rounded(percentile(values, 0.95)),
  p99: rounded(percentile(values, 0.99)),
});

export const rounded = (value: number): number => Math.round(value * 10) / 10;

/** How long something takes, in milliseconds. */
export async function timed(run: () => Promise<unknown>): Promise<number> {
  const begun = performance.now();
  await run();
  return performance.now() - begun;
}
