import { EventBridgeClient, PutRuleCommand, PutTargetsCommand } from '@aws-sdk/client-eventbridge';
import {
  CreateQueueCommand,
  DeleteMessageBatchCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SetQueueAttributesCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import * as z from 'zod';
import { endsStory } from '../../contracts/events/stories.ts';
import { type ReceivedEvent, readEvent } from '../../contracts/events/subscriber.ts';
import type { Outputs } from '../../local/outputs.ts';

/** Ends of provisionings as a subscriber of App1's bus learns of them, without asking anybody about any of them. */
export interface Ends {
  /** Last facts by provisioning_id, with why it failed, once these have all ended, or `seconds` are over. */
  of(ids: readonly string[], seconds: number): Promise<Map<string, string>>;
}

const envelope = z.looseObject({ 'detail-type': z.string() });

export async function subscribeToEnds({ endpoint, region, app1, ...outputs }: Outputs): Promise<Ends> {
  const credentials = { accessKeyId: outputs.access_key_id, secretAccessKey: outputs.secret_access_key };
  const sqs = new SQSClient({ endpoint, region, credentials });
  const eventBridge = new EventBridgeClient({ endpoint, region, credentials });
  const name = `burst-${Date.now()}`;
  const { QueueUrl = '' } = await sqs.send(new CreateQueueCommand({ QueueName: name }));
  const { Attributes } = await sqs.send(
    new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['QueueArn'] }),
  );
  const arn = Attributes?.['QueueArn'] ?? '';
  const mayBeSentTo = {
    Effect: 'Allow',
    Principal: { Service: 'events.amazonaws.com' },
    Action: 'sqs:SendMessage',
    Resource: arn,
  };
  const Policy = JSON.stringify({ Version: '2012-10-17', Statement: [mayBeSentTo] });
  await sqs.send(new SetQueueAttributesCommand({ QueueUrl, Attributes: { Policy } }));
  const EventBusName = app1.event_bus_name;
  const EventPattern = JSON.stringify({ source: ['app1.provisioning'] });
  await eventBridge.send(new PutRuleCommand({ Name: name, EventBusName, EventPattern }));
  await eventBridge.send(
    new PutTargetsCommand({ Rule: name, EventBusName, Targets: [{ Id: 'queue', Arn: arn }] }),
  );

  const last = new Map<string, { fact: string; sequence: number }>();
  return {
    async of(ids, seconds) {
      const end = Date.now() + seconds * 1000;
      const left = () => ids.filter((id) => !last.has(id));
      while (left().length > 0 && Date.now() < end) {
        const { Messages = [] } = await sqs.send(
          new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds: 1 }),
        );
        for (const { Body = '' } of Messages) {
          const event = readEvent(envelope.parse(JSON.parse(Body)));
          const { provisioning_id, sequence } = event.detail.metadata;
          if (provisioning_id === null || !endsStory(event['detail-type'])) continue;
          if (sequence > (last.get(provisioning_id)?.sequence ?? 0))
            last.set(provisioning_id, { fact: factOf(event), sequence });
        }
        const Entries = Messages.map(({ ReceiptHandle }, n) => ({ Id: String(n), ReceiptHandle }));
        if (Entries.length > 0) await sqs.send(new DeleteMessageBatchCommand({ QueueUrl, Entries }));
      }
      const known = ids.flatMap((id) => {
        const found = last.get(id);
        return found === undefined ? [] : [[id, found.fact] as const];
      });
      return new Map(known);
    },
  };
}

/** Its name, and which failure it tells of. */
function factOf({ 'detail-type': name, detail: { data } }: ReceivedEvent): string {
  return 'failure' in data ? `${name}: ${data.failure.error} at ${data.failure.step}` : name;
}
