import { beforeAll, describe, expect, it } from '@jest/globals';
import { allFalseClaims } from './claims.ts';
import { bystanders } from './foreign.ts';
import { type Asked, readableSecrets, risenUsers, touchedUsers } from './oracle.ts';
import { type Case, inParallel } from './parallel.ts';
import type { ForeignUser } from './pool.ts';
import { selected } from './selection.ts';

/** What the cases of a table leave for the checks at the end. */
export interface Aftermath {
  /** A provisioning that has ended, and whether its user is there. */
  ended(asked: Asked, user: string): void;
  /** A user that somebody else made in the course of a case. */
  foreign(user: ForeignUser): void;
}

/**
 * A table of cases: they run some at once, each is a test of its own, and when all are over nobody has risen again,
 * nobody else was touched, no API has said what was not so, and no password can be read. `sample`: `npm test` runs every n-th case.
 */
export function suite<C extends Case, Result>(
  title: string,
  cases: readonly C[],
  {
    run,
    check,
    sample,
    schedule = inParallel,
  }: {
    run: (one: C, aftermath: Aftermath) => Promise<Result>;
    check: (result: Result, one: C) => void;
    sample: number;
    /** How many run at once; `inSequence` for cases that must not. */
    schedule?: typeof inParallel;
  },
): void {
  const begun = new Date();
  const ends: { asked: Asked; user: string }[] = [];
  const others: ForeignUser[] = [];
  const aftermath: Aftermath = {
    ended: (asked, user) => ends.push({ asked, user }),
    foreign: (user) => others.push(user),
  };
  const chosen = selected(cases, sample);
  const resultOf = schedule(chosen, async (one: C) => {
    await bystanders;
    return run(one, aftermath);
  });

  // A file of which FAULTS_ONLY selects nothing at all is an error of Jest's.
  if (chosen.length === 0) return;

  describe(title, () => {
    it.each([...chosen])('$name', async (one) => check(await resultOf(one), one));
  });

  describe(`${title}: when all is over`, () => {
    beforeAll(() => Promise.allSettled(chosen.map(resultOf)));

    it('no user has risen again', async () => {
      expect(await risenUsers(ends.map(({ asked, user }) => ({ ...asked, user })))).toEqual([]);
    });

    it('what the APIs said about the pool was so', () => {
      expect(allFalseClaims()).toEqual([]);
    });

    it('nobody else was touched', async () => {
      expect(await touchedUsers([...(await bystanders), ...others])).toEqual([]);
    });

    it('no password can be read anywhere', async () => {
      expect(
        await readableSecrets(
          ends.map(({ asked }) => asked),
          begun,
        ),
      ).toEqual([]);
    });
  });
}
