/** What `deployed/outage.test.ts` measures. docs/limits.md states the same numbers. */
export const outageMeasurement = {
  /** Provisionings of each measurement at App2. */
  measured: 20,
  /** Provisionings that wait for the other target meanwhile. */
  pending: 20,
  /** Provisionings of a measurement that run at the same time. */
  concurrent: 4,
  /** Largest ratio of the durations beside and without the others, which use the same processors for their retries. */
  maxRatio: { p50: 2, p95: 3 },
} as const;
