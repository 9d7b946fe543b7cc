import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { made } from '../support/results.ts';
import { counts } from './counts.ts';

/** The counts of `npm run cost -- count`, with their date and environment. */
export const countResults = z.strictObject({
  made,
  paths: z.record(
    z.string(),
    z.strictObject({
      counts,
      /** Total duration of each function in milliseconds, and its memory in MB. */
      functions: z.record(
        z.string(),
        z.strictObject({ runs: z.int(), milliseconds: z.number(), memory: z.int() }),
      ),
      /** Bytes written to CloudWatch Logs. */
      log_bytes: z.int(),
    }),
  ),
});
export type CountResults = z.infer<typeof countResults>;

export const countResultsFile = join(import.meta.dirname, '..', 'results', 'counts.json');

export const readCountResults = (): CountResults =>
  countResults.parse(JSON.parse(readFileSync(countResultsFile, 'utf8')));
