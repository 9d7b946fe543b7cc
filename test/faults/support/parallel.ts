import { randomUUID } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import pLimit from 'p-limit';
import { deferRejection } from '../../e2e/support/concurrency.ts';
import { MAX_CONCURRENT_CASES } from './concurrency.ts';
import { system } from './deployed.ts';

/** A case of a table, with a name that is unique in the table. */
export interface Case {
  name: string;
}

/** Pause between the starts of two cases, in milliseconds. */
const PAUSE = 200;

/** Longest response time of App1 at which the computer has capacity for one more case, in milliseconds. */
const PROMPT_MS = 250;

const admission = pLimit(1);

/**
 * Waits until App1 responds promptly. Cold starts load the computer, and calls would exceed their time limits: faults that
 * no case has injected.
 */
const waitForCapacity = (): Promise<void> =>
  admission(async () => {
    for (;;) {
      await setTimeout(PAUSE);
      const sentAt = performance.now();
      await system.status(randomUUID());
      if (performance.now() - sentAt < PROMPT_MS) return;
    }
  });

/**
 * Starts all cases of a table, several at the same time, and returns a function that waits for the result of a case. Each
 * case can then be a test of its own. Call it at the top of a test file.
 */
export function inParallel<C extends Case, Result>(
  cases: readonly C[],
  run: (row: C) => Promise<Result>,
): (row: C) => Promise<Result> {
  const limit = pLimit(MAX_CONCURRENT_CASES);
  const start = async (row: C): Promise<Result> => {
    await waitForCapacity();
    return run(row);
  };
  const results = new Map(cases.map((row) => [row.name, deferRejection(limit(() => start(row)))]));
  if (results.size !== cases.length) throw new Error('Two cases have the same name.');
  return (row) => results.get(row.name) ?? Promise.reject(new Error(`There is no case ${row.name}.`));
}

/** The same for cases that must run one after the other, because their faults affect every provisioning. */
export function inSequence<C extends Case, Result>(
  cases: readonly C[],
  run: (row: C) => Promise<Result>,
): (row: C) => Promise<Result> {
  let last: Promise<unknown> = Promise.resolve();
  const results = new Map<string, Promise<Result>>();
  for (const row of cases) {
    const result = last.then(() => run(row));
    last = result.catch(() => undefined);
    results.set(row.name, result);
  }
  return (row) => results.get(row.name) ?? Promise.reject(new Error(`There is no case ${row.name}.`));
}
