import { BatchGetItemCommand, type DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { bestEffort } from './executions.ts';

/**
 * Executions with a clean outcome, after which nothing is left to do. The handler of status changes records them: its
 * event contains the error, which ListExecutions omits. The sweep skips recorded executions. A record only saves a call:
 * without it the sweep describes the execution.
 */
export interface CleanOutcomes {
  /** Records an execution with a clean outcome. Best effort. */
  record(execution: FailedExecution): Promise<void>;
  /** The executions without a record; all of them if the table cannot be read. */
  withoutRecord<Execution extends FailedExecution>(executions: readonly Execution[]): Promise<Execution[]>;
}

export interface FailedExecution {
  name: string;
  /** Milliseconds since the epoch. */
  stoppedAt: number;
}

interface Services {
  dynamoDb: Pick<DynamoDBClient, 'send'>;
  tableName: string;
}

/** Retention of a record in seconds. */
const RETENTION_SECONDS = 14 * 24 * 60 * 60;

/** docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html */
const KEYS_PER_CALL = 100;

/** Largest difference between the stop times of one execution in the event and in the list, in milliseconds. */
const TIME_TOLERANCE = 1_000;

export function cleanOutcomes({ dynamoDb, tableName }: Services): CleanOutcomes {
  const readRecords = async (names: readonly string[]): Promise<Map<string, number>> => {
    const { Responses } = await dynamoDb.send(
      new BatchGetItemCommand({
        RequestItems: {
          [tableName]: {
            Keys: names.map((name) => ({ id: { S: name } })),
            ProjectionExpression: 'id, stopped_at',
          },
        },
      }),
    );
    const items = Responses?.[tableName] ?? [];
    return new Map(items.map(({ id, stopped_at }) => [id?.S ?? '', Number(stopped_at?.N)]));
  };

  return {
    async record({ name, stoppedAt }) {
      await bestEffort(() =>
        dynamoDb.send(
          new PutItemCommand({
            TableName: tableName,
            Item: {
              id: { S: name },
              stopped_at: { N: String(stoppedAt) },
              expires_at: { N: String(Math.ceil(stoppedAt / 1000) + RETENTION_SECONDS) },
            },
          }),
        ),
      );
    },

    async withoutRecord(executions) {
      const unrecorded = [];
      for (let from = 0; from < executions.length; from += KEYS_PER_CALL) {
        const batch = executions.slice(from, from + KEYS_PER_CALL);
        const records = await bestEffort(() => readRecords(batch.map(({ name }) => name)));
        const isRecorded = ({ name, stoppedAt }: FailedExecution): boolean => {
          const recordedAt = records?.get(name);
          // An execution that was redriven in between has another stop time.
          return recordedAt !== undefined && Math.abs(recordedAt - stoppedAt) <= TIME_TOLERANCE;
        };
        unrecorded.push(...batch.filter((execution) => !isRecorded(execution)));
      }
      return unrecorded;
    },
  };
}
