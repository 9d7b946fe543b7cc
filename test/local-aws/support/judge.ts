import { EventBridgeClient, TestEventPatternCommand } from '@aws-sdk/client-eventbridge';
import { account, client, region } from './clients.ts';

const events = client(EventBridgeClient);

/**
 * Whether EventBridge finds that a pattern matches an event, which is given as its sender sent it.
 * docs.aws.amazon.com/eventbridge/latest/APIReference/API_TestEventPattern.html
 */
export async function matches(pattern: object, event: object): Promise<boolean> {
  const delivered = {
    id: 'delivery-1',
    account,
    region,
    time: '2026-11-23T12:00:00Z',
    resources: [],
    ...event,
  };
  const { Result = false } = await events.send(
    new TestEventPatternCommand({ EventPattern: JSON.stringify(pattern), Event: JSON.stringify(delivered) }),
  );
  return Result;
}
