import { type EventBridgeClient, PutRuleCommand, PutTargetsCommand } from '@aws-sdk/client-eventbridge';
import {
  CreateQueueCommand,
  DeleteMessageBatchCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SetQueueAttributesCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs';

/** A queue that hears what is published, as another team may have one. */
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
 * Lets a service send to the queue, or not.
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
  /** Of the events that are of interest. */
  sources: readonly string[];
  /** What cannot be delivered goes there, if anywhere. */
  deadLetters?: Queue;
}

/** Has a bus send events to the queue from now on. */
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

/** Takes some of what has come out of the queue, as it was sent; waits up to a second for it. */
export async function take(sqs: SQSClient, { url: QueueUrl }: Queue): Promise<unknown[]> {
  const { Messages = [] } = await sqs.send(
    new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds: 1 }),
  );
  const taken = Messages.map(({ Body = '' }): unknown => JSON.parse(Body));
  const Entries = Messages.map(({ ReceiptHandle }, n) => ({ Id: String(n), ReceiptHandle }));
  if (Entries.length > 0) await sqs.send(new DeleteMessageBatchCommand({ QueueUrl, Entries }));
  return taken;
}
