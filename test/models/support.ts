import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import * as z from 'zod';
import { root } from '../../cli/support/paths.ts';
import { venv } from '../../local/paths.ts';

const checked = z.array(
  z.object({
    operation: z.string(),
    outcome: z.string(),
    samples: z.int(),
    findings: z.array(z.string()),
  }),
);

/** Findings of the comparison of the recordings in these folders with the models, by operation and outcome. */
export function check(folders: readonly string[]): z.infer<typeof checked> {
  const python = join(venv, 'bin', 'python');
  const validate = join(root, 'test', 'models', 'validate.py');
  const options = { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 } as const;
  return checked.parse(JSON.parse(execFileSync(python, [validate, ...folders], options)));
}
