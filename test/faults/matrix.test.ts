import { beforeAll, describe, expect, it } from '@jest/globals';
import { type Observed, run } from './matrix/run.ts';
import { type Row, table } from './matrix/table.ts';
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

describe('a fault in a call', () => {
  it.each(rows)('$name', async (row) => {
    const { app1, app2, ...result } = await resultOf(row);
    const { status, user, refused, app1: expected1, app2: expected2 } = row.outcome;
    expect(result.violations).toEqual([]);
    expect({ ...result, app1, app2: expected2 === undefined ? undefined : app2 }).toMatchObject({
      status,
      user,
      refused,
      fired: true,
      app1: expected1,
      app2: expected2,
    });
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
