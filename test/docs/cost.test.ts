import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { budget, overBudget } from '../../bench/budget.ts';
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
    expect(results.paths['provisioned']?.counts).toMatchObject(budget);
  });
});

describe('the budget', () => {
  it('reports each exceeded count with the excess', () => {
    const counts = { ...budget, step_functions: 8 };

    expect(overBudget(counts)).toEqual([]);
    expect(overBudget({ ...counts, kms: 6, transitions: 17 })).toEqual([
      'transitions: 17 instead of 15',
      'kms: 6 instead of 5',
    ]);
  });
});
