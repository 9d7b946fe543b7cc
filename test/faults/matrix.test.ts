import { expect } from '@jest/globals';
import type { Outcome } from './matrix/outcome.ts';
import { run } from './matrix/run.ts';
import { table } from './matrix/table.ts';
import { suite } from './support/suite.ts';

/** What of an outcome is seen from outside. */
const visible = ({ status, user, refused, app1, app2 }: Outcome) => ({ status, user, refused, app1, app2 });

suite('a fault in a call', table, {
  async run(row, aftermath) {
    const observed = await run(row);
    aftermath.ended(observed.planned, observed.user);
    return observed;
  },
  check: ({ violations, fired, status, user, refused, app1, app2 }, { outcome }) => {
    expect(violations).toEqual([]);
    expect(fired).toBe(true);
    // What App2 says of a creation that went well, or that it never heard of, is not part of the outcome.
    const seen = { status, user, refused, app1, app2: outcome.app2 === undefined ? undefined : app2 };
    expect([outcome, outcome.or ?? outcome].map(visible)).toContainEqual(seen);
  },
  sample: 19,
});
