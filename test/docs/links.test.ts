import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { root } from '../../cli/support/paths.ts';
import { markdownPages } from '../support/documented.ts';

/** Links between the pages, and to files of the checkout. */

const read = (page: string): string => readFileSync(join(root, page), 'utf8');

/** The anchors of a page: GitHub derives one from each heading, and HTML can define others. */
const anchorsOf = (page: string): string[] => [
  ...[...read(page).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-'),
  ),
  ...[...read(page).matchAll(/<a id="([^"]+)">/g)].map(([, id = '']) => id),
];

/** The links of a page that lead nowhere. */
function brokenIn(page: string): string[] {
  const text = read(page).replace(/^```[\s\S]*?^```$/gm, '');
  const links = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = '']) => link);
  return links.filter((link) => {
    if (/^(https?|mailto):/.test(link)) return false;
    const [path = '', anchor] = link.split('#');
    const file = path === '' ? page : normalize(join(dirname(page), path));
    if (!existsSync(join(root, file))) return true;
    return anchor !== undefined && file.endsWith('.md') && !anchorsOf(file).includes(anchor);
  });
}

describe('links', () => {
  it.each(markdownPages())('of %s have existing targets', (page) => {
    expect(brokenIn(page)).toEqual([]);
  });
});
