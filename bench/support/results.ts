import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { arch, cpus, platform, totalmem } from 'node:os';
import * as z from 'zod';
import { root } from '../../cli/support/paths.ts';

/** When, with which version and on which machine a result was made. */
export const made = z.strictObject({
  at: z.iso.datetime(),
  /** Commit; with `+` when the checkout had changes to more than results and the pages made of them. */
  version: z.string(),
  node: z.string(),
  machine: z.string(),
});
export type Made = z.infer<typeof made>;

/** What a run of the benchmarks itself changes. */
const WRITTEN = ['bench/results', 'docs/performance.md', 'docs/cost.md'];

export function madeNow(): Made {
  const git = (...args: string[]) => execFileSync('git', args, { cwd: root, encoding: 'utf8' }).trim();
  const changes = git('status', '--porcelain', '--', '.', ...WRITTEN.map((path) => `:!${path}`));
  const [cpu] = cpus();
  return {
    at: new Date().toISOString(),
    version: `${git('rev-parse', '--short', 'HEAD')}${changes === '' ? '' : '+'}`,
    node: process.versions.node,
    machine: `${cpus().length} × ${cpu?.model ?? 'unknown'}, ${Math.round(totalmem() / 2 ** 30)} GB, ${platform()} ${arch()}`,
  };
}

export const writeResults = (file: string, results: object): void =>
  writeFileSync(file, `${JSON.stringify(results, null, 2)}\n`);
