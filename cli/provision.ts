import { setTimeout } from 'node:timers/promises';
import { connect } from './connect.ts';
import { main as run } from './program.ts';
import { terminal } from './terminal.ts';

/** `provision`: the command line in the real world. */
export async function main(args: string[]): Promise<number> {
  const interrupted = new AbortController();
  // Twice: at once. What was asked for goes on in any case.
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
