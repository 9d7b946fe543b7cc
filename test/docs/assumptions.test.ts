import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { assumptions } from '../../acceptance/assumptions.ts';
import { allChecks } from '../../acceptance/checks.ts';
import { root } from '../../cli/support/paths.ts';
import { assumptionsDocument, assumptionsPage } from '../../docs/generate/assumptions.ts';

/** The assumptions about AWS and the checks that verify them. */

it('docs/aws-assumptions.md is up to date', () => {
  expect(readFileSync(join(root, assumptionsPage), 'utf8')).toBe(assumptionsDocument());
});

describe('each assumption', () => {
  it('has a unique id', () => {
    const ids = assumptions.map(({ id }) => id);

    expect(new Set(ids).size).toBe(ids.length);
  });

  it.each(assumptions)('names existing files that rely on it: $id', ({ reliesOn }) => {
    expect(reliesOn.length).toBeGreaterThan(0);
    expect(reliesOn.filter((file) => !existsSync(join(root, file)))).toEqual([]);
  });

  it.each(assumptions)('names existing checks, or the reason for none: $id', ({ decidedBy }) => {
    if ('undecided' in decidedBy) return expect(decidedBy.undecided).toMatch(/\w.*\.$/);

    const named = decidedBy.checks.map((name) => allChecks.find((check) => check.name === name));

    expect(named).not.toContain(undefined);
    expect(named.length).toBeGreaterThan(0);
    // The entry states the option with which the checks run.
    expect(named.some((check) => check?.full === true)).toBe(decidedBy.with === '--full');
  });
});
