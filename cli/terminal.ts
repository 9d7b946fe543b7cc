import askForPassword from '@inquirer/password';
import spinner from 'yocto-spinner';
import type { Progress, Terminal } from './session.ts';

/** The terminal of this process. `signal`: aborted when the user has had enough. */
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
