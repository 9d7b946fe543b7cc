import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { root } from '../../../cli/support/paths.ts';

/** A shell that runs the commands of the documentation one after the other. */
export interface Shell {
  /** Runs commands; returns the output of both streams. @throws Error with the output if a command fails */
  run(commands: string): Promise<string>;
  /** Ends the shell. */
  end(): Promise<void>;
}

/** Node connects a process by a socket, which cannot be opened as /dev/stdout; a pipe can. */
const PIPED = 'exec bash -uo pipefail > >(exec cat) 2>&1';

/** Time limit of a block of commands, in milliseconds; a deployment and its acceptance take longest. */
const TIMEOUT_MS = 300_000;

/** Opens a shell at the root of the checkout with exactly this environment. Its variables and functions persist. */
export function openShell(environment: NodeJS.ProcessEnv): Shell {
  const shell = spawn('bash', ['-c', PIPED], { cwd: root, env: environment, stdio: 'pipe' });
  const closed = new Promise<void>((resolve) => shell.once('close', () => resolve()));
  let output = '';
  let onOutput: () => void = () => undefined;
  for (const stream of [shell.stdout, shell.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      onOutput();
    });

  return {
    async run(commands) {
      const endMarker = `finished-${randomUUID()}`;
      output = '';
      // Without /dev/null, commands that read standard input would consume the following lines.
      shell.stdin.write(
        `__status=0; trap '__status=$?' ERR; set -E\n{\n${commands}\n} < /dev/null\ntrap - ERR; { echo; echo "${endMarker} $__status"; } >&2\n`,
      );
      const status = await Promise.race([
        new Promise<string>((resolve) => {
          onOutput = () => {
            const found = new RegExp(`\\n${endMarker} (\\d+)\\n`).exec(output);
            if (found !== null) resolve(found[1] ?? '');
          };
          onOutput();
        }),
        closed.then(() => 'the shell was closed'),
        // A command may wait for input that never arrives.
        setTimeout(TIMEOUT_MS, 'timed out', { ref: false }),
      ]);
      const text = output.replace(new RegExp(`\\n${endMarker} \\d+\\n`), '');
      if (status !== '0') throw new Error(`The commands failed (${status}).\n${commands}\n${text}`);
      return text;
    },

    async end() {
      shell.stdin.end();
      shell.kill();
      await closed;
    },
  };
}
