import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { root } from '../../cli/support/paths.ts';

const LIMIT = 120;
const pages = [
  'security.md',
  ...readdirSync(join(root, 'docs', 'decisions')).map((file) => `decisions/${file}`),
];

describe('the prose of a page', () => {
  it.each(pages)('has lines of at most 120 characters: %s', (page) => {
    const lines = readFileSync(join(root, 'docs', page), 'utf8').split('\n');

    // The rows of a table cannot be wrapped.
    expect(lines.filter((line) => !line.startsWith('|') && line.length > LIMIT)).toEqual([]);
  });
});
