import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { SFNClient } from '@aws-sdk/client-sfn';
import { SSMClient } from '@aws-sdk/client-ssm';
import type { Context } from 'aws-lambda';
import type * as z from 'zod';
import { apiClient } from './aws-clients.ts';
import type { WatchedBus } from './environment.ts';
import { systemClock } from './executions.ts';
import { logAbout, logger } from './logger.ts';
import { metricNames, NAMESPACE } from './metrics.ts';
import type { Machines, Subject, Workflows } from './roll-backs.ts';
import { type SweepReport, sweep } from './sweep.ts';
import { presentTrace } from './trace.ts';
import { type BusFinding, lookAtBus } from './watched-bus.ts';

type StepFunctions = Pick<SFNClient, 'send'>;

/**
 * Makes the handler of a scheduled sweep, which then looks whether the service's events arrive. It says what it found in
 * the log and as metrics; `SweepCompleted` is the heartbeat, whose absence means that nothing is swept. When the bus
 * cannot be looked at, the sweep is told all the same, and then the function fails.
 * docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format.html
 */
export function sweeper<Input extends z.ZodType<Subject>>(
  workflowsOf: (stepFunctions: StepFunctions, machines: Machines) => Workflows<Input>,
  environment: Machines & WatchedBus & { MARK_PARAMETER: string },
): (event?: unknown, context?: Pick<Context, 'awsRequestId'>) => Promise<SweepReport & { bus: BusFinding }> {
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
  const eventBridge = apiClient(EventBridgeClient);
  const sweepAndLook = async () => {
    const report = await run();
    logger.info('Sweep completed', { ...report });
    metrics.addMetric(metricNames.sweepCompleted, MetricUnit.Count, 1);
    metrics.addMetric(metricNames.sweepRollBacksStarted, MetricUnit.Count, report.started);
    metrics.addMetric(metricNames.sweepLeft, MetricUnit.Count, report.left);
    metrics.publishStoredMetrics();
    const bus = await lookAtBus(eventBridge, environment);
    if (bus !== 'whole')
      logger.error('Audit events are lost or do not reach the log', {
        bus: environment.EVENT_BUS_NAME,
        finding: bus,
      });
    metrics.addMetric(metricNames.auditBusBroken, MetricUnit.Count, bus === 'whole' ? 0 : 1);
    metrics.publishStoredMetrics();
    return { ...report, bus };
  };
  return (_event, context) =>
    logAbout({ trace_id: presentTrace(), function_request_id: context?.awsRequestId }, sweepAndLook);
}
