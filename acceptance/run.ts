import pLimit from 'p-limit';
import { explain } from '../cli/explain.ts';
import type { Terminal } from '../cli/session.ts';
import type { Check } from './check.ts';
import type { DeployedSystem } from './system.ts';
import { CheckFailed, NotApplicable } from './verdict.ts';

/** Runs checks, tells of each; whatever happens, what they have made is taken away. */

/** Checks at once, beside those that wait: enough to be quick, few enough for the limits of a caller. */
const AT_ONCE = 3;

interface Counts {
  passed: number;
  failed: number;
  notApplicable: number;
}

type Outcome = { verdict: 'passed' | 'failed' | 'notApplicable'; saw: string };

const SIGNS = { passed: '✔', failed: '✘', notApplicable: '–' } as const;

/** What a run has made, and whether it is still there. */
type Cleaned = Pick<DeployedSystem, 'cleanup' | 'names' | 'poolUser' | 'progress'>;

interface Around {
  terminal: Pick<Terminal, 'out'>;
  now: () => number;
  /** Aborted when the user has had enough: no further check begins. */
  interrupted: AbortSignal;
}

/** @returns how many have passed, have failed, and could not be decided here; what is left behind counts as failed */
export async function runChecks<System extends Cleaned>(
  stages: readonly (readonly Check<System>[])[],
  system: System,
  { terminal, now, interrupted }: Around,
): Promise<Counts> {
  const counts: Counts = { passed: 0, failed: 0, notApplicable: 0 };
  const tell = ({ verdict, saw }: Outcome, claim: string, seconds: number) => {
    counts[verdict] += 1;
    system.progress.stop();
    terminal.out(`${SIGNS[verdict]} ${claim} (${seconds.toFixed(1)} s)\n    ${saw}\n`);
  };
  const limit = pLimit(AT_ONCE);
  const run = async ({ name, claim, run: check }: Check<System>): Promise<void> => {
    if (interrupted.aborted) return;
    const begun = now();
    system.progress.update(claim);
    const outcome = await outcomeOf(() => check(system));
    // What was interrupted is neither.
    if (!interrupted.aborted) tell(outcome, `${name}: ${claim}`, (now() - begun) / 1000);
  };
  try {
    for (const stage of stages)
      await Promise.all(stage.map((check) => (check.waits === true ? run(check) : limit(() => run(check)))));
  } finally {
    const begun = now();
    const outcome = await cleanUp(system);
    tell(outcome, 'cleanup: Nothing that the run has made is left.', (now() - begun) / 1000);
  }
  return counts;
}

async function outcomeOf(run: () => Promise<string>): Promise<Outcome> {
  try {
    return { verdict: 'passed', saw: await run() };
  } catch (error) {
    if (error instanceof NotApplicable)
      return { verdict: 'notApplicable', saw: `Not checked: ${error.message}.` };
    if (error instanceof CheckFailed) return { verdict: 'failed', saw: error.message };
    const { message, remedy } = explain(error);
    return { verdict: 'failed', saw: `${message} → ${remedy}` };
  }
}

/** Takes everything away, and looks whether the users are really gone. */
async function cleanUp(system: Cleaned): Promise<Outcome> {
  const { removed, left } = await system.cleanup.run((description) =>
    system.progress.update(`Removing ${description}`),
  );
  for (const name of system.names) {
    try {
      if ((await system.poolUser(name)) !== undefined) left.push(`the pool has the user ${name}`);
    } catch (error) {
      left.push(`whether the pool has the user ${name} is not known: ${explain(error).message}`);
    }
  }
  if (left.length === 0) return { verdict: 'passed', saw: `${removed} removed.` };
  return { verdict: 'failed', saw: `Left behind: ${left.join('; ')}` };
}
