import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { SFNClient } from '@aws-sdk/client-sfn';
import type { Context } from 'aws-lambda';
import type * as z from 'zod';
import { apiClient } from './aws-clients.ts';
import { type BusHealth, checkBusHealth } from './bus-health.ts';
import type { MonitoredBus } from './environment.ts';
import { systemClock } from './executions.ts';
import { logger, withLogContext } from './logger.ts';
import { embeddedMetrics } from './metrics.ts';
import type { Machines, ProvisioningSubject, Workflows } from './roll-backs.ts';
import { type SweepReport, sweep } from './sweep.ts';
import { currentTraceId } from './trace-header.ts';

type StepFunctions = Pick<SFNClient, 'send'>;

/**
 * Creates the Lambda handler of the scheduled sweep. After the sweep it checks the health of the service's bus. It logs
 * both results with metrics; `SweepCompleted` is the heartbeat of the sweep. If the check of the bus fails, the sweep is
 * reported all the same, and then the function fails.
 */
export function sweeper<Input extends z.ZodType<ProvisioningSubject>>(
  workflowsOf: (stepFunctions: StepFunctions, machines: Machines) => Workflows<Input>,
  environment: Machines & MonitoredBus & { SWEEP_TABLE: string; DESCRIBES_PER_SECOND: number },
): (event?: unknown, context?: Pick<Context, 'awsRequestId'>) => Promise<SweepReport & { bus: BusHealth }> {
  const stepFunctions = apiClient(SFNClient);
  const run = sweep({
    workflows: workflowsOf(stepFunctions, environment),
    dynamoDb: apiClient(DynamoDBClient),
    tableName: environment.SWEEP_TABLE,
    describesPerSecond: environment.DESCRIBES_PER_SECOND,
    clock: systemClock,
  });
  const eventBridge = apiClient(EventBridgeClient);
  const sweepAndCheckBus = async () => {
    const report = await run();
    const { started, remaining, oldest_running_seconds } = report;
    logger.info('Sweep completed', {
      ...report,
      ...embeddedMetrics({
        sweepCompleted: 1,
        sweepRollBacksStarted: started,
        sweepRemaining: remaining,
        oldestRunningAge: oldest_running_seconds,
      }),
    });
    const bus = await checkBusHealth(eventBridge, environment);
    const finding = { bus: environment.EVENT_BUS_NAME, finding: bus };
    if (bus === 'healthy')
      logger.info('Audit events are delivered', { ...finding, ...embeddedMetrics({ auditBusBroken: 0 }) });
    else
      logger.error('Audit events are lost or do not reach the log', {
        ...finding,
        ...embeddedMetrics({ auditBusBroken: 1 }),
      });
    return { ...report, bus };
  };
  return (_event, context) =>
    withLogContext(
      { trace_id: currentTraceId(), function_request_id: context?.awsRequestId },
      sweepAndCheckBus,
    );
}
