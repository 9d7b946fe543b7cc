import { join } from 'node:path';
import { colors } from '../../cli/support/colors.ts';
import { npmCommand, runCommand } from '../../cli/support/command.ts';
import { CommandError } from '../../cli/support/command-error.ts';
import { root } from '../../cli/support/paths.ts';
import { exclusively } from '../../local/lock.ts';
import { ensurePython } from '../../local/python.ts';
import { targets } from '../faults/support/targets.ts';
import { type JestRun, runJest } from '../runner/jest.ts';
import { apply, copyCheckout } from './copy.ts';
import { type Mutation, mutations } from './mutations.ts';

/**
 * `npm run test:mutations [text ...]`: applies each mutation to a copy of the checkout, and expects the named tests to
 * fail; with texts, only the mutations whose names contain one of them. The same tests must pass without a mutation first.
 */
export async function main(args: string[]): Promise<number> {
  const command = npmCommand('test:mutations')
    .description('Removes parts that the invariants depend on, and expects tests to fail each time.')
    .argument('[text...]', 'only the mutations whose names contain one of these');
  return runCommand(
    () => command.parse(args, { from: 'user' }),
    () => runNamed(command.processedArgs[0]),
  );
}

async function runNamed(texts: readonly string[]): Promise<number> {
  const chosen = mutations.filter(
    ({ name }) => texts.length === 0 || texts.some((text) => name.includes(text)),
  );
  if (chosen.length === 0)
    throw new CommandError('No mutation has this text in its name.', 'See test/mutations/mutations.ts.');
  await ensurePython({ onProgress: () => undefined });
  const directory = join(root, '.build', 'mutations');
  return exclusively(directory, () => runMutations(chosen, join(directory, 'mutant')), {
    heldError: alreadyRunning,
  });
}

/** Two runs would change the same copy. */
const alreadyRunning = new CommandError(
  'Mutation tests are running already.',
  'Wait until that run has finished, or stop it.',
);

async function runMutations(chosen: readonly Mutation[], copy: string): Promise<number> {
  await copyCheckout(copy);

  let checked = 0;
  let failed = 0;
  const report = (hasPassed: boolean, text: string): void => {
    checked += 1;
    if (!hasPassed) failed += 1;
    process.stdout.write(`${hasPassed ? colors.green('✔') : colors.red('✘')} ${text}\n`);
  };

  for (const suite of ['faults', 'e2e', 'accounts'] as const)
    for (const target of targets) {
      const [first, ...others] = chosen.filter(
        ({ caughtBy }) => suiteOf(caughtBy) === suite && targetOf(caughtBy) === target,
      );
      if (first === undefined) continue;
      const unchanged = await runCases(copy, [first, ...others]);
      report(
        unchanged.exitCode === 0 && failuresOf(unchanged).length === 0,
        `without a mutation, the cases of ${suite} pass with the target ${target}`,
      );
    }
  for (const mutation of chosen) {
    const revert = await apply(mutation, copy);
    const run = await runCases(copy, [mutation]);
    await revert();
    const [first] = failuresOf(run);
    report(
      first !== undefined,
      `${mutation.name}: ${first === undefined ? 'NOT caught' : `caught by "${first}"`}`,
    );
  }
  process.stdout.write(`${checked - failed} passed, ${failed} failed\n`);
  return failed === 0 ? 0 : 1;
}

const suiteOf = ({ suite }: Mutation['caughtBy']) => suite ?? 'faults';
const targetOf = ({ target }: Mutation['caughtBy']) => target ?? targets[0];

/**
 * Runs the cases of mutations, all of one suite and one target. FAULTS_ONLY selects the cases of the failure suite, and
 * FAULTS_TARGET its target.
 */
const runCases = (copy: string, chosen: readonly [Mutation, ...Mutation[]]): Promise<JestRun> => {
  const [{ caughtBy: first }] = chosen;
  const suite = suiteOf(first);
  const files = [...new Set(chosen.map(({ caughtBy }) => caughtBy.file))];
  const cases = chosen.map(({ caughtBy }) => caughtBy.cases).join('|');
  return runJest(suite, {
    workers: 1,
    checkout: copy,
    pattern: `${suite}/(${files.join('|')})\\.test`,
    ...(suite === 'faults'
      ? { environment: { FAULTS_ONLY: cases, FAULTS_TARGET: targetOf(first) } }
      : { names: cases }),
  });
};

/** Names of the failed tests; empty if the suite could not run. */
const failuresOf = ({ report }: JestRun): string[] =>
  (report?.testResults ?? [])
    .flatMap(({ assertionResults }) => assertionResults)
    .filter(({ status }) => status === 'failed')
    .map(({ fullName }) => fullName);
