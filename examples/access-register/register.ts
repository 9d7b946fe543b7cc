import {
  type AttributeValue,
  ConditionalCheckFailedException,
  type DynamoDBClient,
  PutItemCommand,
} from '@aws-sdk/client-dynamodb';
import { events } from '../../contracts/events/catalogue.ts';
import { type HandledEvents, readEvent } from '../../contracts/events/subscriber.ts';
import { reads } from './expectations.ts';

interface Table {
  dynamo: Pick<DynamoDBClient, 'send'>;
  table: string;
}

/** Index of those who have access: items are in it by this attribute, which those without access do not have. */
export const ACCESS_INDEX = { name: 'access', service: 'access_at', username: 'username' } as const;

/**
 * Keeps the register: one item per generation of a provisioning and service, which holds its latest fact. A fact is
 * written only over one of the same generation with a lower place in the story, so repeats, replays and facts that overtake each other leave the same register.
 * @throws UnknownEvent, ZodError for an event that is not one of the catalogue; errors of DynamoDB. Then Lambda calls
 * again, and in the end the event lies in the queue.
 */
export const keepRegister =
  ({ dynamo, table }: Table) =>
  async (event: unknown): Promise<'newer' | 'older or known'> => {
    const received = readEvent(event);
    const { source, detail } = reads.parse(received);
    const { user } = events[received['detail-type']];
    const { provisioning_id, creation_id, sequence, occurred_at } = detail.metadata;
    const item: Record<string, AttributeValue> = {
      creation_id: { S: creation_id },
      source: { S: source },
      provisioning_id: { S: provisioning_id },
      username: { S: detail.data.username },
      human_user_id: { S: detail.data.human_user_id },
      user: { S: user },
      since: { S: occurred_at },
      sequence: { N: String(sequence) },
      // Where it is not known whether the user is gone, somebody may still sign in.
      ...(user === 'absent' ? {} : { [ACCESS_INDEX.service]: { S: source } }),
    };
    return (await putIf(dynamo, table, item, 'attribute_not_exists(#sequence) OR #sequence < :sequence', {
      ExpressionAttributeNames: { '#sequence': 'sequence' },
      ExpressionAttributeValues: { ':sequence': { N: String(sequence) } },
    }))
      ? 'newer'
      : 'older or known';
  };

/** Days that an event is remembered: longer than the archives keep events (90), so that no replay is new. */
const REMEMBERED_DAYS = 100;

/** Remembers events for `handleOnce`. */
export const seenIn = ({ dynamo, table }: Table, now: () => number = Date.now): HandledEvents => ({
  add: (eventId) => {
    const forgetAt = Math.floor(now() / 1000) + REMEMBERED_DAYS * 24 * 60 * 60;
    const item = { event_id: { S: eventId }, expires_at: { N: String(forgetAt) } };
    return putIf(dynamo, table, item, 'attribute_not_exists(event_id)');
  },
});

/** Writes an item if a condition holds; says whether it did. */
async function putIf(
  dynamo: Pick<DynamoDBClient, 'send'>,
  TableName: string,
  Item: Record<string, AttributeValue>,
  ConditionExpression: string,
  expressions: Pick<PutItemCommand['input'], 'ExpressionAttributeNames' | 'ExpressionAttributeValues'> = {},
): Promise<boolean> {
  try {
    await dynamo.send(new PutItemCommand({ TableName, Item, ConditionExpression, ...expressions }));
    return true;
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return false;
    throw error;
  }
}
