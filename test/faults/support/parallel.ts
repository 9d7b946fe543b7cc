import { setTimeout } from 'node:timers/promises';
import pLimit from 'p-limit';

/** A case of a table: a name that is unique in it, and what is run. */
export interface Case {
  name: string;
}

/** How many cases run at once. Most of their time is waiting, so more of them cost little. */
export const AT_ONCE = 60;

/** Pause between the begins of the first ones, in milliseconds: all cold starts at once would exceed time limits. */
const RAMP = 200;

/**
 * Starts all cases of a table, some at once, and gives for each its result when it is there: a test per case that
 * waits for its own. Call at the top of a test file.
 */
export function inParallel<C extends Case, Result>(
  cases: readonly C[],
  run: (one: C) => Promise<Result>,
): (one: C) => Promise<Result> {
  const limit = pLimit(AT_ONCE);
  const begin = async (one: C, n: number): Promise<Result> => {
    if (n < AT_ONCE) await setTimeout(n * RAMP);
    return run(one);
  };
  const results = new Map(cases.map((one, n) => [one.name, limit(() => begin(one, n))]));
  if (results.size !== cases.length) throw new Error('Two cases have one name.');
  // A failure is the test's that waits for it.
  for (const result of results.values()) result.catch(() => undefined);
  return (one) => results.get(one.name) ?? Promise.reject(new Error(`There is no case ${one.name}.`));
}

/** The same for cases that must not run at once, because their faults are about all provisionings. */
export function inSequence<C extends Case, Result>(
  cases: readonly C[],
  run: (one: C) => Promise<Result>,
): (one: C) => Promise<Result> {
  let last: Promise<unknown> = Promise.resolve();
  const results = new Map<string, Promise<Result>>();
  for (const one of cases) {
    const result = last.then(() => run(one));
    last = result.catch(() => undefined);
    results.set(one.name, result);
  }
  for (const result of results.values()) result.catch(() => undefined);
  return (one) => results.get(one.name) ?? Promise.reject(new Error(`There is no case ${one.name}.`));
}
