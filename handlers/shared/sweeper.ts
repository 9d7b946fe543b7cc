import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import { SFNClient } from '@aws-sdk/client-sfn';
import { SSMClient } from '@aws-sdk/client-ssm';
import type * as z from 'zod';
import { apiClient } from './aws-clients.ts';
import { systemClock } from './executions.ts';
import { logger } from './logger.ts';
import type { Machines, Subject, Workflows } from './roll-backs.ts';
import { type SweepReport, sweep } from './sweep.ts';

/** What the metrics of both services are found under; the service is their dimension. */
const NAMESPACE = 'CrossServiceProvisioning';

type StepFunctions = Pick<SFNClient, 'send'>;

/**
 * Makes the handler of a scheduled sweep. It says what it found in the log and as metrics; `SweepCompleted` is the
 * heartbeat, whose absence means that nothing is swept.
 * docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format.html
 */
export function sweeper<Input extends z.ZodType<Subject>>(
  workflowsOf: (stepFunctions: StepFunctions, machines: Machines) => Workflows<Input>,
  environment: Machines & { MARK_PARAMETER: string },
): () => Promise<SweepReport> {
  const metrics = new Metrics({
    namespace: NAMESPACE,
    serviceName: process.env['SERVICE_NAME'] ?? 'unknown',
  });
  const run = sweep({
    workflows: workflowsOf(apiClient(SFNClient), environment),
    ssm: apiClient(SSMClient),
    markParameter: environment.MARK_PARAMETER,
    clock: systemClock,
  });
  return async () => {
    const report = await run();
    logger.info('Sweep completed', { ...report });
    metrics.addMetric('SweepCompleted', MetricUnit.Count, 1);
    metrics.addMetric('SweepRollBacksStarted', MetricUnit.Count, report.started);
    metrics.addMetric('SweepLeft', MetricUnit.Count, report.left);
    metrics.publishStoredMetrics();
    return report;
  };
}
