import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { npmCommand, runCommand } from '../../cli/support/command.ts';
import { CommandError } from '../../cli/support/command-error.ts';
import { root } from '../../cli/support/paths.ts';
import { exclusively } from '../../local/lock.ts';
import { runJest } from './jest.ts';
import { type Project, testsOf } from './paths.ts';
import { testsAreRunning } from './running.ts';

/**
 * `npm run test:one -- PATH`: runs the tests of a path, in their project of jest.config.js. Jest starts and stops what the
 * project needs (a local AWS of its own, with both stacks). A path is a test, a folder, a source file with a test of the
 * same name below test/, or a part of the path of a test.
 * @throws CommandError if no test has the path, or while other tests run in this checkout
 */
export async function main(args: string[]): Promise<number> {
  const command = npmCommand('test:one')
    .description('Runs the tests of a path, and starts what they need.')
    .argument('<path...>', 'a test, a folder of tests, a source file with a test, or a part of a path')
    .option('-t, --names <pattern>', 'run only the cases whose names match this regular expression');
  return runCommand(
    () => command.parse(args, { from: 'user' }),
    async () => {
      const [paths] = command.processedArgs;
      const { names } = command.opts();
      const found = await testsOf(paths);
      const run = () => runAll(found, names);
      // Unit tests share nothing with other runs.
      const areUnitTests = [...found.keys()].every((project) => project === 'unit');
      return areUnitTests ? run() : exclusively(join(root, '.build'), run, { heldError: testsAreRunning });
    },
  );
}

async function runAll(found: ReadonlyMap<Project, string[]>, names: string | undefined): Promise<number> {
  let status = 0;
  for (const [project, files] of found) {
    process.stdout.write(`Project ${project}: ${files.join(', ')}\n`);
    const { exitCode, report } = await runJest(project, {
      workers: project === 'unit' ? Math.min(files.length, availableParallelism()) : 1,
      pattern: `^(${files.map((file) => escapePattern(join(root, file))).join('|')})$`,
      run: 'one',
      ...(names === undefined ? {} : { names }),
    });
    if (exitCode === 0 && report?.numPassedTests === 0)
      throw new CommandError(
        `No case of ${files.join(', ')} has a name that matches ${names}.`,
        'Omit `--names` to see all names.',
      );
    status ||= exitCode;
  }
  return status;
}

/** A regular expression that matches only this text. */
const escapePattern = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
