import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';

const SUITE = join(import.meta.dirname, '..', 'local-aws');
/** The folder of the test in LocalStack's repository, and the test; further tests or remarks can follow. */
const FORM = /^ *\/\/ recorded: [a-z_]+ tests?_\w+/;

describe('the qualification suite', () => {
  it.each(readdirSync(SUITE).filter((name) => name.endsWith('.test.ts')))(
    'names recordings in one form: %s',
    (file) => {
      const lines = readFileSync(join(SUITE, file), 'utf8').split('\n');

      for (const line of lines.filter((each) => /\/\/.*\brecorded( on AWS)?:/i.test(each)))
        expect(line).toMatch(FORM);
    },
  );
});
