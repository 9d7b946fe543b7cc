import { systemOf } from '../../local/system.ts';
import { countAlone } from '../count/count.ts';
import { type Path, paths, provision, type SystemUnderTest } from '../count/paths.ts';
import { plan } from '../count/planned-provisioning.ts';
import { type CountResults, countResultsFile } from '../count/results.ts';
import { withCountedAws } from '../support/local-aws.ts';
import { madeNow, writeResults } from '../support/results.ts';

/** Provisionings after which every function is warm and has its caches, including those of notifications. */
const WARM_UP = [paths.notified, paths.provisioned, paths.provisioned, paths.provisioned];

/** Counts every path on a local AWS, one after the other, and records the counts. */
export async function countAll(): Promise<void> {
  const results: CountResults = { made: madeNow(), paths: {} };
  await withCountedAws(async (outputs, proxyUrl) => {
    const underTest: SystemUnderTest = { outputs, system: systemOf(outputs) };
    for (const path of WARM_UP) await provision(underTest, await plan(outputs), path);
    for (const [name, path] of Object.entries<Path>(paths)) {
      const planned = await (path.plan?.(underTest) ?? plan(outputs));
      const { counts, invocations, bytes } = await countAlone({
        outputs,
        proxyUrl,
        planned,
        run: () => provision(underTest, planned, path),
        countedFaults: path.faults?.(planned) ?? [],
      });
      const functions: CountResults['paths'][string]['functions'] = {};
      for (const { functionName, duration, memory } of invocations) {
        const { runs, milliseconds } = functions[functionName] ?? { runs: 0, milliseconds: 0 };
        functions[functionName] = { runs: runs + 1, milliseconds: milliseconds + duration, memory };
      }
      results.paths[name] = { counts, functions, log_bytes: bytes };
      process.stdout.write(`${path.title}: ${JSON.stringify(counts)}\n`);
    }
  });
  writeResults(countResultsFile, results);
}
