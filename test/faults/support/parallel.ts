import { randomUUID } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import pLimit from 'p-limit';
import { forLater } from '../../e2e/support/at-once.ts';
import { system } from '../../e2e/support/deployed.ts';
import { AT_ONCE } from './at-once.ts';

/** A case of a table: a name that is unique in it, and what is run. */
export interface Case {
  name: string;
}

/** Pause between the begins of two cases, in milliseconds. */
const PAUSE = 200;

/** Longest time in which App1 answers while the machine has time for one more case, in milliseconds. */
const PROMPT = 250;

const turns = pLimit(1);

/**
 * A case begins when App1 answers promptly. Functions that start cold keep the machine busy, and calls that wait for
 * it would run into their time limits: faults that nobody has injected.
 */
const turn = (): Promise<void> =>
  turns(async () => {
    for (;;) {
      await setTimeout(PAUSE);
      const begun = performance.now();
      await system.status(randomUUID());
      if (performance.now() - begun < PROMPT) return;
    }
  });

/**
 * Starts all cases of a table, some at once, and gives for each its result when it is there: a test per case that
 * waits for its own. Call at the top of a test file.
 */
export function inParallel<C extends Case, Result>(
  cases: readonly C[],
  run: (one: C) => Promise<Result>,
): (one: C) => Promise<Result> {
  const limit = pLimit(AT_ONCE);
  const begin = async (one: C): Promise<Result> => {
    await turn();
    return run(one);
  };
  const results = new Map(cases.map((one) => [one.name, forLater(limit(() => begin(one)))]));
  if (results.size !== cases.length) throw new Error('Two cases have one name.');
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
  return (one) => results.get(one.name) ?? Promise.reject(new Error(`There is no case ${one.name}.`));
}
