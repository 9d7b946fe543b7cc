import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { parseSync } from '@swc/core';
import { root } from '../../cli/support/paths.ts';

/**
 * The vocabulary of docs/glossary.md, held by what it retires. A retired word occurs in no text (comments, messages, help,
 * titles of tests, pages), a retired part of a name in no identifier of TypeScript.
 */

/** Words that no text has, each with the word that takes its place. */
const retiredWords: readonly [words: RegExp, instead: string][] = [
  [/\b(un)?announc\w+/gi, 'publish (an audit event), notify (of a completion)'],
  [/\bund(o|oes|one|oing|os)\b/gi, 'compensate, compensation; roll-back'],
  [/\b(told|tells?|telling)\b/gi, 'report, pass, contain'],
  [/\bvanish\w*/gi, 'not found, deleted'],
  [
    /\b(whoever|whomever|nobody|somebody|anybody)\b/gi,
    'the caller, the operator, a client: the actor by name',
  ],
  [/\bsettl(e|es|ed|ing)\b/gi, 'finish, finished'],
  [/\bstor(y|ies)\b/gi, 'sequence of events, scenario'],
  [/\b(looks?|looked|looking)\b/gi, 'read, check, poll, describe'],
  [/\b(hears?|heard)\b/gi, 'receive, subscribe'],
  [/\b(begun|beginning)\b/gi, 'started, starting'],
  [/\brights?\b/gi, 'permission'],
  [/\bbadly\b/gi, 'failed'],
  [/\bunforeseen\b/gi, 'unexpected'],
  [/\bceilings?\b/gi, 'quota'],
];

/** What has one of these words and means something else. */
const otherMeanings: readonly RegExp[] = [
  /look-?up\w*/gi,
  /right (away|side|after|angle|arrow|column|hand)|(margin|padding|border|text-align|inset)[\w-]*: ?right/gi,
];

/** Parts of names that no identifier has. */
const retiredParts: ReadonlySet<string> = new Set(
  `announce announces announced announcement announcements undo undoes undone told tell tells vanished settle settled
  story stories look looks looked hear hears begun rights way ways place places busy shown turn turns paced unforeseen
  foreign asked badly sealed ceiling ceilings letter letters nobody somebody anybody whoever`.split(/\s+/),
);

/** Occurrences that stay: a file, the word there, and why. */
const exceptions: readonly { file: RegExp; word: RegExp; reason: string }[] = [
  { file: /^(trace\/page|test\/trace-page)\//, word: /^right$/i, reason: 'a side of the screen' },
  { file: /^local\/corrections\/kms_keys\.py$/, word: /^beginning$/, reason: 'a message of KMS' },
  {
    file: /^(contracts\/fields\.ts|docs\/api\.md)$/,
    word: /^letters$/,
    reason: 'the letters of the alphabet',
  },
  { file: /^test\//, word: /^allSettled$/, reason: 'a method of JavaScript' },
];

const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
  cwd: root,
  encoding: 'utf8',
})
  .split('\n')
  .filter((file) => /\.(tsx?|mjs|md|py|css|yml)$/.test(file) && !file.includes('vocabulary'))
  .filter((file) => existsSync(join(root, file)));

const isExcepted = (file: string, word: string): boolean =>
  exceptions.some((one) => one.file.test(file) && one.word.test(word));

/** Finds quickly that a text has none of the words, which holds for most files. */
const anyRetiredWord = new RegExp(retiredWords.map(([words]) => words.source).join('|'), 'i');

/** The retired words of a text, by line. */
function wordsIn(file: string, text: string): string[] {
  if (!anyRetiredWord.test(text)) return [];
  return text.split('\n').flatMap((line, n) => {
    const rest = otherMeanings.reduce((left, meaning) => left.replace(meaning, ''), line);
    return retiredWords.flatMap(([words, instead]) =>
      [...rest.matchAll(words)]
        .filter(([word]) => !isExcepted(file, word))
        .map(([word]) => `${file}:${n + 1} ${word} → ${instead}`),
    );
  });
}

/** The identifiers of a TypeScript file with a retired part. */
function identifiersIn(file: string, text: string): string[] {
  const names = new Set<string>();
  const visit = (node: unknown): void => {
    if (typeof node !== 'object' || node === null) return;
    if ('type' in node && node.type === 'Identifier' && 'value' in node) names.add(String(node.value));
    for (const child of Object.values(node)) visit(child);
  };
  visit(parseSync(text, { syntax: 'typescript', tsx: file.endsWith('.tsx') }));
  return [...names]
    .filter((name) => !/dead_?letter/i.test(name) && !isExcepted(file, name))
    .filter((name) => partsOf(name).some((part) => retiredParts.has(part)))
    .map((name) => `${file} ${name}`);
}

const partsOf = (name: string): string[] =>
  name
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[\s_]+/);

describe('the vocabulary', () => {
  it('has no retired word in any text', () => {
    const found = files.flatMap((file) => wordsIn(file, readFileSync(join(root, file), 'utf8')));

    expect(found).toEqual([]);
  });

  it('has no retired part in any identifier', () => {
    const found = files
      .filter((file) => /(?<!\.d)\.tsx?$/.test(file))
      .flatMap((file) => identifiersIn(file, readFileSync(join(root, file), 'utf8')));

    expect(found).toEqual([]);
  });

  it('finds a retired word in a comment, and a retired part in an identifier', () => {
    const text = '// The undo is announced.\nconst untilTurn = 1;';

    expect(wordsIn('a.ts', text)).toHaveLength(2);
    expect(identifiersIn('a.ts', text)).toEqual(['a.ts untilTurn']);
  });

  it('leaves words with another meaning', () => {
    expect(wordsIn('a.md', 'A look-up right after the start.')).toEqual([]);
  });

  it.each(exceptions)('needs the exception of $word in $file: $reason', ({ file, word }) => {
    const used = files
      .filter((one) => file.test(one))
      .some((one) =>
        readFileSync(join(root, one), 'utf8')
          .match(/\w+/g)
          ?.some((each) => word.test(each)),
      );

    expect(used).toBe(true);
  });
});
