import { type DynamoDBClient, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import * as z from 'zod';
import { classifyError, hasErrorName } from './errors.ts';
import { logger } from './logger.ts';

/**
 * A rate limit that all functions of the service share: the generic cell rate algorithm. Each limit is one item of a
 * table with the next free start time (`next_at`, milliseconds since the epoch).
 *
 * Best effort: if the item is deleted, the limiter starts from now. It fails open: while the table is not available,
 * `reserve` returns the present time, and AWS throttles the calls.
 * docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.ConditionExpressions.html
 */
export interface RateLimiter {
  /**
   * Reserves the next free start time, in milliseconds since the epoch; `undefined` if it is later than
   * `maxDelaySeconds` from now, by default the limiter's own value.
   */
  reserve(maxDelaySeconds?: number): Promise<number | undefined>;
  /** Releases a reserved start time in the future: the next start time is one interval earlier. */
  release(): Promise<void>;
}

interface Limit {
  dynamoDb: Pick<DynamoDBClient, 'send'>;
  tableName: string;
  /** Name of the limit, the key of its item. */
  name: string;
  perSecond: number;
  /** Longest delay of a start time, in seconds. */
  maxDelaySeconds: number;
  now: () => number;
}

/** ConditionalCheckFailedException with the existing item. */
const conditionFailure = z.object({ Item: z.object({ next_at: z.object({ N: z.string() }) }) });

/** Attempts of a reservation under contention. After the last one, `reserve` returns the present time. */
const MAX_ATTEMPTS = 6;

export function rateLimiter({
  dynamoDb,
  tableName,
  name,
  perSecond,
  maxDelaySeconds: defaultMaxDelaySeconds,
  now,
}: Limit): RateLimiter {
  const interval = 1000 / perSecond;
  /** The last read `next_at`: selects the update that is likely to succeed. */
  let nextAt: number | undefined;

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
    nextAt = Number(Attributes?.['next_at']?.N);
    return nextAt - interval;
  };

  const advance = (at: number, latest: number): Promise<number> =>
    nextAt === undefined || nextAt < at
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
    async reserve(maxDelaySeconds = defaultMaxDelaySeconds) {
      for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
        const at = now();
        const latest = at + maxDelaySeconds * 1000;
        try {
          return await advance(at, latest);
        } catch (error) {
          if (!hasErrorName(error, 'ConditionalCheckFailedException')) return failOpen(error);
          const existing = conditionFailure.safeParse(error).data?.Item.next_at.N;
          nextAt = existing === undefined ? undefined : Number(existing);
          if (nextAt !== undefined && nextAt > latest) return undefined;
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
    logger.warn('Rate limiter not available', { limit: name, error: classifyError(error).name });
    return now();
  }
}
