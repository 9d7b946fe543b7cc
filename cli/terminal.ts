import askForPassword from '@inquirer/password';
import spinner from 'yocto-spinner';
import type { Progress, Terminal } from './session.ts';

/** The terminal of this process. `signal` is aborted when the user interrupts the command. */
export function terminal(signal: AbortSignal): Terminal {
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
    promptSecret: stdin.isTTY
      ? (message) => askForPassword({ message }, { output: stderr, signal, clearPromptOnDone: true })
      : undefined,
  };
}

function live(): Progress {
  const spinnerLine = spinner({ stream: process.stderr, handleSignals: false });
  return {
    update(text, detail = '') {
      spinnerLine.text = `${text} ${detail}`;
      if (!spinnerLine.isSpinning) spinnerLine.start();
    },
    stop: () => void spinnerLine.stop(),
  };
}

function lines(): Progress {
  let last = '';
  return {
    update(text) {
      if (text === last) return;
      last = text;
      process.stderr.write(`${text}\n`);
    },
    stop: () => undefined,
  };
}
