import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { parseSync } from '@swc/core';
import * as z from 'zod';

/**
 * Who may import whom. Every import and re-export of every file counts, types too: what is known to a type checker is
 * known to a reader.
 */
const root = join(import.meta.dirname, '..', '..');
const parts = ['contracts', 'handlers', 'workflows', 'infra', 'examples'] as const;

interface Import {
  from: string;
  /** A file of the project, relative to its root, or the name of a package. */
  to: string;
}

const sourced = z.looseObject({ type: z.string(), source: z.looseObject({ value: z.string() }) });

function importsOf(file: string): Import[] {
  const from = relative(root, file);
  const text = readFileSync(file, 'utf8');
  // A call of import() would escape the statements that are looked at here.
  if (/\b(import|require)\s*\(/.test(text)) throw new Error(`${from} imports by a call`);
  return parseSync(text, { syntax: 'typescript' }).body.flatMap((statement) => {
    const found = sourced.safeParse(statement);
    if (!found.success) return [];
    const { value } = found.data.source;
    return [{ from, to: value.startsWith('.') ? relative(root, join(dirname(file), value)) : value }];
  });
}

const imports = parts.flatMap((part) =>
  readdirSync(join(root, part), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .flatMap((file) => importsOf(join(root, part, file))),
);
const within = (...places: string[]) => {
  const found = imports.filter(({ from }) => places.some((place) => from.startsWith(place)));
  expect(found.length).toBeGreaterThan(0);
  return found;
};
const shown = (found: Import[]) => found.map(({ from, to }) => `${from} imports ${to}`);

describe('imports', () => {
  it('of contracts are zod and contracts', () => {
    const others = within('contracts/').filter(({ to }) => to !== 'zod' && !to.startsWith('contracts/'));

    expect(shown(others)).toEqual([]);
  });

  it('of handlers are no CDK, no infra and no workflow', () => {
    const others = within('handlers/').filter(({ to }) =>
      /^(aws-cdk|constructs|infra\/|workflows\/)/.test(to),
    );

    expect(shown(others)).toEqual([]);
  });

  it.each([
    [
      'App1',
      ['handlers/app1/', 'workflows/app1/', 'infra/app1-'],
      /(^|\/)app2[/-](?!api\.ts|client\.ts|token\.ts)/,
    ],
    ['App2', ['handlers/app2/', 'workflows/app2/', 'infra/app2-'], /(^|\/)app1[/-]/],
  ])('of %s know nothing of the other service but the contract', (_service, places, other) => {
    expect(shown(within(...places).filter(({ to }) => other.test(to)))).toEqual([]);
  });

  it('of what the services share know neither of them', () => {
    const shared = within('handlers/shared/', 'workflows/states.ts', 'workflows/retry-policies.ts');

    expect(shown(shared.filter(({ to }) => /^(handlers|workflows)\/app[12]\//.test(to)))).toEqual([]);
  });

  it('of examples are what a subscriber is given: the events, and the construct by which it subscribes', () => {
    const others = within('examples/').filter(
      ({ to }) =>
        parts.some((part) => to.startsWith(`${part}/`)) &&
        !/^(examples|contracts\/events)\//.test(to) &&
        to !== 'infra/constructs/event-subscription.ts',
    );

    expect(shown(others)).toEqual([]);
  });

  it('of everything else know nothing of examples', () => {
    const others = within('contracts/', 'handlers/', 'workflows/', 'infra/');

    expect(shown(others.filter(({ to }) => to.startsWith('examples/')))).toEqual([]);
  });

  it('of what is deployed know nothing of local AWS and of tests', () => {
    expect(shown(within(...parts).filter(({ to }) => /^(local|test)\//.test(to)))).toEqual([]);
  });

  it('name files as they are, with their extension', () => {
    const inexact = within(...parts).filter(
      ({ to }) => to.includes('/') && parts.some((part) => to.startsWith(`${part}/`)) && !to.endsWith('.ts'),
    );

    expect(shown(inexact)).toEqual([]);
  });
});
