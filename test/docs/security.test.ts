import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import * as z from 'zod';

const root = join(import.meta.dirname, '..', '..');
const page = readFileSync(join(root, 'docs', 'security.md'), 'utf8');
const { scripts } = z
  .object({ scripts: z.record(z.string(), z.string()) })
  .parse(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')));

const SECTIONS = ['Assets', 'Entry points', 'Threats', 'Residual risks'];

/** Marks an entry without a test; the reason follows. */
const NO_TEST = /\bNo test: \w/;

const oneLine = (text: string): string => text.replaceAll(/\s+/g, ' ').trim();
const textOf = (section: string): string =>
  page.split(/^## /m).find((part) => part.startsWith(`${section}\n`)) ?? '';

/** The rows of all tables without their headers, and the items of all lists. */
const sentences = SECTIONS.flatMap((section) => {
  const text = textOf(section);
  const rows = text
    .split('\n')
    .filter((line, n, all) => line.startsWith('| ') && !all[n + 1]?.startsWith('|--'));
  const items = [...text.matchAll(/^- (?:.|\n {2})+/gm)].map(([item]) => item);
  return [...rows, ...items].map((sentence): [string, string] => [section, oneLine(sentence)]);
});

/** The evidence of an entry: test titles with their files, and commands. */
function evidenceOf(sentence: string) {
  let file = '';
  const tests: [file: string, title: string][] = [];
  const commands: string[] = [];
  for (const [, code, title] of sentence.matchAll(/`([^`]+)`|"([^"]+)"/g)) {
    const [, script] = /^npm (?:run )?(test|(?<=run )[\w:]+)$/.exec(code ?? '') ?? [];
    if (script !== undefined) commands.push(script);
    else if (code?.startsWith('test/')) file = code;
    else if (title !== undefined) tests.push([file, title]);
  }
  return { tests, commands };
}

describe('docs/security.md', () => {
  it.each(SECTIONS)('has entries in the section %s', (section) => {
    expect(sentences.filter(([of]) => of === section).length).toBeGreaterThan(6);
  });

  it.each(sentences)('names existing tests in the section %s: %s', (_section, sentence) => {
    const { tests, commands } = evidenceOf(sentence);
    const elsewhere = [/the workflow `ci`/, NO_TEST].some((words) => words.test(sentence));

    expect(tests.length + commands.length + Number(elsewhere)).toBeGreaterThan(0);
    for (const [file, title] of tests) {
      expect([file, existsSync(join(root, file))]).toEqual([file, true]);
      expect(readFileSync(join(root, file), 'utf8').replaceAll("\\'", "'")).toContain(title);
    }
    for (const name of commands) expect(Object.keys(scripts)).toContain(name);
  });
});
