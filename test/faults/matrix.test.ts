import { beforeAll, describe, expect, it } from '@jest/globals';
import { type Observed, run } from './matrix/run.ts';
import { type Outcome, type Row, table } from './matrix/table.ts';
import { bystanders } from './support/foreign.ts';
import { readableSecrets, risenUsers, touchedUsers } from './support/oracle.ts';
import { inParallel } from './support/parallel.ts';
import { selected } from './support/selection.ts';

const rows = selected(table, 19);
const observed: Observed[] = [];
const resultOf = inParallel(rows, async (row: Row) => {
  await bystanders;
  const result = await run(row);
  observed.push(result);
  return result;
});

/** What of an outcome is seen from outside. */
const visible = ({ status, user, refused, app1, app2 }: Outcome) => ({ status, user, refused, app1, app2 });

describe('a fault in a call', () => {
  it.each(rows)('$name', async (row) => {
    const { violations, fired, status, user, refused, app1, app2 } = await resultOf(row);
    const { outcome } = row;
    expect(violations).toEqual([]);
    expect(fired).toBe(true);
    // What App2 says of a creation that went well, or that it never heard of, is not part of the outcome.
    const seen = { status, user, refused, app1, app2: outcome.app2 === undefined ? undefined : app2 };
    expect([outcome, outcome.or ?? outcome].map(visible)).toContainEqual(seen);
  });
});

describe('when all is over', () => {
  beforeAll(() => Promise.allSettled(rows.map(resultOf)));

  it('no user has risen again', async () => {
    expect(await risenUsers(observed.map(({ planned, user }) => ({ id: planned.id, user })))).toEqual([]);
  });

  it('nobody else was touched', async () => {
    expect(await touchedUsers(await bystanders)).toEqual([]);
  });

  it('no password can be read anywhere', async () => {
    expect(await readableSecrets(observed.map(({ planned }) => planned))).toEqual([]);
  });
});
