import { type DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
import * as z from 'zod';
import { hasErrorName } from '../../shared/errors.ts';
import type { Backend } from './backend.ts';

/** As long as Step Functions remembers a name: nobody can rely on a key for longer. */
const REMEMBERED_SECONDS = 90 * 24 * 60 * 60;

/** The error of a write whose condition was not met, with the item that there is. */
const existing = z.object({ Item: z.object({ way: z.object({ S: z.enum(['workflow', 'legacy']) }) }) });

interface Services {
  dynamo: Pick<DynamoDBClient, 'send'>;
  table: string;
  /** Milliseconds since the epoch. */
  now: () => number;
}

/**
 * The way that a key goes: that which it went first. One conditional write decides, so of two requests with one key, at
 * once or with the flag changed between them, both go the same way.
 * docs.aws.amazon.com/amazondynamodb/latest/developerguide/WorkingWithItems.html#WorkingWithItems.ConditionalUpdate
 */
export const pinBackend =
  ({ dynamo, table, now }: Services) =>
  /** `id`: the provisioning_id that owner and key make. */
  async (id: string, wanted: Backend): Promise<Backend> => {
    try {
      await dynamo.send(
        new PutItemCommand({
          TableName: table,
          Item: {
            id: { S: id },
            way: { S: wanted },
            expires_at: { N: String(Math.floor(now() / 1000) + REMEMBERED_SECONDS) },
          },
          ConditionExpression: 'attribute_not_exists(id)',
          ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
        }),
      );
      return wanted;
    } catch (error) {
      if (!hasErrorName(error, 'ConditionalCheckFailedException')) throw error;
      return existing.parse(error).Item.way.S;
    }
  };
