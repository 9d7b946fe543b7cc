import {
  CreateEventBusCommand,
  EventBridgeClient,
  PutRuleCommand,
  PutTargetsCommand,
  type Target,
} from '@aws-sdk/client-eventbridge';
import { SetQueueAttributesCommand, SQSClient } from '@aws-sdk/client-sqs';
import { client, root } from './clients.ts';
import { present } from './present.ts';
import { policy } from './roles.ts';
import { unique } from './unique.ts';

const events = client(EventBridgeClient);
const sqs = client(SQSClient);

/** Creates a bus, by default in the account of this suite. */
export async function createBus(credentials = root): Promise<{ EventBusName: string; EventBusArn: string }> {
  const Name = unique('bus');
  const { EventBusArn } = await client(EventBridgeClient, credentials).send(
    new CreateEventBusCommand({ Name }),
  );
  return { EventBusName: Name, EventBusArn: present(EventBusArn) };
}

/** Creates a rule on a bus (name or ARN), by default for every event of these tests. Returns its ARN. */
export async function connect(
  EventBusName: string,
  target: Omit<Target, 'Id'>,
  EventPattern = JSON.stringify({ source: ['test.source'] }),
): Promise<string> {
  const Name = unique('rule');
  const { RuleArn } = await events.send(new PutRuleCommand({ Name, EventBusName, EventPattern }));
  const Targets = [{ Id: 'target', ...target }];
  await events.send(new PutTargetsCommand({ Rule: Name, EventBusName, Targets }));
  return present(RuleArn);
}

/** An event of these tests. */
export function entry(EventBusName: string) {
  return { EventBusName, Source: 'test.source', DetailType: 'Thing Done', Detail: '{"n":1}' };
}

/** Allows rules with these ARNs to send to the queue. */
export async function letRulesSend({ url, arn }: { url: string; arn: string }, rule = '*'): Promise<void> {
  const Policy = policy({
    Effect: 'Allow',
    Principal: { Service: 'events.amazonaws.com' },
    Action: 'sqs:SendMessage',
    Resource: arn,
    Condition: { ArnLike: { 'aws:SourceArn': rule } },
  });
  await sqs.send(new SetQueueAttributesCommand({ QueueUrl: url, Attributes: { Policy } }));
}
