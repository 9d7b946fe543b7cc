import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../../local/places.ts';
import { madeNow, writeResults } from '../support/results.ts';
import { performancePage } from './page.ts';
import { latencyRatios, loadingRatios, type Ratios, regressions } from './ratios.ts';
import { type Results, readResults, resultsFile } from './results.ts';

type Measured<Name extends keyof Results> = NonNullable<Results[Name]>['measured'];

const ratios: { [Name in keyof Results]-?: (measured: Measured<Name>) => Ratios } = {
  loading: loadingRatios,
  latency: latencyRatios,
};

/** Keeps what was measured beside the ratios of the run before, says which are worse, and writes the page again. */
export async function keep<Name extends keyof Results>(
  name: Name,
  measured: Measured<Name>,
  isTrial: boolean,
): Promise<void> {
  const ratiosOf = ratios[name];
  const last = readResults()[name];
  const before = last === undefined ? {} : ratiosOf(last.measured);
  const now = ratiosOf(measured);
  for (const [what, ratio] of Object.entries(now)) process.stdout.write(`${what}: ${ratio.toFixed(2)}\n`);
  for (const worse of regressions(before, now)) process.stdout.write(`Worse than before: ${worse}\n`);
  if (isTrial) {
    process.stdout.write(`${JSON.stringify(measured)}\n`);
    return;
  }
  writeResults(resultsFile(name), { made: await madeNow(), before, measured });
  writeFileSync(join(root, 'docs', 'performance.md'), performancePage(readResults()));
}
