import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import * as z from 'zod';
import { root } from '../../cli/support/paths.ts';
import { missing, namedIn } from '../support/named-in-code.ts';

/** Checks the pages for people who join. */

const read = (page: string): string => readFileSync(join(root, page), 'utf8');
const folders = readdirSync(root).filter((name) => !/^\.|^(node_modules|cdk\.out)$/.test(name));
const { scripts } = z
  .object({ scripts: z.record(z.string(), z.string()) })
  .parse(JSON.parse(read('package.json')));

describe('the walks of CONTRIBUTING.md', () => {
  const [, walks = ''] = read('CONTRIBUTING.md').split('## Three walks through the code');
  const found = walks
    .split(/^### /m)
    .slice(1)
    .map((walk) => {
      const [title = '', ...lines] = walk.split('\n');
      return {
        title,
        steps: lines
          .join('\n')
          .split(/^\d+\. /m)
          .slice(1),
      };
    });

  it('are three', () => {
    expect(found).toHaveLength(3);
  });

  it.each(found)('take at most six files: $title', ({ steps }) => {
    const files = new Set(steps.map((step) => namedIn(step).file));

    expect(files.size).toBe(steps.length);
    expect(files.size).toBeLessThanOrEqual(6);
    expect(files.size).toBeGreaterThan(3);
  });

  it.each(found.flatMap(({ title, steps }) => steps.map((step) => ({ title, step }))))(
    'name what is in the file: $title',
    ({ step }) => {
      expect(missing(namedIn(step))).toEqual([]);
    },
  );
});

describe('README.md', () => {
  const text = read('README.md');

  it('leads from the problem to the limits', () => {
    const parts = ['## The problem', '## The pattern', '```mermaid', '## Two commands', '## What you see'];
    const positions = [...parts, '## Use it', '## What this is not'].map((part) => text.indexOf(part));

    expect(positions).not.toContain(-1);
    expect(positions).toEqual(positions.toSorted((one, other) => one - other));
  });

  it('shows only states that exist', () => {
    const golden = ['ProvisionServiceUser', 'CreateServiceUser'].map((machine) =>
      read(`test/workflows/golden/${machine}.asl.json`),
    );
    const displayed = [...text.matchAll(/^ {2}App[12] {2}(\w+) +(\w+) +\d+ ms$/gm)];

    expect(displayed.length).toBeGreaterThan(8);
    for (const [, machine = '', state = ''] of displayed)
      expect(golden[machine === 'ProvisionServiceUser' ? 0 : 1]).toContain(`"${state}"`);
  });
});

describe('docs/glossary.md', () => {
  const rows = read('docs/glossary.md')
    .split('\n')
    .filter((line) => line.startsWith('| '))
    .slice(1)
    .map((line) => line.split(' | '));

  it.each(rows)('says what %s means, and where it is', (_word, meaning = '', where = '') => {
    expect(meaning.length).toBeGreaterThan(20);
    expect(missing(namedIn(where))).toEqual([]);
  });

  it.each([
    'provisioning',
    'service user',
    'target',
    'Target string',
    'registry',
    'consumer',
    'business endpoint',
    'saga',
    'compensation',
    'roll-back',
    'deprovision',
    'outcome',
    'leftover',
    'ownership stamp',
    'machine user',
    'rate limiter',
    'reservation',
    'express rate',
    'callback',
    'completion notification',
    'outage',
    'sweep',
    'high-water mark',
    'timeline',
    'audit event',
    'subscriber',
    'dead-letter queue',
    'redrive',
    'legacy endpoint',
    'preflight',
    'acceptance',
    'trace page',
    'local AWS',
    'fault proxy',
    'invariant',
  ])('has the word %s', (word) => {
    expect(rows.map(([first = '']) => first.replace('| ', ''))).toContain(word);
  });
});

describe.each(['CONTRIBUTING.md', 'test/README.md', 'docs/changing-it.md', 'SECURITY.md', 'README.md'])(
  '%s',
  (page) => {
    const text = read(page);

    it('names scripts that there are', () => {
      const named = [...text.matchAll(/npm run (?:--silent )?([\w:]+)/g)].map(([, name = '']) => name);

      expect(named.filter((name) => !(name in scripts))).toEqual([]);
    });

    it('names files that there are', () => {
      const files = [...text.matchAll(/`([\w.-]+\/[\w./-]*)`/g)].map(([, file = '']) => file);
      const isThere = (file: string) => existsSync(join(root, file));

      // The others are relative to a folder that the sentence names, or are written locally.
      const ofTheCheckout = files.filter((file) => folders.includes(file.replace(/\/.*/, '')));

      expect(ofTheCheckout.filter((file) => !isThere(file))).toEqual([]);
    });
  },
);
