/**
 * Marks a promise as handled, so that a rejection before its test awaits it does not end the process. The test that
 * awaits the promise still fails.
 */
export function deferRejection<Result>(result: Promise<Result>): Promise<Result> {
  result.catch(() => undefined);
  return result;
}

/**
 * Starts all scenarios at the same time, and returns a function that waits for the result of a scenario. Each scenario can
 * then be a test of its own. The scenarios must be independent of each other.
 */
export function startAll<Result>(
  scenarios: Readonly<Record<string, () => Promise<Result>>>,
): (name: string) => Promise<Result> {
  const results = new Map(Object.entries(scenarios).map(([name, start]) => [name, deferRejection(start())]));
  return (name) => results.get(name) ?? Promise.reject(new Error(`There is no scenario ${name}.`));
}
