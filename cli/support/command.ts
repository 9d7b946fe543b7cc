import { Command, CommanderError } from '@commander-js/extra-typings';
import { addTargetEnvironment } from '../target-environment.ts';

/** Status of a command that was typed wrongly. */
const WRONG_USAGE = 2;

/** A command of npm. */
export const npmCommand = (name: string) => new Command(`npm run ${name} --`).exitOverride();

/** One that goes to the local AWS or to AWS, with the options that all of these have. */
export const newCommand = (name: string): Command => addTargetEnvironment(npmCommand(name));

/** Parses what was typed, then runs the command; the exit status. Commander says itself what was typed wrongly. */
export async function runCommand(parse: () => unknown, run: () => Promise<number>): Promise<number> {
  try {
    parse();
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : WRONG_USAGE;
    throw error;
  }
  return run();
}
