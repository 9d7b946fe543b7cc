/** The error with which a promise is rejected. */
export async function thrownBy(promise: Promise<unknown>): Promise<Error> {
  const outcome = await promise.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
  if ('error' in outcome && outcome.error instanceof Error) return outcome.error;
  throw new Error(`An error was expected, not ${JSON.stringify(outcome)}`);
}
