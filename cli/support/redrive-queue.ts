import {
  ChangeMessageVisibilityBatchCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  type Message,
  ReceiveMessageCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import { type DeadLetterMessage, RedeliveryError, readMessage } from './dead-letter-message.ts';
import type { Delivery } from './deliver.ts';

/** Seconds for which a message is ours: longer than any function may run. */
const OURS = 16 * 60;

/** Seconds that SQS waits for a message, so that it asks all its servers before it says that there is none. */
const LONG_POLL = 2;

export interface Left {
  /** What it is, for people. */
  what: string;
  reason: string;
}

export interface Summary {
  /** How many were delivered (or would be), by where to. */
  delivered: Map<string, number>;
  left: Left[];
}

interface Services {
  sqs: Pick<SQSClient, 'send'>;
  plan: (message: DeadLetterMessage) => Promise<Delivery>;
  /** Says how far it is. */
  report: (line: string) => void;
}

/**
 * Delivers what lies in a queue, ten at a time, until nothing else does. A message is deleted after it was taken; one
 * that was not is visible again when the queue was gone through. What was taken but could not be deleted is delivered
 * again by the next run: delivery stays at least once.
 * @throws the errors of SQS
 */
export const redriveQueue =
  ({ sqs, plan, report }: Services) =>
  async (QueueUrl: string, { dryRun = false }: { dryRun?: boolean } = {}): Promise<Summary> => {
    const summary: Summary = { delivered: new Map(), left: [] };
    /** Receipts of the messages that stay, by their id. */
    const held = new Map<string, string>();
    const about = await lengthOf(sqs, QueueUrl);
    let taken = 0;

    const one = async (received: Message): Promise<void> => {
      const { MessageId = '', ReceiptHandle = '' } = received;
      held.set(MessageId, ReceiptHandle);
      let what = `message ${MessageId}`;
      try {
        const message = readMessage(received);
        what = nameOf(message, what);
        const { to, deliver } = await plan(message);
        if (!dryRun) {
          await deliver();
          await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
          held.delete(MessageId);
        }
        summary.delivered.set(to, (summary.delivered.get(to) ?? 0) + 1);
        taken += 1;
      } catch (error) {
        summary.left.push({ what, reason: reasonOf(error) });
      }
    };

    try {
      for (;;) {
        const batch = await receive(sqs, QueueUrl);
        if (batch.length === 0) return summary;
        // One that is held for so long that it comes again has had its turn.
        await Promise.all(batch.filter(({ MessageId = '' }) => !held.has(MessageId)).map(one));
        report(
          `${taken} of about ${about} ${dryRun ? 'looked at' : 'delivered'}, ${summary.left.length} left`,
        );
      }
    } finally {
      await letGo(sqs, QueueUrl, [...held.values()]);
    }
  };

async function lengthOf(sqs: Pick<SQSClient, 'send'>, QueueUrl: string): Promise<string> {
  const { Attributes } = await sqs.send(
    new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['ApproximateNumberOfMessages'] }),
  );
  return Attributes?.['ApproximateNumberOfMessages'] ?? '?';
}

async function receive(sqs: Pick<SQSClient, 'send'>, QueueUrl: string): Promise<Message[]> {
  const { Messages = [] } = await sqs.send(
    new ReceiveMessageCommand({
      QueueUrl,
      MaxNumberOfMessages: 10,
      MessageAttributeNames: ['All'],
      VisibilityTimeout: OURS,
      WaitTimeSeconds: LONG_POLL,
    }),
  );
  return Messages;
}

/** Makes messages visible again, so that the alarm and the next run see them. */
async function letGo(sqs: Pick<SQSClient, 'send'>, QueueUrl: string, receipts: string[]): Promise<void> {
  for (let first = 0; first < receipts.length; first += 10) {
    const Entries = receipts
      .slice(first, first + 10)
      .map((ReceiptHandle, index) => ({ Id: String(index), ReceiptHandle, VisibilityTimeout: 0 }));
    await sqs.send(new ChangeMessageVisibilityBatchCommand({ QueueUrl, Entries }));
  }
}

function nameOf({ event, kind, error }: DeadLetterMessage, otherwise: string): string {
  const name =
    event['detail-type'] === undefined ? otherwise : `${event['detail-type']} ${event.id ?? ''}`.trim();
  return `${name} (${kind === 'rule' ? 'not delivered' : 'not handled'}: ${error})`;
}

function reasonOf(error: unknown): string {
  if (error instanceof RedeliveryError) return error.message;
  return error instanceof Error
    ? `${error.name}: ${error.message}`
    : 'something was thrown that is not an error';
}
