import { existsSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { root } from '../../cli/support/paths.ts';
import { type Block, blocksOf, notRun, pages, runBy } from '../support/documented.ts';

/** Every command of the documentation is run by a test, or is on the short list of those that are not. */

const blocks = pages().flatMap(blocksOf);
const testOf = ({ page, section }: Block) =>
  runBy.find(([pageForm, sectionForm]) => pageForm.test(page) && sectionForm.test(section))?.[2];

describe('the commands of the documentation', () => {
  it('are found', () => {
    expect(blocks.length).toBeGreaterThan(25);
    expect(new Set(blocks.map(({ page }) => page)).size).toBeGreaterThan(6);
  });

  it.each(blocks.map((block) => [`${block.page}, ${block.section}`, block] as const))(
    'are run by a test: %s',
    (_where, block) => {
      const reason = notRun[block.commands.trim()];
      const test = testOf(block);

      expect([reason, test].filter((found) => found !== undefined)).toHaveLength(1);

      if (test === undefined) return;

      const code = readFileSync(join(root, test), 'utf8');

      // The test either runs every block of its pages or names the sections.
      expect(code.includes('flatMap(blocksOf)') || code.includes(`'${block.section}'`)).toBe(true);

      const folder = block.page.split('/').slice(0, -1).join('/');

      expect([block.page, `${folder}/`].some((name) => code.includes(`'${name}`))).toBe(true);
    },
  );

  it('that no test runs are few and exist', () => {
    const written = blocks.map(({ commands }) => commands.trim());

    expect(Object.keys(notRun).filter((commands) => !written.includes(commands))).toEqual([]);
    expect(Object.keys(notRun).length).toBeLessThanOrEqual(3);
  });

  it('have existing tests', () => {
    for (const [, , test] of runBy)
      expect([basename(test), existsSync(join(root, test))]).toEqual([basename(test), true]);
  });
});
