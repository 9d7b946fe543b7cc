import { type DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
import * as z from 'zod';
import { hasErrorName } from '../../shared/errors.ts';
import type { Backend } from './backend.ts';

/** Retention of an item: the retention of an execution's record, after which a key can be used again. */
const RETENTION_SECONDS = 90 * 24 * 60 * 60;

/** ConditionalCheckFailedException with the conditionFailure item. */
const conditionFailure = z.object({
  Item: z.object({ backend: z.object({ S: z.enum(['workflow', 'legacy']) }) }),
});

interface Services {
  dynamo: Pick<DynamoDBClient, 'send'>;
  table: string;
  /** Milliseconds since the epoch. */
  now: () => number;
}

/**
 * The backend of an Idempotency-Key: the one of its first request. A conditional write stores it, so that two requests with
 * one key use the same backend, also if they are concurrent or the flag changes in between.
 * docs.aws.amazon.com/amazondynamodb/latest/developerguide/WorkingWithItems.html#WorkingWithItems.ConditionalUpdate
 */
export const pinBackend =
  ({ dynamo, table, now }: Services) =>
  /** @param id the provisioning_id of owner and key */
  async (id: string, chosen: Backend): Promise<Backend> => {
    try {
      await dynamo.send(
        new PutItemCommand({
          TableName: table,
          Item: {
            id: { S: id },
            backend: { S: chosen },
            expires_at: { N: String(Math.floor(now() / 1000) + RETENTION_SECONDS) },
          },
          ConditionExpression: 'attribute_not_exists(id)',
          ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
        }),
      );
      return chosen;
    } catch (error) {
      if (!hasErrorName(error, 'ConditionalCheckFailedException')) throw error;
      return conditionFailure.parse(error).Item.backend.S;
    }
  };
