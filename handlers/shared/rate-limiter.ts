import { type DynamoDBClient, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import * as z from 'zod';
import { classifyError, hasErrorName } from './errors.ts';
import { logger } from './logger.ts';

/**
 * A rate that all functions of the service share: the generic cell rate algorithm, with one item of a table for each
 * limit, which holds the next free start time (`next_at`, milliseconds since the epoch).
 *
 * Best effort: if the item is deleted, the limiter starts from now. It fails open: while the table cannot be reached,
 * everything starts now, and AWS throttles what is too much.
 * docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.ConditionExpressions.html
 */
export interface RateLimiter {
  /**
   * Reserves the next free start time, in milliseconds since the epoch; `undefined` when it is further away than
   * `maxDelaySeconds`, by default the limiter's own.
   */
  reserve(maxDelaySeconds?: number): Promise<number | undefined>;
  /** Gives a start time back that has not come: the next one is free one interval earlier. */
  release(): Promise<void>;
}

interface Limit {
  dynamoDb: Pick<DynamoDBClient, 'send'>;
  tableName: string;
  /** Name of the limit, the key of its item. */
  name: string;
  perSecond: number;
  /** How far away a start time may be, in seconds. */
  maxDelaySeconds: number;
  now: () => number;
}

/** The error of an update whose condition was not met, with the item that there is. */
const existing = z.object({ Item: z.object({ next_at: z.object({ N: z.string() }) }) });

/** After so many updates that others have overtaken the caller starts now: more calls are not worth it. */
const MAX_ATTEMPTS = 6;

export function rateLimiter({
  dynamoDb,
  tableName,
  name,
  perSecond,
  maxDelaySeconds: usualMaxDelay,
  now,
}: Limit): RateLimiter {
  const interval = 1000 / perSecond;
  /** The last known `next_at`, by which the limiter chooses the update that is likely to succeed. */
  let known: number | undefined;

  const update = async (expression: string, condition: string, values: Record<string, number>) => {
    const { Attributes } = await dynamoDb.send(
      new UpdateItemCommand({
        TableName: tableName,
        Key: { name: { S: name } },
        UpdateExpression: expression,
        ConditionExpression: condition,
        ExpressionAttributeValues: Object.fromEntries(
          Object.entries(values).map(([key, value]) => [`:${key}`, { N: String(value) }]),
        ),
        ReturnValues: 'UPDATED_NEW',
        ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
      }),
    );
    known = Number(Attributes?.['next_at']?.N);
    return known - interval;
  };

  const advance = (at: number, latest: number): Promise<number> =>
    known === undefined || known < at
      ? update('SET next_at = :after', 'attribute_not_exists(next_at) OR next_at < :now', {
          after: at + interval,
          now: at,
        })
      : update('SET next_at = next_at + :interval', 'next_at BETWEEN :now AND :latest', {
          interval,
          now: at,
          latest,
        });

  return {
    async reserve(maxDelaySeconds = usualMaxDelay) {
      for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
        const at = now();
        const latest = at + maxDelaySeconds * 1000;
        try {
          return await advance(at, latest);
        } catch (error) {
          if (!hasErrorName(error, 'ConditionalCheckFailedException')) return failOpen(error);
          const found = existing.safeParse(error).data?.Item.next_at.N;
          known = found === undefined ? undefined : Number(found);
          if (known !== undefined && known > latest) return undefined;
        }
      }
      return now();
    },

    async release() {
      const values = { interval, now: now() };
      await update('SET next_at = next_at - :interval', 'next_at > :now', values).catch((error: unknown) => {
        if (!hasErrorName(error, 'ConditionalCheckFailedException')) failOpen(error);
      });
    },
  };

  function failOpen(error: unknown): number {
    logger.warn('The rate limiter cannot be reached', { limit: name, error: classifyError(error).name });
    return now();
  }
}
