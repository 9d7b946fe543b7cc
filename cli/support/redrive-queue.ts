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

/** Seconds for which SQS hides a received message: longer than any function can run. */
const VISIBILITY_TIMEOUT = 16 * 60;

/** Seconds of long polling: SQS queries all its servers before it returns no message. */
const LONG_POLL = 2;

export interface RemainingMessage {
  /** Name of the message, for people. */
  what: string;
  reason: string;
}

export interface Summary {
  /** Number of messages that were delivered (or would be, in a dry run), by target. */
  delivered: Map<string, number>;
  remaining: RemainingMessage[];
}

interface Services {
  sqs: Pick<SQSClient, 'send'>;
  plan: (message: DeadLetterMessage) => Promise<Delivery>;
  /** Reports progress. */
  report: (line: string) => void;
}

/**
 * Delivers the messages of a queue, ten at a time, until none is left. A message is deleted after its target has accepted
 * it; the others become visible again at the end. A message that was delivered but could not be deleted is delivered
 * again by the next run: delivery is at least once.
 * @throws the errors of SQS
 */
export const redriveQueue =
  ({ sqs, plan, report }: Services) =>
  async (QueueUrl: string, { dryRun = false }: { dryRun?: boolean } = {}): Promise<Summary> => {
    const summary: Summary = { delivered: new Map(), remaining: [] };
    /** Receipt handles of the messages that remain, by message id. */
    const heldReceipts = new Map<string, string>();
    const queueLength = await lengthOf(sqs, QueueUrl);
    let delivered = 0;

    const redeliver = async (received: Message): Promise<void> => {
      const { MessageId = '', ReceiptHandle = '' } = received;
      heldReceipts.set(MessageId, ReceiptHandle);
      let what = `message ${MessageId}`;
      try {
        const message = readMessage(received);
        what = nameOf(message, what);
        const { to, deliver } = await plan(message);
        if (!dryRun) {
          await deliver();
          await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
          heldReceipts.delete(MessageId);
        }
        summary.delivered.set(to, (summary.delivered.get(to) ?? 0) + 1);
        delivered += 1;
      } catch (error) {
        summary.remaining.push({ what, reason: reasonOf(error) });
      }
    };

    try {
      for (;;) {
        const batch = await receive(sqs, QueueUrl);
        if (batch.length === 0) return summary;
        // A message that becomes visible again during the run was processed before.
        await Promise.all(batch.filter(({ MessageId = '' }) => !heldReceipts.has(MessageId)).map(redeliver));
        report(
          `${delivered} of about ${queueLength} ${dryRun ? 'checked' : 'delivered'}, ${summary.remaining.length} remaining`,
        );
      }
    } finally {
      await makeVisible(sqs, QueueUrl, [...heldReceipts.values()]);
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
      VisibilityTimeout: VISIBILITY_TIMEOUT,
      WaitTimeSeconds: LONG_POLL,
    }),
  );
  return Messages;
}

/** Makes messages visible again, so that the alarm and the next run see them. */
async function makeVisible(
  sqs: Pick<SQSClient, 'send'>,
  QueueUrl: string,
  receipts: string[],
): Promise<void> {
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
    : 'a value was thrown that is not an Error';
}
