import { join } from 'node:path';
import { colors } from '../../cli/support/colors.ts';
import { npmCommand, runCommand } from '../../cli/support/command.ts';
import { CommandError } from '../../cli/support/command-error.ts';
import { root } from '../../cli/support/paths.ts';
import { exclusively } from '../../local/lock.ts';
import { ensurePython } from '../../local/python.ts';
import { type JestRun, runJest } from '../runner/jest.ts';
import { apply, copyCheckout } from './copy.ts';
import { type Mutation, mutations } from './mutations.ts';

/**
 * `npm run test:mutations [text ...]`: takes away, one after the other, what the invariants rest on, in a copy of the
 * checkout, and expects the tests that it names to turn red each time; with texts only the mutations whose names contain one.
 * First the same cases have to be green without a mutation, else red would mean nothing.
 */
export async function main(args: string[]): Promise<number> {
  const command = npmCommand('test:mutations')
    .description('Takes away what the invariants rest on, and expects tests to fail each time.')
    .argument('[text...]', 'only the mutations whose names contain one of these');
  return runCommand(
    () => command.parse(args, { from: 'user' }),
    () => tryOutNamed(command.processedArgs[0]),
  );
}

async function tryOutNamed(texts: readonly string[]): Promise<number> {
  const chosen = mutations.filter(
    ({ name }) => texts.length === 0 || texts.some((text) => name.includes(text)),
  );
  if (chosen.length === 0)
    throw new CommandError('No mutation has such a name.', 'See test/mutations/mutations.ts.');
  await ensurePython({ onProgress: () => undefined });
  const place = join(root, '.build', 'mutations');
  return exclusively(place, () => tryOut(chosen, join(place, 'mutant')), { heldError: busy });
}

/** Two runs would mutate one copy. */
const busy = new CommandError(
  'Mutations are tried out already.',
  'Wait until that run has ended, or stop it.',
);

async function tryOut(chosen: readonly Mutation[], copy: string): Promise<number> {
  await copyCheckout(copy);

  let said = 0;
  let failed = 0;
  const say = (isGood: boolean, what: string): void => {
    said += 1;
    if (!isGood) failed += 1;
    process.stdout.write(`${isGood ? colors.green('✔') : colors.red('✘')} ${what}\n`);
  };

  for (const suite of ['faults', 'e2e'] as const) {
    const caught = chosen.filter(({ caughtBy }) => (caughtBy.suite ?? 'faults') === suite);
    if (caught.length === 0) continue;
    const sound = await runCases(copy, suite, caught);
    say(
      sound.exitCode === 0 && failuresOf(sound).length === 0,
      `without a mutation the cases of ${suite} are green`,
    );
  }
  for (const mutation of chosen) {
    const takeBack = await apply(mutation, copy);
    const run = await runCases(copy, mutation.caughtBy.suite ?? 'faults', [mutation]);
    await takeBack();
    const [first] = failuresOf(run);
    say(
      first !== undefined,
      `${mutation.name}: ${first === undefined ? 'NOT caught' : `caught by "${first}"`}`,
    );
  }
  process.stdout.write(`${said - failed} passed, ${failed} failed\n`);
  return failed === 0 ? 0 : 1;
}

/** The cases of the mutations, all of one suite. The failure suite is not told by Jest which of its cases to run. */
const runCases = (copy: string, suite: 'faults' | 'e2e', chosen: readonly Mutation[]): Promise<JestRun> => {
  const files = [...new Set(chosen.map(({ caughtBy }) => caughtBy.file))];
  const cases = chosen.map(({ caughtBy }) => caughtBy.cases).join('|');
  return runJest(suite, {
    workers: 1,
    checkout: copy,
    pattern: `${suite}/(${files.join('|')})\\.test`,
    ...(suite === 'faults' ? { environment: { FAULTS_ONLY: cases } } : { names: cases }),
  });
};

/** Names of the tests that failed; a suite that could not run at all has none. */
const failuresOf = ({ report }: JestRun): string[] =>
  (report?.testResults ?? [])
    .flatMap(({ assertionResults }) => assertionResults)
    .filter(({ status }) => status === 'failed')
    .map(({ fullName }) => fullName);
