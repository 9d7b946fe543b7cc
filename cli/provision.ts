import { setTimeout } from 'node:timers/promises';
import { connect } from './connect.ts';
import { main as run } from './program.ts';
import { terminal } from './terminal.ts';

/** `provision`: runs the command line with the terminal, clock and environment of this process. */
export async function main(args: string[]): Promise<number> {
  const interrupted = new AbortController();
  // The second interrupt exits at once. The request continues in both cases.
  process.once('SIGINT', () => {
    interrupted.abort(new Error('interrupted'));
    process.once('SIGINT', () => process.exit(130));
  });
  const { signal } = interrupted;
  return run(args, {
    terminal: terminal(signal),
    clock: {
      now: () => Date.now(),
      sleep: (milliseconds) => setTimeout(milliseconds, undefined, { signal }),
    },
    environment: process.env,
    connect,
    interrupted: signal,
  });
}
