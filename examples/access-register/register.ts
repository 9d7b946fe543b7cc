import {
  type AttributeValue,
  ConditionalCheckFailedException,
  type DynamoDBClient,
  PutItemCommand,
} from '@aws-sdk/client-dynamodb';
import { events, type HandledEvents, readEvent } from 'cross-service-provisioning/events';
import { eventFields } from './expectations.ts';

interface Table {
  dynamo: Pick<DynamoDBClient, 'send'>;
  table: string;
}

/** Index of users with access. Only items with the attribute `access_at` are in the index. */
export const ACCESS_INDEX = { name: 'access', service: 'access_at', username: 'username' } as const;

/**
 * Updates the register: one item per generation of a provisioning and service, with the latest event. An event replaces one
 * of the same generation only if its `sequence` is higher, so duplicates, replays and events out of order result in the
 * same register.
 * @throws UnknownEvent, ZodError for an event that is not in the catalogue; errors of DynamoDB. Lambda then retries, and
 * finally sends the event to the dead-letter queue.
 */
export const updateRegister =
  ({ dynamo, table }: Table) =>
  async (event: unknown): Promise<'newer' | 'older or known'> => {
    const received = readEvent(event);
    const { source, detail } = eventFields.parse(received);
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
      // While it is unknown whether the user exists, it may still sign in.
      ...(user === 'absent' ? {} : { [ACCESS_INDEX.service]: { S: source } }),
    };
    return (await putIf(dynamo, table, item, 'attribute_not_exists(#sequence) OR #sequence < :sequence', {
      ExpressionAttributeNames: { '#sequence': 'sequence' },
      ExpressionAttributeValues: { ':sequence': { N: String(sequence) } },
    }))
      ? 'newer'
      : 'older or known';
  };

/** Days for which an event_id is stored: longer than the archives keep events (90), so that no replay counts as new. */
const RETENTION_DAYS = 100;

/** Stores the ids of handled events for `handleOnce`. */
export const processedEvents = ({ dynamo, table }: Table, now: () => number = Date.now): HandledEvents => ({
  add: (eventId) => {
    const expiresAt = Math.floor(now() / 1000) + RETENTION_DAYS * 24 * 60 * 60;
    const item = { event_id: { S: eventId }, expires_at: { N: String(expiresAt) } };
    return putIf(dynamo, table, item, 'attribute_not_exists(event_id)');
  },
});

/** Writes an item if a condition holds, and returns whether it was written. */
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
