import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';

const SUITE = join(import.meta.dirname, '..', 'local-aws');
const FORM = /^ *\/\/ recorded: [a-z_]+ tests?_\w+(, tests?_\w+)*$/;
const TEST = /^ *(it|test)(\.each)?\(/;

/** Lines that name recordings, with the next line that names none. */
function recordings(file: string): [line: string, next: string | undefined][] {
  const lines = readFileSync(join(SUITE, file), 'utf8').split('\n');
  return lines.flatMap((line, at) =>
    /recorded:/i.test(line)
      ? [
          [line, lines.slice(at + 1).find((next) => !next.includes('recorded:'))] as [
            string,
            string | undefined,
          ],
        ]
      : [],
  );
}

describe('the qualification suite', () => {
  it.each(readdirSync(SUITE).filter((name) => name.endsWith('.test.ts')))(
    'names recordings in one form, above the test that they show: %s',
    (file) => {
      for (const [line, next] of recordings(file))
        expect([line, next]).toEqual([expect.stringMatching(FORM), expect.stringMatching(TEST)]);
    },
  );
});
