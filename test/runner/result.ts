import type { JestRun } from './jest.ts';

/** What one part of `npm test` came to. */
export interface Result {
  name: string;
  passed: number;
  failed: number;
  seconds: number;
  /** What went wrong, where that was not shown as it happened. */
  complaint?: string | undefined;
}

/**
 * The runner's own counts. What did not pass has failed: also a test that was skipped, a file that could not be loaded,
 * a run without tests, and a run that Jest itself calls failed for a reason that is not a test (a teardown, say).
 */
export function countsOf({ exitCode, report }: JestRun): { passed: number; failed: number } {
  if (report === undefined) return { passed: 0, failed: 1 };
  const { numPassedTests, numTotalTests, numRuntimeErrorTestSuites } = report;
  const failed = numTotalTests - numPassedTests + numRuntimeErrorTestSuites;
  const otherwiseFailed = exitCode !== 0 || numPassedTests === 0;
  return { passed: numPassedTests, failed: failed === 0 && otherwiseFailed ? 1 : failed };
}
