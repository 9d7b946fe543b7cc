import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../../cli/support/paths.ts';
import { readCountResults } from '../count/results.ts';
import { madeNow, writeResults } from '../support/results.ts';
import { performancePage } from './page.ts';
import { type Ratios, regressions, unmetExpectations } from './ratios.ts';
import { type Results, readResults, resultsFile } from './results.ts';

/** The measurements of a benchmark, and the ratios that are compared between runs. */
export interface Measurement {
  measured: object;
  ratios: Ratios;
}

/**
 * Records the measurements with the ratios of the previous run, prints the ratios that are worse, and writes the page.
 * A trial is printed only.
 */
export async function record(
  name: keyof Results,
  { measured, ratios }: Measurement,
  isTrial: boolean,
): Promise<void> {
  const before = readResults()[name]?.ratios ?? {};
  for (const [name_, ratio] of Object.entries(ratios))
    process.stdout.write(`${name_}: ${ratio.toFixed(2)}\n`);
  for (const unmet of unmetExpectations(ratios)) process.stdout.write(`Expectation not met: ${unmet}\n`);
  for (const worse of regressions(before, ratios)) process.stdout.write(`Worse than before: ${worse}\n`);
  if (isTrial) {
    process.stdout.write(`${JSON.stringify(measured)}\n`);
    return;
  }
  writeResults(resultsFile(name), { made: madeNow(), ratios, before, measured });
  writeFileSync(join(root, 'docs', 'performance.md'), performancePage(readResults(), readCountResults()));
}
