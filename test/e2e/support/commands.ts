import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { root, settings } from '../../../cli/support/paths.ts';

const runbooks = join(root, 'docs', 'runbooks');

/** The npm commands of a runbook's shell blocks, in their order. */
export const commandsOf = (runbook: string): string[] =>
  linesOf(`${runbook}.md`).filter((line) => line.startsWith('npm run '));

/** The commands of the command line in all runbooks, each once, with the runbooks that have it. */
export function provisionCommands(): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const file of readdirSync(runbooks))
    for (const line of linesOf(file).filter((one) => one.startsWith('npx provision ')))
      found.set(line, [...(found.get(line) ?? []), file]);
  return found;
}

/** The lines of a runbook's shell blocks. */
function linesOf(file: string): string[] {
  const text = readFileSync(join(runbooks, file), 'utf8');
  return [...text.matchAll(/^```sh\n(.*?)^```$/gms)].flatMap(([, lines = '']) => lines.split('\n'));
}

export interface Ran {
  /** Null when a signal ended it. */
  status: number | null;
  /** What it says on both streams, as it comes; then on each. */
  output: string;
  stdout: string;
  stderr: string;
}

/**
 * Runs a command as an operator types it, on the system under test, with variables of the shell.
 */
export async function run(command: string, variables: Record<string, string> = {}): Promise<Ran> {
  const shell = spawn('bash', ['-euo', 'pipefail', '-c', command], {
    cwd: root,
    env: { ...process.env, LOCAL_AWS_DIR: settings().directory, ...variables },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const said = { output: '', stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const)
    shell[stream].setEncoding('utf8').on('data', (text: string) => {
      said.output += text;
      said[stream] += text;
    });
  const [status] = z
    .tuple([z.int().nullable()])
    .rest(z.unknown())
    .parse(await once(shell, 'close'));
  return { status, ...said };
}
