import { DeleteItemCommand, DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
import type { Outputs } from './outputs.ts';

/** The rows in which App2's turns are taken: to begin, to be waited for, and for AddToGroup. */
export type Row = 'creations' | 'waits' | 'group-changes';

const TableName = 'app2-turns';

/**
 * Has the next turn of a row be so far away, in seconds, until that is taken back or has come: with the row `creations`
 * each new creation waits for its turn, with `waits` none is waited for, so that its end is announced.
 */
export async function makeBusy(
  { endpoint, region, access_key_id: accessKeyId, secret_access_key: secretAccessKey }: Outputs,
  name: Row,
  seconds: number,
): Promise<() => Promise<void>> {
  const dynamoDb = new DynamoDBClient({ endpoint, region, credentials: { accessKeyId, secretAccessKey } });
  const Key = { name: { S: name } };
  const next_at = { N: String(Date.now() + seconds * 1000) };
  await dynamoDb.send(new PutItemCommand({ TableName, Item: { ...Key, next_at } }));
  return async () => void (await dynamoDb.send(new DeleteItemCommand({ TableName, Key })));
}
