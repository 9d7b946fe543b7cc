import { Command, CommanderError } from '@commander-js/extra-typings';
import { explain } from '../explain.ts';
import { addTargetEnvironment } from '../target-environment.ts';
import { CommandError } from './command-error.ts';

/** Exit status for a wrong command line. */
const WRONG_USAGE = 2;

/** The command of an npm script. */
export const npmCommand = (name: string) => new Command(`npm run ${name} --`).exitOverride();

/** A command with the options that select the target environment. */
export const newCommand = (name: string): Command => addTargetEnvironment(npmCommand(name));

/**
 * Parses the command line, then runs the command. Commander prints usage errors itself.
 * @returns the exit status
 */
export async function runCommand(parse: () => unknown, run: () => Promise<number>): Promise<number> {
  try {
    parse();
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : WRONG_USAGE;
    throw error;
  }
  return run();
}

/**
 * The same for a command that calls a deployed system.
 * @throws CommandError for an error that the user can repair: no credentials, not deployed, not reachable
 */
export const runOnSystem = (parse: () => unknown, run: () => Promise<number>): Promise<number> =>
  runCommand(parse, async () => {
    try {
      return await run();
    } catch (error) {
      const { exit, message, remedy } = explain(error);
      throw exit === 'unexpected' ? error : new CommandError(message, remedy);
    }
  });

/** The program of an npm script that takes no arguments: `--help` describes it, any other argument is wrong usage. */
export const programWithoutArguments =
  (name: string, description: string, run: () => Promise<number>) =>
  (args: string[]): Promise<number> => {
    const command = npmCommand(name).description(description);
    return runCommand(() => command.parse(args, { from: 'user' }), run);
  };
