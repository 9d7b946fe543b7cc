import { type DynamoDBClient, GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import * as z from 'zod';

/**
 * State of the sweep: a high-water mark per list of executions, and the position in a list that was too long for one run.
 * It is one item of the sweep's table, so that no deployment and no drift repair resets it.
 */

const time = z.iso.datetime().transform(Date.parse);

const listState = z.object({
  /** Every execution of the list that stopped before this time is processed. */
  high_water_mark: time,
  /** Position in a list that is read in several runs. */
  reading: z
    .object({
      next_token: z.string(),
      /** Start of the read. Executions that stopped later are not in its pages. */
      since: time,
      /** Stop time of the first execution that was read and could not be processed. */
      first_unprocessed: time.optional(),
    })
    .optional(),
});

const sweepState = z.object({
  lists: z.record(z.string(), listState),
  /**
   * Starts of the oldest running execution of a state machine. An execution that stops after `at` started after
   * `oldest_start`, which bounds the read of a list.
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

/** Key of the item. The keys of all other items are names of executions. */
export const HIGH_WATER_MARKS = 'high-water-marks';

/**
 * Reads the state of the previous run; an empty state before the first run.
 * @throws Error if the item does not match its schema
 */
export async function readSweepState({ dynamoDb, tableName }: Services): Promise<SweepState> {
  const { Item } = await dynamoDb.send(
    new GetItemCommand({ TableName: tableName, Key: { id: { S: HIGH_WATER_MARKS } }, ConsistentRead: true }),
  );
  return Item === undefined ? { lists: {}, observations: {} } : parseSweepState(Item['state']?.S);
}

/** @throws Error if the text does not match the schema */
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
        state: { S: JSON.stringify(state, timesAsIso) },
        written_at: { S: new Date(now).toISOString() },
      },
    }),
  );
}

/** Replacer for JSON: all numbers of the state are times. */
const timesAsIso = (_key: string, value: unknown): unknown =>
  typeof value === 'number' ? new Date(value).toISOString() : value;
