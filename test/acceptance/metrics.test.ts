import { describe, expect, it } from '@jest/globals';
import { own } from '../../acceptance/metrics.ts';

describe('a metric of ours', () => {
  it('is counted by its values', () => {
    expect(own('app1', 'callerFailures')).toMatchObject({ name: 'CallerFailures', statistic: 'Sum' });
  });

  it('is counted by its samples when they are durations, which can be 0 ms', () => {
    expect(own('app1', 'stepDuration')).toMatchObject({ name: 'StepDuration', statistic: 'SampleCount' });
  });
});
