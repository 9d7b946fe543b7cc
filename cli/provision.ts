import { setTimeout } from 'node:timers/promises';
import askForPassword from '@inquirer/password';
import spinner from 'yocto-spinner';
import { connect } from './connect.ts';
import { main as run } from './program.ts';
import type { Progress, Terminal } from './session.ts';

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

function terminal(signal: AbortSignal): Terminal {
  const { stdin, stdout, stderr } = process;
  return {
    out: (text) => void stdout.write(text),
    err: (text) => void stderr.write(text),
    progress: () => (stderr.isTTY ? live() : lines()),
    readInput: async () => {
      const parts: Buffer[] = [];
      for await (const part of stdin) parts.push(Buffer.from(part));
      return Buffer.concat(parts);
    },
    askSecret: stdin.isTTY
      ? (message) => askForPassword({ message }, { output: stderr, signal, clearPromptOnDone: true })
      : undefined,
  };
}

function live(): Progress {
  const shown = spinner({ stream: process.stderr, handleSignals: false });
  return {
    say(text, detail = '') {
      shown.text = `${text} ${detail}`;
      if (!shown.isSpinning) shown.start();
    },
    end: () => void shown.stop(),
  };
}

function lines(): Progress {
  let last = '';
  return {
    say(text) {
      if (text === last) return;
      last = text;
      process.stderr.write(`${text}\n`);
    },
    end: () => undefined,
  };
}
