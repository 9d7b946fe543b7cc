import type { JestRun } from './jest.ts';

/** Tests under `describe('corrected: …')` show what the corrections change; all others hold without them. */
const CORRECTED = 'corrected: ';

export interface Verdict {
  /** How many tests did as they should. */
  right: number;
  /** What did not, one line each. */
  wrong: string[];
}

/**
 * Whether a run without the corrections came out as it must: each test of a correction fails, so that it shows that
 * the correction is needed and works; each other test passes.
 */
export function judge({ report }: JestRun): Verdict {
  if (report === undefined) return { right: 0, wrong: ['no test ran'] };
  const wrong: string[] = [];
  let right = 0;
  for (const { name, assertionResults } of report.testResults) {
    if (assertionResults.length === 0) wrong.push(`cannot be loaded: ${name}`);
    for (const { ancestorTitles, fullName, status } of assertionResults) {
      const expected = ancestorTitles[0]?.startsWith(CORRECTED) ? 'failed' : 'passed';
      if (status === expected) right += 1;
      else wrong.push(`${status} instead of ${expected}: ${fullName}`);
    }
  }
  if (right === 0 && wrong.length === 0) wrong.push('no test ran');
  return { right, wrong };
}
