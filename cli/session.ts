import * as z from 'zod';
import type { Clock } from '../handlers/shared/executions.ts';
import { commandLine } from './command-line.ts';
import { type Connection, type ConnectOptions, connectOptions } from './connect.ts';
import { type Exit, exits } from './exit-status.ts';
import { explain } from './explain.ts';
import type { Propose } from './format.ts';

/** What a command sees of the world: the terminal, the clock, and the system that it is about. */

/** Shows what is under way, on standard error: a spinner on a terminal, a line for each new `text` elsewhere. */
export interface Progress {
  /** `detail` is what changes all the time, for those who look on. */
  say(text: string, detail?: string): void;
  end(): void;
}

export interface Terminal {
  /** Writes to standard output. */
  out(text: string): void;
  /** Writes to standard error. */
  err(text: string): void;
  progress(): Progress;
  /** Everything that comes from standard input, as it comes. */
  readInput(): Promise<Uint8Array>;
  /** Asks without showing what is typed; `undefined` where nobody can be asked. */
  askSecret: ((question: string) => Promise<string>) | undefined;
}

export interface World {
  terminal: Terminal;
  clock: Clock;
  environment: NodeJS.ProcessEnv;
  connect: (options: ConnectOptions, world: Pick<World, 'environment' | 'interrupted'>) => Connection;
  /** Aborted when the user has had enough. */
  interrupted: AbortSignal;
}

export interface Session extends Omit<World, 'connect'> {
  connection: Connection;
  json: boolean;
  progress: Progress;
  /** Says a command that asks the same system, as it was typed here. */
  propose: Propose;
  /** Prints the answer: as JSON with `--json`, else for people. */
  answer(value: object, shown: string): void;
}

/** What an action of commander does: runs a command with the options that it was given. */
export type Run = (
  command: { optsWithGlobals(): unknown },
  action: (session: Session) => Promise<Exit>,
) => Promise<void>;

const globalOptions = z.object({ ...connectOptions.shape, json: z.boolean().optional() });

/** Runs a command: connects, shows progress, says what went wrong, and gives the exit status. */
export async function runIn(
  world: World,
  options: unknown,
  command: (session: Session) => Promise<Exit>,
): Promise<number> {
  const { json = false, ...connecting } = globalOptions.parse(options);
  const { connect, ...rest } = world;
  const progress = world.terminal.progress();
  try {
    const session: Session = {
      ...rest,
      connection: connect(connecting, world),
      json,
      progress,
      propose: proposing(connecting),
      answer(value, shown) {
        progress.end();
        world.terminal.out(json ? `${JSON.stringify(value)}\n` : `${shown}\n`);
      },
    };
    return exits[await command(session)].status;
  } catch (error) {
    progress.end();
    return report(world, error, json);
  } finally {
    progress.end();
  }
}

/** How a user of a clone calls this program. */
const PROGRAM = 'npx provision';

/** Commands that ask the system which these options name. */
export const proposing =
  ({ aws, profile, region, apiUrl, apiKeyFile }: ConnectOptions): Propose =>
  ({ command, options = [], ...rest }) => {
    const typed = (name: string, value: string | undefined) =>
      value === undefined ? [] : [[name, value] as const];
    return commandLine({
      ...rest,
      command: `${PROGRAM} ${command}`,
      options: [
        ...options,
        ...(aws === true ? [['--aws'] as const] : []),
        ...typed('--profile', profile),
        ...typed('--region', region),
        ...typed('--api-url', apiUrl),
        ...typed('--api-key-file', apiKeyFile),
      ],
    });
  };

/** Says what went wrong: as JSON where JSON is read, else on standard error. */
export function report({ terminal, interrupted }: World, error: unknown, json: boolean): number {
  if (interrupted.aborted) {
    terminal.err('Interrupted. What was asked for goes on.\n');
    return exits.interrupted.status;
  }
  const { exit, code, message, remedy } = explain(error);
  if (json) terminal.out(`${JSON.stringify({ error: { code, message, remedy } })}\n`);
  else terminal.err(`${message}\n→ ${remedy}\n`);
  return exits[exit].status;
}
