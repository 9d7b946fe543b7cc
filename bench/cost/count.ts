import { systemOf } from '../../local/system.ts';
import { countAlone } from '../count/count.ts';
import { type Path, paths, provision, type World } from '../count/paths.ts';
import { type CountResults, countResultsFile } from '../count/results.ts';
import { planned } from '../count/subject.ts';
import { withCountedAws } from '../support/local-aws.ts';
import { madeNow, writeResults } from '../support/results.ts';

/** Until every function has run, also those that only announcements need, and remembers what it remembers. */
const WARM_UP = [paths.announced, paths.provisioned, paths.provisioned, paths.provisioned];

/** Counts every path on a local AWS of its own, one after the other, and keeps what was counted. */
export async function countAll(): Promise<void> {
  const results: CountResults = { made: madeNow(), paths: {} };
  await withCountedAws(async (outputs, proxyUrl) => {
    const world: World = { outputs, system: systemOf(outputs) };
    for (const path of WARM_UP) await provision(world, await planned(outputs), path);
    for (const [name, path] of Object.entries<Path>(paths)) {
      const subject = await (path.plan?.(world) ?? planned(outputs));
      const { counts, invocations, bytes } = await countAlone({
        outputs,
        proxyUrl,
        subject,
        run: () => provision(world, subject, path),
        hits: path.hits?.(subject) ?? [],
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
