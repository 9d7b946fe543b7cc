import { describe, expect, it } from '@jest/globals';
import * as z from 'zod';
import { environments as app1 } from '../../../handlers/app1/lib/environments.ts';
import { environments as app2 } from '../../../handlers/app2/lib/environments.ts';
import { readEnvironment } from '../../../handlers/shared/environment.ts';

describe('readEnvironment', () => {
  it('lists every missing and invalid variable, without values', () => {
    const schema = z.object({ MISSING: z.string(), WRONG: z.url(), FINE: z.string() });

    const read = () => readEnvironment(schema, { WRONG: 'canary', FINE: 'canary' });

    expect(read).toThrow(/MISSING.*WRONG/);
    expect(read).not.toThrow(/FINE|canary/);
  });

  it('returns the parsed variables', () => {
    expect(readEnvironment(app2['add-to-group'])).toMatchObject({ GROUP_CHANGES_PER_SECOND: 25 });
  });

  it.each(Object.entries({ ...app1, ...app2 }).filter(([name]) => name !== 'sample'))(
    'throws at the start of %s without variables',
    (_name, schema) => {
      expect(() => readEnvironment(schema, {})).toThrow('not valid');
    },
  );
});
