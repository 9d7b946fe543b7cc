import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../../cli/support/paths.ts';
import { readCountResults } from '../count/results.ts';
import { madeNow, writeResults } from '../support/results.ts';
import { performancePage } from './page.ts';
import { broken, type Ratios, regressions } from './ratios.ts';
import { type Results, readResults, resultsFile } from './results.ts';

/** What a benchmark measured, and what of it is compared from run to run. */
export interface Outcome {
  measured: object;
  ratios: Ratios;
}

/**
 * Keeps what was measured beside the ratios of the run before, says which are worse, and writes the page again.
 * A trial is only shown.
 */
export async function keep(
  name: keyof Results,
  { measured, ratios }: Outcome,
  isTrial: boolean,
): Promise<void> {
  const before = readResults()[name]?.ratios ?? {};
  for (const [what, ratio] of Object.entries(ratios)) process.stdout.write(`${what}: ${ratio.toFixed(2)}\n`);
  for (const promise of broken(ratios)) process.stdout.write(`Promise not kept: ${promise}\n`);
  for (const worse of regressions(before, ratios)) process.stdout.write(`Worse than before: ${worse}\n`);
  if (isTrial) {
    process.stdout.write(`${JSON.stringify(measured)}\n`);
    return;
  }
  writeResults(resultsFile(name), { made: madeNow(), ratios, before, measured });
  writeFileSync(join(root, 'docs', 'performance.md'), performancePage(readResults(), readCountResults()));
}
