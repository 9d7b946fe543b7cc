import {
  DescribeEventBusCommand,
  DescribeRuleCommand,
  type EventBridgeClient,
} from '@aws-sdk/client-eventbridge';
import type { MonitoredBus } from './environment.ts';
import { hasErrorName } from './errors.ts';

/** Health of a service's bus. PutEvents reports none of these defects. */
export type BusHealth = 'healthy' | 'bus missing' | 'log rule missing' | 'log rule disabled';

/**
 * Checks that events on the bus are delivered to the log. PutEvents also succeeds for a deleted bus, and for a bus whose
 * rule is disabled.
 * docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html
 * @throws the errors of EventBridge's calls
 */
export async function checkBusHealth(
  eventBridge: Pick<EventBridgeClient, 'send'>,
  { EVENT_BUS_NAME, LOG_RULE_NAME }: MonitoredBus,
): Promise<BusHealth> {
  const bus = await orUndefined(() =>
    eventBridge.send(new DescribeEventBusCommand({ Name: EVENT_BUS_NAME })),
  );
  if (bus === undefined) return 'bus missing';
  const rule = await orUndefined(() =>
    eventBridge.send(new DescribeRuleCommand({ Name: LOG_RULE_NAME, EventBusName: EVENT_BUS_NAME })),
  );
  if (rule === undefined) return 'log rule missing';
  return rule.State === 'ENABLED' ? 'healthy' : 'log rule disabled';
}

async function orUndefined<Output>(call: () => Promise<Output>): Promise<Output | undefined> {
  try {
    return await call();
  } catch (error) {
    if (hasErrorName(error, 'ResourceNotFoundException')) return undefined;
    throw error;
  }
}
