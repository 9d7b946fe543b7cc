import { systemOf } from '../../local/system.ts';
import { countAlone } from '../count/count.ts';
import { countedTargets, type Path, paths, provision, type SystemUnderTest } from '../count/paths.ts';
import { plan } from '../count/planned-provisioning.ts';
import { type CountResults, countResultsFile } from '../count/results.ts';
import { withCountedAws } from '../support/local-aws.ts';
import { madeNow, writeResults } from '../support/results.ts';

/** Provisionings after which every function is warm and has its caches, including those of notifications. */
const WARM_UP = [
  ...[paths.notified, paths.provisioned, paths.provisioned, paths.provisioned],
  ...[paths.at_five_targets, paths.at_five_targets],
];

/**
 * Attempts to count a path until it needs no sign-in: each execution environment of a function caches the token of each
 * target.
 */
const TRIES = 30;

/** Counts every path on a local AWS, one after the other, and records the counts. */
export async function countAll(): Promise<void> {
  const results: CountResults = { made: madeNow(), paths: {} };
  await withCountedAws(countedTargets, async (outputs, proxyUrl) => {
    const underTest: SystemUnderTest = { outputs, system: systemOf(outputs) };
    const planOf = async ({ targets, plan: planned }: Path) =>
      planned?.(underTest) ?? plan(outputs, targets === undefined ? {} : { targets: [...targets] });
    const count = async (path: Path) => {
      const planned = await planOf(path);
      return countAlone({
        outputs,
        proxyUrl,
        planned,
        run: () => provision(underTest, planned, path),
        countedFaults: path.faults?.(planned) ?? [],
      });
    };
    for (const path of WARM_UP) await provision(underTest, await planOf(path), path);
    for (const [name, path] of Object.entries<Path>(paths)) {
      let counted = await count(path);
      for (let n = 1; n < TRIES && path.targets !== undefined && counted.counts.sign_ins > 0; n += 1)
        counted = await count(path);
      const { counts, invocations, bytes } = counted;
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
