import type { JestRun } from './jest.ts';

/** The result of one part of `npm test`. */
export interface Result {
  name: string;
  passed: number;
  failed: number;
  seconds: number;
  /** Output of a failed tool, which was not printed while it ran. */
  output?: string | undefined;
}

/**
 * The runner's own counts. Everything that did not pass counts as failed: skipped tests, files that could not be loaded, a
 * run without tests, and a run that fails for another reason than a test, such as a teardown.
 */
export function countsOf({ exitCode, report }: JestRun): { passed: number; failed: number } {
  if (report === undefined) return { passed: 0, failed: 1 };
  const { numPassedTests, numTotalTests, numRuntimeErrorTestSuites } = report;
  const failed = numTotalTests - numPassedTests + numRuntimeErrorTestSuites;
  const otherwiseFailed = exitCode !== 0 || numPassedTests === 0;
  return { passed: numPassedTests, failed: failed === 0 && otherwiseFailed ? 1 : failed };
}
