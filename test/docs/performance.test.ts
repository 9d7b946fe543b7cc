import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { readCountResults } from '../../bench/count/results.ts';
import { performancePage } from '../../bench/performance/page.ts';
import { latencyRatios, loadingRatios, targetRatios } from '../../bench/performance/ratios.ts';
import { readResults } from '../../bench/performance/results.ts';

const results = readResults();

describe('docs/performance.md', () => {
  it('is generated from the measurements by `npm run bench`', () => {
    const page = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'performance.md'), 'utf8');

    expect(page).toBe(performancePage(results, readCountResults()));
  });

  it('contains the measured ratios', () => {
    const { loading, latency, targets } = results;
    if (loading === undefined || latency === undefined || targets === undefined)
      throw new Error('Not everything was measured.');

    expect(loading.ratios).toEqual(loadingRatios(loading.measured));
    expect(latency.ratios).toEqual(latencyRatios(latency.measured));
    expect(targets.ratios).toEqual(targetRatios(targets.measured));
  });
});
