import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { SFNClient } from '@aws-sdk/client-sfn';
import type { Context } from 'aws-lambda';
import type * as z from 'zod';
import { apiClient } from './aws-clients.ts';
import { type BusFinding, checkBusHealth } from './bus-health.ts';
import type { MonitoredBus } from './environment.ts';
import { systemClock } from './executions.ts';
import { logger, withLogContext } from './logger.ts';
import { embeddedMetrics } from './metrics.ts';
import type { Machines, Subject, Workflows } from './roll-backs.ts';
import { type SweepReport, sweep } from './sweep.ts';
import { presentTrace } from './trace-header.ts';

type StepFunctions = Pick<SFNClient, 'send'>;

/**
 * Makes the handler of a scheduled sweep, which then looks whether the service's events arrive. It says what it found in
 * the log, in lines that are metrics, too; `SweepCompleted` is the heartbeat, whose absence means that nothing is swept.
 * When the bus cannot be looked at, the sweep is told all the same, and then the function fails.
 */
export function sweeper<Input extends z.ZodType<Subject>>(
  workflowsOf: (stepFunctions: StepFunctions, machines: Machines) => Workflows<Input>,
  environment: Machines & MonitoredBus & { SWEEP_TABLE: string; DESCRIBES_PER_SECOND: number },
): (event?: unknown, context?: Pick<Context, 'awsRequestId'>) => Promise<SweepReport & { bus: BusFinding }> {
  const stepFunctions = apiClient(SFNClient);
  const run = sweep({
    workflows: workflowsOf(stepFunctions, environment),
    dynamoDb: apiClient(DynamoDBClient),
    tableName: environment.SWEEP_TABLE,
    describesPerSecond: environment.DESCRIBES_PER_SECOND,
    clock: systemClock,
  });
  const eventBridge = apiClient(EventBridgeClient);
  const sweepAndLook = async () => {
    const report = await run();
    const { started, left, oldest_running_seconds } = report;
    logger.info('Sweep completed', {
      ...report,
      ...embeddedMetrics({
        sweepCompleted: 1,
        sweepRollBacksStarted: started,
        sweepLeft: left,
        oldestRunning: oldest_running_seconds,
      }),
    });
    const bus = await checkBusHealth(eventBridge, environment);
    const finding = { bus: environment.EVENT_BUS_NAME, finding: bus };
    if (bus === 'whole')
      logger.info('Audit events arrive', { ...finding, ...embeddedMetrics({ auditBusBroken: 0 }) });
    else
      logger.error('Audit events are lost or do not reach the log', {
        ...finding,
        ...embeddedMetrics({ auditBusBroken: 1 }),
      });
    return { ...report, bus };
  };
  return (_event, context) =>
    withLogContext({ trace_id: presentTrace(), function_request_id: context?.awsRequestId }, sweepAndLook);
}
