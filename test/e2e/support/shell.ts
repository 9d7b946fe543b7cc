import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { root } from '../../../cli/support/paths.ts';

/** A shell in which commands of the documentation are run one after the other, as somebody types them. */
export interface Shell {
  /** Runs commands; what they say on both streams. @throws Error with all of that when one of them fails */
  run(commands: string): Promise<string>;
  /** Ends the shell. */
  end(): Promise<void>;
}

/** What Node gives a process is a socket, which nobody can open as /dev/stdout; a pipe can be. */
const PIPED = 'exec bash -uo pipefail > >(exec cat) 2>&1';

/** Milliseconds that a block may take: a deployment and the proof of one are the longest. */
const WITHIN = 300_000;

/** Opens a shell at the root of the checkout with this environment and no other. Variables and functions stay. */
export function openShell(environment: NodeJS.ProcessEnv): Shell {
  const shell = spawn('bash', ['-c', PIPED], { cwd: root, env: environment, stdio: 'pipe' });
  const ended = new Promise<void>((resolve) => shell.once('close', () => resolve()));
  let said = '';
  let heard: () => void = () => undefined;
  for (const stream of [shell.stdout, shell.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      said += text;
      heard();
    });

  return {
    async run(commands) {
      const mark = `ended-${randomUUID()}`;
      said = '';
      // Commands that read would read what comes after them.
      shell.stdin.write(
        `__status=0; trap '__status=$?' ERR; set -E\n{\n${commands}\n} < /dev/null\ntrap - ERR; { echo; echo "${mark} $__status"; } >&2\n`,
      );
      const status = await Promise.race([
        new Promise<string>((resolve) => {
          heard = () => {
            const found = new RegExp(`\\n${mark} (\\d+)\\n`).exec(said);
            if (found !== null) resolve(found[1] ?? '');
          };
          heard();
        }),
        ended.then(() => 'the shell has ended'),
        // A command that waits for somebody is told from one that works.
        setTimeout(WITHIN, 'no end', { ref: false }),
      ]);
      const output = said.replace(new RegExp(`\\n${mark} \\d+\\n`), '');
      if (status !== '0') throw new Error(`It failed (${status}).\n${commands}\n${output}`);
      return output;
    },

    async end() {
      shell.stdin.end();
      shell.kill();
      await ended;
    },
  };
}
