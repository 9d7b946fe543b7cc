import {
  EventBridgeClient,
  PutRuleCommand,
  PutTargetsCommand,
  type PutTargetsCommandInput,
} from '@aws-sdk/client-eventbridge';
import {
  CreateQueueCommand,
  DeleteMessageBatchCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SetQueueAttributesCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { configuration, newName, outputs } from '../../e2e/support/deployed.ts';

/** A subscriber as another team may have one: rules on both buses, a queue, and a dead-letter queue. */

const sqs = new SQSClient(configuration);
const eventBridge = new EventBridgeClient(configuration);

const buses = { app1: outputs.app1.event_bus_name, app2: outputs.app2.event_bus_name };
const sources = ['app1.provisioning', 'app2.service-users'];

export interface Subscriber {
  /** Names of its rules, by the service on whose bus they are. */
  rules: Record<string, string>;
  /** Address of its dead-letter queue. */
  deadLetters: string;
  /** Takes all that has come, until nothing comes any more; the events as EventBridge sent them. */
  receive(): Promise<unknown[]>;
  /** Lets EventBridge send to the queue, or not: as when the target is gone for a while. */
  reachable(is: boolean): Promise<void>;
  /** How many events could not be delivered. */
  undelivered(): Promise<number>;
}

export async function subscribe(): Promise<Subscriber> {
  const queue = await newQueue('subscriber');
  const deadLetters = await newQueue('subscriber-dead-letters');
  await letSend(deadLetters, true);
  await letSend(queue, true);
  const rules: Record<string, string> = {};
  for (const [service, EventBusName] of Object.entries(buses)) {
    const Name = newName('subscriber');
    rules[service] = Name;
    await eventBridge.send(
      new PutRuleCommand({ Name, EventBusName, EventPattern: JSON.stringify({ source: sources }) }),
    );
    const targets: PutTargetsCommandInput = {
      Rule: Name,
      EventBusName,
      Targets: [{ Id: 'queue', Arn: queue.arn, DeadLetterConfig: { Arn: deadLetters.arn } }],
    };
    await eventBridge.send(new PutTargetsCommand(targets));
  }
  return {
    rules,
    deadLetters: deadLetters.url,
    receive: () => drain(queue.url),
    reachable: (is) => letSend(queue, is),
    undelivered: () => lengthOf(deadLetters.url),
  };
}

interface Queue {
  url: string;
  arn: string;
}

async function newQueue(what: string): Promise<Queue> {
  const { QueueUrl = '' } = await sqs.send(new CreateQueueCommand({ QueueName: newName(what) }));
  const { Attributes } = await sqs.send(
    new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['QueueArn'] }),
  );
  return { url: QueueUrl, arn: Attributes?.['QueueArn'] ?? '' };
}

async function letSend({ url, arn }: Queue, is: boolean): Promise<void> {
  const statement = {
    Effect: is ? 'Allow' : 'Deny',
    Principal: { Service: 'events.amazonaws.com' },
    Action: 'sqs:SendMessage',
    Resource: arn,
  };
  await sqs.send(
    new SetQueueAttributesCommand({
      QueueUrl: url,
      Attributes: { Policy: JSON.stringify({ Version: '2012-10-17', Statement: [statement] }) },
    }),
  );
}

async function lengthOf(QueueUrl: string): Promise<number> {
  const { Attributes } = await sqs.send(
    new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['ApproximateNumberOfMessages'] }),
  );
  return Number(Attributes?.['ApproximateNumberOfMessages']);
}

async function drain(QueueUrl: string): Promise<unknown[]> {
  const received: unknown[] = [];
  for (;;) {
    const { Messages = [] } = await sqs.send(
      new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds: 1 }),
    );
    if (Messages.length === 0) return received;
    received.push(...Messages.map(({ Body = '' }): unknown => JSON.parse(Body)));
    const Entries = Messages.map(({ ReceiptHandle }, n) => ({ Id: String(n), ReceiptHandle }));
    await sqs.send(new DeleteMessageBatchCommand({ QueueUrl, Entries }));
  }
}
