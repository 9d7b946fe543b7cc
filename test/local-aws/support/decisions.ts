import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import * as z from 'zod';
import { venv } from '../../../local/paths.ts';

/** A request to evaluate.py; its docstring describes the evaluation. */
type Request = object;

/** Evaluates all requests in one run of Python, with the policy evaluation of the local AWS. */
export function decide<Key>(requests: readonly (readonly [Key, Request])[]): Map<Key, string> {
  const { stdout, stderr } = spawnSync(
    join(venv, 'bin', 'python'),
    [join(import.meta.dirname, 'evaluate.py')],
    { input: JSON.stringify(requests.map(([, request]) => request)), encoding: 'utf8' },
  );
  if (stdout === '') throw new Error(stderr);
  const decisions = z.array(z.string()).parse(JSON.parse(stdout));
  return new Map(requests.map(([key], at) => [key, decisions[at] ?? 'none']));
}
