import { BatchGetItemCommand, type DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { bestEffort } from './executions.ts';

/**
 * The executions of which it is known that they failed clean: nothing is left to do. The rule on status changes is told
 * each outcome with its error, which ListExecutions leaves out, and records those that are clean; so the sweep does not
 * have to describe them. The record only saves calls: without it the sweep describes the execution.
 */
export interface CleanOutcomes {
  /** Records that an execution has failed clean. Best effort. */
  record(execution: FailedExecution): Promise<void>;
  /** Those of the executions that are not recorded; all of them when the records cannot be read. */
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

/** How long a record is kept, in seconds. A sweep that has not run for longer describes what it finds. */
const KEPT_SECONDS = 14 * 24 * 60 * 60;

/** docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html */
const KEYS_PER_CALL = 100;

/** One outcome has the same time in the event and in the list, up to what each of them rounds. Milliseconds. */
const SAME_TIME = 1_000;

export function cleanOutcomes({ dynamoDb, tableName }: Services): CleanOutcomes {
  const recordedOf = async (names: readonly string[]): Promise<Map<string, number>> => {
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
              expires_at: { N: String(Math.ceil(stoppedAt / 1000) + KEPT_SECONDS) },
            },
          }),
        ),
      );
    },

    async withoutRecord(executions) {
      const unknown = [];
      for (let from = 0; from < executions.length; from += KEYS_PER_CALL) {
        const some = executions.slice(from, from + KEYS_PER_CALL);
        const recorded = await bestEffort(() => recordedOf(some.map(({ name }) => name)));
        const isRecorded = ({ name, stoppedAt }: FailedExecution): boolean => {
          const at = recorded?.get(name);
          // An execution that was redriven since has another outcome.
          return at !== undefined && Math.abs(at - stoppedAt) <= SAME_TIME;
        };
        unknown.push(...some.filter((one) => !isRecorded(one)));
      }
      return unknown;
    },
  };
}
