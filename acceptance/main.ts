import { setTimeout } from 'node:timers/promises';
import { connect } from '../cli/connect.ts';
import { terminal } from '../cli/terminal.ts';
import { acceptance } from './command.ts';

const SIGNALS = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129, SIGPIPE: 141 } as const;

/** `npm run acceptance`. An interrupt stops it after the cleanup, a second one at once. */
export async function main(args: string[]): Promise<number> {
  const interrupted = new AbortController();
  let status: number | undefined;
  for (const [signal, code] of Object.entries(SIGNALS))
    process.on(signal, () => {
      if (status !== undefined) process.exit(code);
      status = code;
      interrupted.abort(new Error('interrupted'));
      if (signal !== 'SIGPIPE') process.stderr.write('\nStopping after the cleanup.\n');
    });
  const { signal } = interrupted;
  const result = await acceptance(args, {
    terminal: terminal(signal),
    clock: {
      now: () => Date.now(),
      sleep: (milliseconds) => setTimeout(milliseconds, undefined, { signal }),
    },
    connect,
    environment: process.env,
    interrupted: signal,
  });
  return status ?? result;
}
