import { join } from 'node:path';
import { execa } from 'execa';
import { root } from '../../cli/support/paths.ts';
import type { Result } from './result.ts';

/** Runs a tool of node_modules that checks the whole tree; its exit status is the verdict. */
export async function checkWith(name: string, command: string, args: string[]): Promise<Result> {
  const begun = Date.now();
  const { failed, all, message } = await execa(join(root, 'node_modules', '.bin', command), args, {
    cwd: root,
    all: true,
    reject: false,
  });
  return {
    name,
    passed: failed ? 0 : 1,
    failed: failed ? 1 : 0,
    seconds: (Date.now() - begun) / 1000,
    complaint: failed ? all || message : undefined,
  };
}
