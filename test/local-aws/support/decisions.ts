import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import * as z from 'zod';
import { venv } from '../../../local/paths.ts';

/** What evaluate.py is asked; its docstring says how it decides. */
type Request = object;

/** Decides all requests in one run of Python, by the local AWS's own evaluation of policies. */
export function decide<Key>(requests: readonly (readonly [Key, Request])[]): Map<Key, string> {
  const { stdout, stderr } = spawnSync(
    join(venv, 'bin', 'python'),
    [join(import.meta.dirname, 'evaluate.py')],
    { input: JSON.stringify(requests.map(([, request]) => request)), encoding: 'utf8' },
  );
  if (stdout === '') throw new Error(stderr);
  const told = z.array(z.string()).parse(JSON.parse(stdout));
  return new Map(requests.map(([key], at) => [key, told[at] ?? 'none']));
}
