import { EventBridgeClient, PutRuleCommand, PutTargetsCommand } from '@aws-sdk/client-eventbridge';
import {
  CreateQueueCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { client } from './clients.ts';
import { present } from './present.ts';
import { policy } from './roles.ts';
import { unique } from './unique.ts';

const sqs = client(SQSClient);
const events = client(EventBridgeClient);

/** Creates a queue that receives the default bus's events with this pattern. Returns its URL. */
export async function queueOf(pattern: object): Promise<string> {
  const open = { Effect: 'Allow', Principal: { Service: 'events.amazonaws.com' }, Action: 'sqs:SendMessage' };
  const { QueueUrl } = await sqs.send(
    new CreateQueueCommand({
      QueueName: unique('queue'),
      Attributes: { Policy: policy({ ...open, Resource: '*' }) },
    }),
  );
  const { Attributes } = await sqs.send(
    new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['QueueArn'] }),
  );
  const Rule = unique('rule');
  await events.send(new PutRuleCommand({ Name: Rule, EventPattern: JSON.stringify(pattern) }));
  const Arn = present(Attributes?.['QueueArn']);
  await events.send(new PutTargetsCommand({ Rule, Targets: [{ Id: 'queue', Arn }] }));
  return present(QueueUrl);
}

/** Creates a queue that every principal of the account may send to. */
export async function createQueue(): Promise<{ url: string; arn: string }> {
  const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: unique('queue') }));
  const { Attributes } = await sqs.send(
    new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['QueueArn'] }),
  );
  return { url: present(QueueUrl), arn: present(Attributes?.['QueueArn']) };
}

/** The number of messages in the queue. */
export async function lengthOf(QueueUrl: string): Promise<number> {
  const { Attributes } = await sqs.send(
    new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['ApproximateNumberOfMessages'] }),
  );
  return Number(present(Attributes?.['ApproximateNumberOfMessages']));
}

/** Waits for the next event in the queue and removes it. */
export async function nextEvent(QueueUrl: string): Promise<unknown> {
  const { Messages } = await sqs.send(new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 5 }));
  const message = present(Messages?.[0]);
  await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: message.ReceiptHandle }));
  return JSON.parse(present(message.Body));
}
