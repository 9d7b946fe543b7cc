import type { JestRun } from './jest.ts';

/** Tests under `describe('corrected: …')` cover a correction; all other tests pass without the corrections. */
const CORRECTED = 'corrected: ';

export interface Verdict {
  /** Number of tests with the expected result. */
  expected: number;
  /** Tests with another result, one line each. */
  unexpected: string[];
}

/**
 * Compares a run without the corrections with the expected results: each test of a correction fails, which shows that the
 * correction is needed, and each other test passes.
 */
export function judge({ report }: JestRun): Verdict {
  if (report === undefined) return { expected: 0, unexpected: ['no test ran'] };
  const unexpected: string[] = [];
  let expected = 0;
  for (const { name, assertionResults } of report.testResults) {
    if (assertionResults.length === 0) unexpected.push(`cannot be loaded: ${name}`);
    for (const { ancestorTitles, fullName, status } of assertionResults) {
      const expectedStatus = ancestorTitles[0]?.startsWith(CORRECTED) ? 'failed' : 'passed';
      if (status === expectedStatus) expected += 1;
      else unexpected.push(`${status} instead of ${expectedStatus}: ${fullName}`);
    }
  }
  if (expected === 0 && unexpected.length === 0) unexpected.push('no test ran');
  return { expected, unexpected };
}
