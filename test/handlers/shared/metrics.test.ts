import { describe, expect, it } from '@jest/globals';
import { count, embeddedMetrics, metricNames, metrics, seriesOf } from '../../../handlers/shared/metrics.ts';

describe('the table of metrics', () => {
  it('has unique names', () => {
    const names = Object.values(metricNames);

    expect(new Set(names).size).toBe(names.length);
  });

  it.each(Object.entries(metrics))(
    'gives %s the dimension of its source, and at most three',
    (_key, metric) => {
      const apart = { function: 'service', 'audit-events': 'source', 'state-machines': 'service' } as const;

      expect(metric.dimensions).toContain(apart[metric.from]);
      // A metric filter has at most three dimensions.
      expect(metric.dimensions.length).toBeLessThanOrEqual(3);
    },
  );
});

describe('the series of a metric', () => {
  it('has its dimensions', () => {
    expect(seriesOf('rollBacksFailed', { source: 'payments.service-users' })).toEqual({
      name: 'RollBacksFailed',
      dimensions: { source: 'payments.service-users' },
    });
  });

  it('has the service in its name if it is counted in the logs of state machines', () => {
    expect(seriesOf('rollBacksStarted', { service: 'payments', step: 'DeleteUser' })).toEqual({
      name: 'PaymentsRollBacksStarted',
      dimensions: { step: 'DeleteUser' },
    });
  });
});

describe('a log line with metrics', () => {
  it('matches the embedded metric format', () => {
    expect(embeddedMetrics({ stepDuration: 12, stepFailures: 1 })).toEqual({
      _aws: {
        Timestamp: expect.any(Number),
        CloudWatchMetrics: [
          {
            Namespace: 'CrossServiceProvisioning',
            Dimensions: [['service', 'step']],
            Metrics: [{ Name: 'StepDuration', Unit: 'Milliseconds' }],
          },
          {
            Namespace: 'CrossServiceProvisioning',
            Dimensions: [['service', 'step', 'error']],
            Metrics: [{ Name: 'StepFailures', Unit: 'Count' }],
          },
        ],
      },
      StepDuration: 12,
      StepFailures: 1,
    });
  });

  it('contains earlier counts once', () => {
    count('targetTokenHits');
    count('targetTokenHits');
    count('targetTokenMisses');

    expect(embeddedMetrics({})).toMatchObject({ TargetTokenHits: 2, TargetTokenMisses: 1 });
    expect(embeddedMetrics({})).toEqual({ _aws: expect.objectContaining({ CloudWatchMetrics: [] }) });
  });
});
