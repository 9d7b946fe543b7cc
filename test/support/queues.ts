import { type EventBridgeClient, PutRuleCommand, PutTargetsCommand } from '@aws-sdk/client-eventbridge';
import {
  CreateQueueCommand,
  DeleteMessageBatchCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SetQueueAttributesCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs';

/** A queue that subscribes to events, as that of another team. */
export interface Queue {
  url: string;
  arn: string;
}

/** Services of AWS that send to queues. */
type Sender = 'events.amazonaws.com' | 'sns.amazonaws.com';

/** A new queue to which EventBridge, or another sender, may send. */
export async function openQueue(sqs: SQSClient, QueueName: string, sender?: Sender): Promise<Queue> {
  const { QueueUrl = '' } = await sqs.send(new CreateQueueCommand({ QueueName }));
  const { Attributes } = await sqs.send(
    new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['QueueArn'] }),
  );
  const queue = { url: QueueUrl, arn: Attributes?.['QueueArn'] ?? '' };
  await letSend(sqs, queue, true, sender);
  return queue;
}

/**
 * Allows or denies a service to send to the queue.
 * docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html#eb-sqs-permissions
 * docs.aws.amazon.com/sns/latest/dg/subscribe-sqs-queue-to-sns-topic.html
 */
export async function letSend(
  sqs: SQSClient,
  { url, arn }: Queue,
  is: boolean,
  sender: Sender = 'events.amazonaws.com',
): Promise<void> {
  const statement = {
    Effect: is ? 'Allow' : 'Deny',
    Principal: { Service: sender },
    Action: 'sqs:SendMessage',
    Resource: arn,
  };
  const Policy = JSON.stringify({ Version: '2012-10-17', Statement: [statement] });
  await sqs.send(new SetQueueAttributesCommand({ QueueUrl: url, Attributes: { Policy } }));
}

interface Rule {
  name: string;
  bus: string;
  /** Sources of the subscribed events. */
  sources: readonly string[];
  /** Dead-letter queue of the rule. */
  deadLetters?: Queue;
}

/** Subscribes the queue to events of a bus. */
export async function listen(
  eventBridge: EventBridgeClient,
  { arn: Arn }: Queue,
  { name, bus: EventBusName, sources, deadLetters }: Rule,
): Promise<void> {
  const EventPattern = JSON.stringify({ source: sources });
  await eventBridge.send(new PutRuleCommand({ Name: name, EventBusName, EventPattern }));
  const rest = deadLetters === undefined ? {} : { DeadLetterConfig: { Arn: deadLetters.arn } };
  await eventBridge.send(
    new PutTargetsCommand({ Rule: name, EventBusName, Targets: [{ Id: 'queue', Arn, ...rest }] }),
  );
}

/** Receives and deletes up to ten messages, with long polling of a second. */
export async function take(sqs: SQSClient, { url: QueueUrl }: Queue): Promise<unknown[]> {
  const { Messages = [] } = await sqs.send(
    new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds: 1 }),
  );
  const taken = Messages.map(({ Body = '' }): unknown => JSON.parse(Body));
  const Entries = Messages.map(({ ReceiptHandle }, n) => ({ Id: String(n), ReceiptHandle }));
  if (Entries.length > 0) await sqs.send(new DeleteMessageBatchCommand({ QueueUrl, Entries }));
  return taken;
}
