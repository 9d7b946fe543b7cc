import { afterEach, beforeEach, expect, jest } from '@jest/globals';
import { logger } from '../../handlers/shared/logger.ts';
import { secretFinder } from './secret-finder.ts';

/** Call at the top of a test file. Returns a function for the log output of the running test, as text. */
export function watchLog(): () => string {
  let spies: { mock: { calls: unknown[][] } }[] = [];
  beforeEach(() => {
    spies = (['debug', 'info', 'warn', 'error', 'critical'] as const).map((level) =>
      jest.spyOn(logger, level).mockImplementation(() => undefined),
    );
  });
  afterEach(() => {
    jest.restoreAllMocks();
  });
  return () => JSON.stringify(spies.flatMap(({ mock }) => mock.calls));
}

/** All text of an error: name, message, stack, own fields and causes. */
export function readable(thing: unknown): string {
  if (!(thing instanceof Error)) return JSON.stringify(thing) ?? String(thing);
  const own = Object.fromEntries(
    Object.getOwnPropertyNames(thing).map((key) => [key, String(Reflect.get(thing, key))]),
  );
  return JSON.stringify({ name: thing.name, ...own, cause: readable(thing.cause ?? null) });
}

/** Fails if a secret, or a piece of it, occurs in one of the texts in any encoding. */
export function expectNoLeak(secret: string, ...texts: unknown[]): void {
  const find = secretFinder({ secret });
  for (const text of texts)
    expect(find('text', typeof text === 'string' ? text : readable(text))).toEqual([]);
}
