import pLimit from 'p-limit';
import { explain } from '../cli/explain.ts';
import type { Terminal } from '../cli/session.ts';
import type { Check } from './check.ts';
import type { DeployedSystem } from './system.ts';
import { CheckFailed, NotApplicable } from './verdict.ts';

/** Runs checks, reports each result, and removes what they have created in every case. */

/** Concurrent checks, besides those that mostly wait: few enough for the rate limits of a caller. */
const MAX_CONCURRENCY = 3;

interface Counts {
  passed: number;
  failed: number;
  notApplicable: number;
}

type CheckResult = { verdict: 'passed' | 'failed' | 'notApplicable'; found: string };

const SIGNS = { passed: '✔', failed: '✘', notApplicable: '–' } as const;

/** The part of the system that the cleanup needs. */
type SystemWithCleanup = Pick<DeployedSystem, 'cleanup' | 'names' | 'poolUser' | 'progress'>;

interface RunOptions {
  terminal: Pick<Terminal, 'out'>;
  now: () => number;
  /** Aborted when the user interrupts the command: no further check starts. */
  interrupted: AbortSignal;
}

/** @returns how many checks have passed, failed, and are not applicable; a failed cleanup counts as failed */
export async function runChecks<System extends SystemWithCleanup>(
  stages: readonly (readonly Check<System>[])[],
  system: System,
  { terminal, now, interrupted }: RunOptions,
): Promise<Counts> {
  const counts: Counts = { passed: 0, failed: 0, notApplicable: 0 };
  const report = ({ verdict, found }: CheckResult, claim: string, seconds: number) => {
    counts[verdict] += 1;
    system.progress.stop();
    terminal.out(`${SIGNS[verdict]} ${claim} (${seconds.toFixed(1)} s)\n    ${found}\n`);
  };
  const limit = pLimit(MAX_CONCURRENCY);
  const run = async ({ name, claim, run: check }: Check<System>): Promise<void> => {
    if (interrupted.aborted) return;
    const startedAt = now();
    system.progress.update(claim);
    const result = await resultOf(() => check(system));
    // An interrupted check has no result.
    if (!interrupted.aborted) report(result, `${name}: ${claim}`, (now() - startedAt) / 1000);
  };
  try {
    for (const stage of stages)
      await Promise.all(
        stage.map((check) => (check.runsInParallel === true ? run(check) : limit(() => run(check)))),
      );
  } finally {
    const startedAt = now();
    const result = await cleanUp(system);
    report(result, 'cleanup: Every resource of the run is removed.', (now() - startedAt) / 1000);
  }
  return counts;
}

async function resultOf(run: () => Promise<string>): Promise<CheckResult> {
  try {
    return { verdict: 'passed', found: await run() };
  } catch (error) {
    if (error instanceof NotApplicable)
      return { verdict: 'notApplicable', found: `Not checked: ${error.message}.` };
    if (error instanceof CheckFailed) return { verdict: 'failed', found: error.message };
    const { message, remedy } = explain(error);
    return { verdict: 'failed', found: `${message} → ${remedy}` };
  }
}

/** Removes all resources, and verifies that the users are removed. */
async function cleanUp(system: SystemWithCleanup): Promise<CheckResult> {
  const { removed, remaining } = await system.cleanup.run((description) =>
    system.progress.update(`Removing ${description}`),
  );
  for (const name of system.names) {
    try {
      if ((await system.poolUser(name)) !== undefined) remaining.push(`the pool has the user ${name}`);
    } catch (error) {
      remaining.push(`it is not known whether the pool has the user ${name}: ${explain(error).message}`);
    }
  }
  if (remaining.length === 0) return { verdict: 'passed', found: `${removed} removed.` };
  return { verdict: 'failed', found: `Left behind: ${remaining.join('; ')}` };
}
