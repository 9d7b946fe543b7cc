import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { root } from '../../cli/support/paths.ts';

const folder = join(root, 'docs', 'decisions');
const read = (file: string) => readFileSync(join(folder, file), 'utf8');
const pages = readdirSync(folder)
  .filter((file) => file !== 'README.md')
  .sort();

describe('decisions', () => {
  it.each(pages)('state context, decision, consequences and rejected alternatives: %s', (page) => {
    for (const part of ['**Context.**', '**Decision.**', '**Consequences.**', '**Rejected.**'])
      expect(read(page)).toContain(part);
  });

  it.each(pages)('are listed under their title: %s', (page) => {
    const title = /^# (.*)$/m.exec(read(page))?.[1];

    expect(read('README.md')).toContain(`| [${page.slice(0, 4)}](${page}) | ${title} |`);
  });

  it('have unique numbers', () => {
    expect(new Set(pages.map((page) => page.slice(0, 4))).size).toBe(pages.length);
  });
});
