import { type DynamoDBClient, GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import * as z from 'zod';

/**
 * How far the sweep has come in each of its lists: a high-water mark per list, and where to go on in a list that was too
 * long for one run. One item of the sweep's table holds them, so that no deployment and no drift repair resets them.
 */

const time = z.iso.datetime().transform(Date.parse);

const listState = z.object({
  /** Every execution of the list that stopped before is settled. */
  high_water_mark: time,
  /** A list that is read over several runs. */
  reading: z
    .object({
      next_token: z.string(),
      /** When the reading began: what stopped later is not in it. */
      since: time,
      /** When the first execution stopped that was read and could not be settled. */
      first_left: time.optional(),
    })
    .optional(),
});

const sweepState = z.object({
  lists: z.record(z.string(), listState),
  /**
   * What the oldest running execution of a machine was at some times. Whatever stops after `at` has started after
   * `oldest_start`, so that no list has to be read further back.
   */
  observations: z.record(z.string(), z.array(z.object({ at: time, oldest_start: time }))),
});
export type SweepState = z.infer<typeof sweepState>;
export type ListState = z.infer<typeof listState>;
export type Observation = SweepState['observations'][string][number];

interface Services {
  dynamoDb: Pick<DynamoDBClient, 'send'>;
  tableName: string;
}

/** Name of the item. Every other item of the table is named after an execution. */
export const HIGH_WATER_MARKS = 'high-water-marks';

/**
 * The state that the last run has written; nothing is settled before the first one.
 * @throws Error when the item holds something else: it is not guessed
 */
export async function readSweepState({ dynamoDb, tableName }: Services): Promise<SweepState> {
  const { Item } = await dynamoDb.send(
    new GetItemCommand({ TableName: tableName, Key: { id: { S: HIGH_WATER_MARKS } }, ConsistentRead: true }),
  );
  return Item === undefined ? { lists: {}, observations: {} } : parseSweepState(Item['state']?.S);
}

/** @throws Error */
export const parseSweepState = (text: string | undefined): SweepState =>
  sweepState.parse(JSON.parse(text ?? ''));

export async function writeSweepState(
  { dynamoDb, tableName }: Services,
  state: SweepState,
  now: number,
): Promise<void> {
  await dynamoDb.send(
    new PutItemCommand({
      TableName: tableName,
      Item: {
        id: { S: HIGH_WATER_MARKS },
        state: { S: JSON.stringify(state, withTimes) },
        written_at: { S: new Date(now).toISOString() },
      },
    }),
  );
}

/** All numbers of the state are times. */
const withTimes = (_key: string, value: unknown): unknown =>
  typeof value === 'number' ? new Date(value).toISOString() : value;
