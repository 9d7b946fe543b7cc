import { expect } from '@jest/globals';
import type { Outcome } from './matrix/outcome.ts';
import { run } from './matrix/run.ts';
import { table } from './matrix/table.ts';
import { suite } from './support/suite.ts';

/** The part of an outcome that callers can observe. */
const observable = ({ status, user, refused, app1, app2 }: Outcome) => ({
  status,
  user,
  refused,
  app1,
  app2,
});

suite('a fault in a call', table, {
  async run(row, finalChecks) {
    const observed = await run(row);
    finalChecks.addProvisioning(observed.planned, observed.user);
    return observed;
  },
  check: ({ violations, fired, status, user, refused, app1, app2 }, { outcome }) => {
    expect(violations).toEqual([]);
    expect(fired).toBe(true);
    // App2's error is part of the outcome only if the creation reached App2 and failed there.
    const actual = { status, user, refused, app1, app2: outcome.app2 === undefined ? undefined : app2 };
    expect([outcome, outcome.alternative ?? outcome].map(observable)).toContainEqual(actual);
  },
  sample: 29,
});
