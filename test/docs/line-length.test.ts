import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { root } from '../../cli/support/paths.ts';
import { markdownPages } from '../support/documented.ts';

const LIMIT = 120;
const read = (page: string): string => readFileSync(join(root, page), 'utf8');
/** A generated page says so after its title. Its lines have the length that its generator gives them. */
const isGenerated = (page: string): boolean =>
  /^(<!-- )?Generated (by|from) /m.test(read(page).slice(0, 400));

describe('the prose of a page', () => {
  it.each(markdownPages().filter((page) => !isGenerated(page)))(
    'has lines of at most 120 characters: %s',
    (page) => {
      const prose = read(page).replace(/^```[\s\S]*?^```$/gm, '');
      // Neither the rows of a table nor a single link can be wrapped.
      const wrappable = prose.split('\n').filter((line) => !/^\||^\(?\[[^\]]*\]\(\S+\)+\.?$/.test(line));

      expect(wrappable.filter((line) => line.length > LIMIT)).toEqual([]);
    },
  );
});
