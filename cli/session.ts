import * as z from 'zod';
import type { Clock } from '../handlers/shared/executions.ts';
import { commandLine } from './command-line.ts';
import { type Connection, type ConnectOptions, connectOptions } from './connect.ts';
import { type Exit, exits } from './exit-status.ts';
import { explain } from './explain.ts';
import type { Propose } from './format.ts';

/** What a command depends on: the terminal, the clock, and the connection to the system. */

/** Shows progress on standard error: a spinner on a terminal, else one line for each new `text`. */
export interface Progress {
  /** `detail` changes often; only the spinner shows it. */
  update(text: string, detail?: string): void;
  stop(): void;
}

export interface Terminal {
  /** Writes to standard output. */
  out(text: string): void;
  /** Writes to standard error. */
  err(text: string): void;
  progress(): Progress;
  /** Reads standard input until its end. */
  readInput(): Promise<Uint8Array>;
  /** A prompt that does not echo; `undefined` when standard input is not a terminal. */
  promptSecret: ((question: string) => Promise<string>) | undefined;
}

export interface Runtime {
  terminal: Terminal;
  clock: Clock;
  environment: NodeJS.ProcessEnv;
  connect: (options: ConnectOptions, world: Pick<Runtime, 'environment' | 'interrupted'>) => Connection;
  /** Aborted when the user interrupts the command. */
  interrupted: AbortSignal;
}

export interface Session extends Omit<Runtime, 'connect'> {
  connection: Connection;
  json: boolean;
  progress: Progress;
  /** Formats a command with the global options of this one. */
  propose: Propose;
  /** Prints the result: `value` as JSON with `--json`, else `text`. */
  print(value: object, text: string): void;
}

/** Called by the actions of commander: runs a command with the parsed options. */
export type Run = (
  command: { optsWithGlobals(): unknown },
  action: (session: Session) => Promise<Exit>,
) => Promise<void>;

const globalOptions = z.object({ ...connectOptions.shape, json: z.boolean().optional() });

/** Runs a command: connects, shows progress, reports an error, and returns the exit status. */
export async function runIn(
  world: Runtime,
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
      propose: proposeFor(connecting),
      print(value, text) {
        progress.stop();
        world.terminal.out(json ? `${JSON.stringify(value)}\n` : `${text}\n`);
      },
    };
    return exits[await command(session)].status;
  } catch (error) {
    progress.stop();
    return report(world, error, json);
  } finally {
    progress.stop();
  }
}

/** How a user of the checkout calls this program. */
const PROGRAM = 'npx provision';

/** Formats commands with these global options. */
export const proposeFor =
  ({ aws, profile, region, apiUrl, apiKeyFile }: ConnectOptions): Propose =>
  ({ command, options = [], ...rest }) => {
    const option = (name: string, value: string | undefined) =>
      value === undefined ? [] : [[name, value] as const];
    return commandLine({
      ...rest,
      command: `${PROGRAM} ${command}`,
      options: [
        ...options,
        ...(aws === true ? [['--aws'] as const] : []),
        ...option('--profile', profile),
        ...option('--region', region),
        ...option('--api-url', apiUrl),
        ...option('--api-key-file', apiKeyFile),
      ],
    });
  };

/** Prints an error: as JSON on standard output with `--json`, else on standard error. Returns the exit status. */
export function report({ terminal, interrupted }: Runtime, error: unknown, json: boolean): number {
  if (interrupted.aborted) {
    terminal.err('Interrupted. The request continues.\n');
    return exits.interrupted.status;
  }
  const { exit, code, message, remedy } = explain(error);
  if (json) terminal.out(`${JSON.stringify({ error: { code, message, remedy } })}\n`);
  else terminal.err(`${message}\n→ ${remedy}\n`);
  return exits[exit].status;
}
