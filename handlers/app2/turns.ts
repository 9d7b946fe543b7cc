import { type DynamoDBClient, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import * as z from 'zod';
import { isNamed, withoutSecrets } from '../shared/errors.ts';
import { logger } from '../shared/logger.ts';

/**
 * Whose turn it is. Cognito lets so many calls per second through and no more, for all of App2's work together, so each
 * creation takes a turn: the next free one of a row of turns with equal pauses between them (virtual scheduling, as the
 * generic cell rate algorithm has it). One item per row holds when the next turn is free.
 *
 * It is a hint and no truth: nothing is decided by it but when something begins. Lost, it begins anew; while it cannot
 * be reached, everything begins at once, and the retries by name do what they can.
 * docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.ConditionExpressions.html
 */
export interface Turns {
  /** A turn, in milliseconds since the epoch; `undefined` when the next one is too far away. */
  take(): Promise<number | undefined>;
  /** Gives a turn back that is not needed, so that whoever comes next has it. */
  giveBack(): Promise<void>;
}

interface Row {
  dynamoDb: Pick<DynamoDBClient, 'send'>;
  tableName: string;
  /** Name of the row. */
  name: string;
  perSecond: number;
  /** How far away a turn may be, in seconds. */
  longest: number;
  now: () => number;
}

/** The error of an update whose condition was not met, with the item that there is. */
const existing = z.object({ Item: z.object({ next_at: z.object({ N: z.string() }) }) });

/** Who is overtaken so often in taking a turn begins at once: that it is busy is not worth more calls. */
const ATTEMPTS = 6;

export function turns({ dynamoDb, tableName, name, perSecond, longest, now }: Row): Turns {
  const pause = 1000 / perSecond;
  /** What was seen last, by which it is guessed which of two updates will do. */
  let seen: number | undefined;

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
    seen = Number(Attributes?.['next_at']?.N);
    return seen - pause;
  };

  const advance = (at: number): Promise<number> =>
    seen === undefined || seen < at
      ? update('SET next_at = :after', 'attribute_not_exists(next_at) OR next_at < :now', {
          after: at + pause,
          now: at,
        })
      : update('SET next_at = next_at + :pause', 'next_at BETWEEN :now AND :latest', {
          pause,
          now: at,
          latest: at + longest * 1000,
        });

  return {
    async take() {
      for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
        const at = now();
        try {
          return await advance(at);
        } catch (error) {
          if (!isNamed(error, 'ConditionalCheckFailedException')) return atOnce(error);
          const found = existing.safeParse(error).data?.Item.next_at.N;
          seen = found === undefined ? undefined : Number(found);
          if (seen !== undefined && seen > at + longest * 1000) return undefined;
        }
      }
      return now();
    },

    async giveBack() {
      await update('SET next_at = next_at - :pause', 'attribute_exists(next_at)', { pause }).catch(atOnce);
    },
  };

  function atOnce(error: unknown): number {
    const { name: reason } = withoutSecrets(error);
    logger.warn('Turns cannot be taken', { row: name, error: reason });
    return now();
  }
}
