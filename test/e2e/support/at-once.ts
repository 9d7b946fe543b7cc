/** What ends later than the test that begins it: its failure is that of the test which waits for it. */
export function forLater<Result>(story: Promise<Result>): Promise<Result> {
  story.catch(() => undefined);
  return story;
}

/**
 * Begins all of these at once and gives what ends each of them: a test per name, which waits for its own. For stories
 * that mostly wait, and that change nothing for each other.
 */
export function beginAll<Result>(
  stories: Readonly<Record<string, () => Promise<Result>>>,
): (name: string) => Promise<Result> {
  const begun = new Map(Object.entries(stories).map(([name, begin]) => [name, forLater(begin())]));
  return (name) => begun.get(name) ?? Promise.reject(new Error(`There is no story ${name}.`));
}
