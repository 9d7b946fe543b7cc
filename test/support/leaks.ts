import { afterEach, beforeEach, expect, jest } from '@jest/globals';
import { logger } from '../../handlers/shared/logger.ts';
import { secretFinder } from './secret-finder.ts';

/** Call at the top of a test file: gives what the code under test has logged in the running test, as text. */
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

/** All that can be read of an error: name, message, trace, own fields and causes. */
export function readable(thing: unknown): string {
  if (!(thing instanceof Error)) return JSON.stringify(thing) ?? String(thing);
  const own = Object.fromEntries(
    Object.getOwnPropertyNames(thing).map((key) => [key, String(Reflect.get(thing, key))]),
  );
  return JSON.stringify({ name: thing.name, ...own, cause: readable(thing.cause ?? null) });
}

/** Fails when a secret, or a piece of it, can be read in any of the texts, in whatever form. */
export function expectNoLeak(secret: string, ...places: unknown[]): void {
  const find = secretFinder({ secret });
  for (const place of places)
    expect(find('place', typeof place === 'string' ? place : readable(place))).toEqual([]);
}
