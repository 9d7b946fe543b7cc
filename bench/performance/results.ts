import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { made } from '../support/results.ts';
import { summary } from '../support/statistics.ts';

const load = z.strictObject({
  bytes: z.int(),
  computing: z.number(),
  memory: z.int(),
});

/** Ratios by name; `before` are those of the previous run. */
const ratios = z.record(z.string(), z.number());

const byTargets = z.strictObject({ 1: summary, 3: summary });

/** The last measurements of each benchmark. */
export const results = z.strictObject({
  loading: z
    .strictObject({
      made,
      ratios,
      before: ratios,
      measured: z.strictObject({
        bundles: z.record(
          z.string(),
          z.strictObject({ bytes: z.int(), packages: z.record(z.string(), z.int()) }),
        ),
        loads: z.record(z.string(), z.strictObject({ shipped: load, wholePackages: load })),
        calls: z.strictObject({ first: z.number(), further: z.number() }),
      }),
    })
    .optional(),
  latency: z
    .strictObject({
      made,
      ratios,
      before: ratios,
      measured: z.strictObject({
        bare: summary,
        post: summary,
        intake: summary,
        succeeded: z.strictObject({ 1: summary, 10: summary, 50: summary }),
        floor: summary,
        synchronous: summary,
        empty: summary,
        cold: summary,
        sustained: z.number(),
        functions: z.strictObject({ computing: z.number(), memory: z.int() }).nullable(),
      }),
    })
    .optional(),
  targets: z
    .strictObject({
      made,
      ratios,
      before: ratios,
      measured: z.strictObject({ plain: byTargets, slow: byTargets }),
    })
    .optional(),
});
export type Results = z.infer<typeof results>;

const file = (name: string): string => join(import.meta.dirname, '..', 'results', `${name}.json`);

/** Reads the recorded results; each benchmark has a file of its own. */
export function readResults(): Results {
  const names = Object.keys(results.shape);
  const read = (name: string): unknown => JSON.parse(readFileSync(file(name), 'utf8'));
  return results.parse(
    Object.fromEntries(names.filter((name) => existsSync(file(name))).map((name) => [name, read(name)])),
  );
}

export const resultsFile = file;
