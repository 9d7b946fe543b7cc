import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { GetQueueAttributesCommand, SQSClient } from '@aws-sdk/client-sqs';
import { sourceOf } from '../../../contracts/events/catalogue.ts';
import { APP1 } from '../../../contracts/services.ts';
import { configuration, newName, outputs } from '../../e2e/support/deployed.ts';
import { letSend, listen, openQueue, type Queue, take } from '../../support/queues.ts';

/** A subscriber of another team: rules on the buses of all services, a queue, and a dead-letter queue. */

const sqs = new SQSClient(configuration);
const eventBridge = new EventBridgeClient(configuration);

/** The buses of App1 and of every target, with their sources. */
const buses = [
  { service: APP1, bus: outputs.app1.event_bus_name },
  ...Object.entries(outputs.targets).map(([service, { event_bus_name: bus }]) => ({ service, bus })),
];

export interface Subscriber {
  /** Names of its rules, by the service that owns the bus. */
  rules: Record<string, string>;
  /** URL of its dead-letter queue. */
  deadLetters: string;
  /** Receives events until the queue is empty; returns them as EventBridge sent them. */
  receive(): Promise<unknown[]>;
  /** Allows or denies EventBridge to send to the queue, as during an outage of the subscriber. */
  setReachable(isReachable: boolean): Promise<void>;
  /** Number of events in the dead-letter queue. */
  deadLetterCount(): Promise<number>;
}

export async function subscribe(): Promise<Subscriber> {
  const queue = await openQueue(sqs, newName('subscriber'));
  const deadLetters = await openQueue(sqs, newName('subscriber-dead-letters'));
  const rules: Record<string, string> = {};
  for (const { service, bus } of buses) {
    const name = newName('subscriber');
    rules[service] = name;
    await listen(eventBridge, queue, { name, bus, sources: [sourceOf(service)], deadLetters });
  }
  return {
    rules,
    deadLetters: deadLetters.url,
    receive: () => drain(queue),
    setReachable: (isReachable) => letSend(sqs, queue, isReachable),
    deadLetterCount: () => lengthOf(deadLetters),
  };
}

async function lengthOf({ url: QueueUrl }: Queue): Promise<number> {
  const { Attributes } = await sqs.send(
    new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['ApproximateNumberOfMessages'] }),
  );
  return Number(Attributes?.['ApproximateNumberOfMessages']);
}

async function drain(queue: Queue): Promise<unknown[]> {
  const received: unknown[] = [];
  for (;;) {
    const batch = await take(sqs, queue);
    if (batch.length === 0) return received;
    received.push(...batch);
  }
}
