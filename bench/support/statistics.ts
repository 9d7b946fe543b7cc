import * as z from 'zod';

/** Number and percentiles of measurements, in milliseconds. */
export const summary = z.strictObject({ n: z.int(), p50: z.number(), p95: z.number(), p99: z.number() });
export type Summary = z.infer<typeof summary>;

/** Percentile by the nearest-rank method; `part` is between 0 and 1. @throws Error if there are no measurements */
export function percentile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const value = sorted[Math.max(0, Math.ceil(part * sorted.length) - 1)];
  if (value === undefined) throw new Error('There are no measurements.');
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

/** Duration of a function, in milliseconds. */
export async function timed(run: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await run();
  return performance.now() - startedAt;
}
