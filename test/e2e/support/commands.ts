import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { root, settings } from '../../../cli/support/paths.ts';

const runbooks = join(root, 'docs', 'runbooks');

/** The npm commands in the shell blocks of a runbook, in their order. */
export const commandsOf = (runbook: string): string[] =>
  linesOf(`${runbook}.md`).filter((line) => line.startsWith('npm run '));

/** The `npx provision` commands of all runbooks, each with the runbooks that contain it. */
export function provisionCommands(): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const file of readdirSync(runbooks))
    for (const line of linesOf(file).filter((text) => text.startsWith('npx provision ')))
      found.set(line, [...(found.get(line) ?? []), file]);
  return found;
}

/** The lines in the shell blocks of a runbook. */
function linesOf(file: string): string[] {
  const text = readFileSync(join(runbooks, file), 'utf8');
  return [...text.matchAll(/^```sh\n(.*?)^```$/gms)].flatMap(([, lines = '']) => lines.split('\n'));
}

export interface CommandResult {
  /** Exit status; null if a signal ended the process. */
  status: number | null;
  /** Both streams in the order of their output. */
  output: string;
  stdout: string;
  stderr: string;
}

/**
 * Runs a command in a shell against the system under test, with additional variables.
 */
export async function run(command: string, variables: Record<string, string> = {}): Promise<CommandResult> {
  const shell = spawn('bash', ['-euo', 'pipefail', '-c', command], {
    cwd: root,
    env: { ...process.env, LOCAL_AWS_DIR: settings().directory, ...variables },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const captured = { output: '', stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const)
    shell[stream].setEncoding('utf8').on('data', (text: string) => {
      captured.output += text;
      captured[stream] += text;
    });
  const [status] = z
    .tuple([z.int().nullable()])
    .rest(z.unknown())
    .parse(await once(shell, 'close'));
  return { status, ...captured };
}
