import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { budgetOf, overBudget } from '../../bench/budget.ts';
import { costPage } from '../../bench/cost/page.ts';
import { deployedResources } from '../../bench/cost/resources.ts';
import { paths } from '../../bench/count/paths.ts';
import { readCountResults } from '../../bench/count/results.ts';

const results = readCountResults();

describe('docs/cost.md', () => {
  it('is generated from the counts by `npm run cost`', () => {
    const page = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'cost.md'), 'utf8');

    expect(page).toBe(costPage(results, deployedResources()));
  });

  it('contains every path', () => {
    expect(Object.keys(results.paths)).toEqual(Object.keys(paths));
  });

  it('has the budget for the successful path', () => {
    expect(results.paths['provisioned']?.counts).toMatchObject(budgetOf(1));
  });

  it.each([
    ['at_two_targets', 2],
    ['at_three_targets', 3],
    ['at_five_targets', 5],
  ])('has the budget for the path %s', (path, targets) => {
    expect(results.paths[path]?.counts).toMatchObject(budgetOf(targets));
  });
});

describe('the budget', () => {
  it('reports each exceeded count with the excess', () => {
    const counts = { ...budgetOf(1), step_functions: 8 };

    expect(overBudget(counts)).toEqual([]);
    expect(overBudget({ ...counts, kms: 6, transitions: 17 })).toEqual([
      'transitions: 17 instead of 16',
      'kms: 6 instead of 5',
    ]);
  });

  it('has the counts of each target', () => {
    const counts = { ...budgetOf(2), step_functions: 14 };

    expect(overBudget(counts, 2)).toEqual([]);
    expect(overBudget(counts, 1)).toContain('transitions: 27 instead of 16');
  });
});
