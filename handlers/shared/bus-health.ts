import {
  DescribeEventBusCommand,
  DescribeRuleCommand,
  type EventBridgeClient,
} from '@aws-sdk/client-eventbridge';
import type { MonitoredBus } from './environment.ts';
import { hasErrorName } from './errors.ts';

/** What of a service's bus can be wrong without that anybody who puts events there is told. */
export type BusFinding = 'whole' | 'no bus' | 'no rule to the log' | 'the rule to the log is off';

/**
 * Whether events that are put on the bus arrive. PutEvents to a bus that is gone is answered with success, and so is one
 * whose rule is off: nobody else would notice.
 * docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html
 * @throws the errors of EventBridge, when it cannot be asked
 */
export async function checkBusHealth(
  eventBridge: Pick<EventBridgeClient, 'send'>,
  { EVENT_BUS_NAME, LOG_RULE_NAME }: MonitoredBus,
): Promise<BusFinding> {
  const bus = await found(() => eventBridge.send(new DescribeEventBusCommand({ Name: EVENT_BUS_NAME })));
  if (bus === undefined) return 'no bus';
  const rule = await found(() =>
    eventBridge.send(new DescribeRuleCommand({ Name: LOG_RULE_NAME, EventBusName: EVENT_BUS_NAME })),
  );
  if (rule === undefined) return 'no rule to the log';
  return rule.State === 'ENABLED' ? 'whole' : 'the rule to the log is off';
}

async function found<Answer>(ask: () => Promise<Answer>): Promise<Answer | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (hasErrorName(error, 'ResourceNotFoundException')) return undefined;
    throw error;
  }
}
