import { execa } from 'execa';
import { root } from '../../cli/support/paths.ts';
import { environmentOf, pathOf, type Tool } from '../../cli/support/tools.ts';
import type { Result } from './result.ts';

/** Runs a tool that checks the whole checkout; the result contains its output only if it fails. */
export async function checkWith(tool: Tool): Promise<Result> {
  const startedAt = Date.now();
  const { failed, all, message } = await execa(pathOf(tool), tool.args, {
    cwd: root,
    env: environmentOf(tool),
    all: true,
    reject: false,
  });
  return {
    name: tool.name,
    passed: failed ? 0 : 1,
    failed: failed ? 1 : 0,
    seconds: (Date.now() - startedAt) / 1000,
    output: failed ? all || message : undefined,
  };
}
