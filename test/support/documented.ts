import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../../local/places.ts';

/** Commands as they are written down: the shell blocks of the pages that people read. */

/** A fenced block of shell commands. */
export interface Block {
  /** Path of the page, relative to the checkout. */
  page: string;
  /** The heading above it. */
  section: string;
  commands: string;
}

/** Every page with commands that somebody could type. */
export const pages = (): string[] =>
  ['README.md', ...['docs', 'examples'].flatMap((folder) => markdownIn(folder))].sort();

function markdownIn(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.md'))
    .map((file) => join(folder, file));
}

/** The shell blocks of a page, in their order; blocks of other languages are not commands. */
export function blocksOf(page: string): Block[] {
  const blocks: Block[] = [];
  let section = '';
  let open: { language: string; lines: string[] } | undefined;
  for (const line of readFileSync(join(root, page), 'utf8').split('\n')) {
    if (open === undefined) {
      section = /^#+ (.*)$/.exec(line)?.[1] ?? section;
      const language = /^\s*```(\S*)/.exec(line)?.[1];
      if (language !== undefined) open = { language, lines: [] };
    } else if (/^\s*```\s*$/.test(line)) {
      if (['sh', 'bash', 'shell', 'console'].includes(open.language))
        blocks.push({ page, section, commands: `${open.lines.join('\n')}\n` });
      open = undefined;
    } else open.lines.push(line);
  }
  return blocks;
}

/** The blocks of one section, for the test that runs them: `commandsIn('README.md', 'Walk through it')`. */
export function commandsIn(page: string, section: string): string[] {
  const found = blocksOf(page).filter((block) => block.section === section);
  if (found.length === 0) throw new Error(`${page} has no commands under "${section}".`);
  return found.map(({ commands }) => commands);
}
