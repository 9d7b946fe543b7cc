import { describe, expect, it } from '@jest/globals';
import { ownSeries } from '../../acceptance/metrics.ts';

describe('ownSeries', () => {
  it('counts a counter by its sum', () => {
    expect(ownSeries('app1', 'callerFailures')).toMatchObject({ name: 'CallerFailures', statistic: 'Sum' });
  });

  it('counts a duration by its samples, because it can be 0 ms', () => {
    expect(ownSeries('app1', 'stepDuration')).toMatchObject({
      name: 'StepDuration',
      statistic: 'SampleCount',
    });
  });
});
