import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { root, settings } from '../../../local/places.ts';

/** The npm commands of a runbook's shell blocks, in their order. */
export function commandsOf(runbook: string): string[] {
  const text = readFileSync(join(root, 'docs', 'runbooks', `${runbook}.md`), 'utf8');
  return [...text.matchAll(/^```sh\n(.*?)^```$/gms)].flatMap(([, commands = '']) =>
    commands.split('\n').filter((line) => line.startsWith('npm run ')),
  );
}

export interface Ran {
  /** Null when a signal ended it. */
  status: number | null;
  output: string;
}

/** Runs a command as an operator types it, on the system under test; what it says on both streams. */
export async function run(command: string): Promise<Ran> {
  const shell = spawn('bash', ['-euo', 'pipefail', '-c', command], {
    cwd: root,
    env: { ...process.env, LOCAL_AWS_DIR: settings().directory },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [shell.stdout, shell.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  const [status] = z
    .tuple([z.int().nullable()])
    .rest(z.unknown())
    .parse(await once(shell, 'close'));
  return { status, output };
}
