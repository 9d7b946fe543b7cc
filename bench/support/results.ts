import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { arch, cpus, platform, totalmem } from 'node:os';
import * as z from 'zod';
import { root } from '../../cli/support/paths.ts';

/** Date, version and computer of a result. */
export const made = z.strictObject({
  at: z.iso.datetime(),
  /** Commit; with `+` if the checkout had changes other than results and the pages generated from them. */
  version: z.string(),
  node: z.string(),
  machine: z.string(),
});
export type Made = z.infer<typeof made>;

/** Files that a run of the benchmarks changes. */
const GENERATED = ['bench/results', 'docs/performance.md', 'docs/cost.md'];

export function madeNow(): Made {
  const git = (...args: string[]) => execFileSync('git', args, { cwd: root, encoding: 'utf8' }).trim();
  const changes = git('status', '--porcelain', '--', '.', ...GENERATED.map((path) => `:!${path}`));
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
