import { beforeAll, describe, expect, it } from '@jest/globals';
import { allFalseAbsenceReports } from './absence-reports.ts';
import { bystanders } from './bystanders.ts';
import { changedUsers, type Provisioning, readableSecrets, reappearedUsers } from './oracle.ts';
import { type Case, inParallel } from './parallel.ts';
import type { UnrelatedUser } from './pool.ts';
import { selected } from './selection.ts';

/** What the checks after all cases of a table verify. */
export interface FinalChecks {
  /** Adds a provisioning that has finished, and the presence of its user. */
  addProvisioning(provisioning: Provisioning, user: string): void;
  /** Adds a user that an administrator has created during a case. */
  addUnrelatedUser(user: UnrelatedUser): void;
}

/**
 * Defines a test for each case of a table. Several cases run at the same time. After all of them, further tests verify
 * that no user has reappeared, that unrelated users are unchanged, that the APIs have reported the pool correctly, and
 * that no password is readable.
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
    run: (row: C, finalChecks: FinalChecks) => Promise<Result>;
    check: (result: Result, row: C) => void;
    /** `npm test` runs every n-th case. */
    sample: number;
    /** `inSequence` for cases that must run one after the other. */
    schedule?: typeof inParallel;
  },
): void {
  const startedAt = new Date();
  const finished: { provisioning: Provisioning; user: string }[] = [];
  const unrelatedUsers: UnrelatedUser[] = [];
  const finalChecks: FinalChecks = {
    addProvisioning: (provisioning, user) => finished.push({ provisioning, user }),
    addUnrelatedUser: (user) => unrelatedUsers.push(user),
  };
  const chosen = selected(cases, sample);
  const resultOf = schedule(chosen, async (row: C) => {
    await bystanders;
    return run(row, finalChecks);
  });

  // Jest reports a file without tests as an error: FAULTS_ONLY has selected no case of it.
  if (chosen.length === 0) return;

  describe(title, () => {
    it.each([...chosen])('$name', async (row) => check(await resultOf(row), row));
  });

  describe(`${title}: after all cases`, () => {
    beforeAll(() => Promise.allSettled(chosen.map(resultOf)));

    it('no removed user has reappeared', async () => {
      expect(
        await reappearedUsers(finished.map(({ provisioning, user }) => ({ ...provisioning, user }))),
      ).toEqual([]);
    });

    it('the APIs have reported the absence of users correctly', () => {
      expect(allFalseAbsenceReports()).toEqual([]);
    });

    it('unrelated users are unchanged', async () => {
      expect(await changedUsers([...(await bystanders), ...unrelatedUsers])).toEqual([]);
    });

    it('no password is readable', async () => {
      expect(
        await readableSecrets(
          finished.map(({ provisioning }) => provisioning),
          startedAt,
        ),
      ).toEqual([]);
    });
  });
}
