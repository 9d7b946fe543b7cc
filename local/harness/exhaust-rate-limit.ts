import { DeleteItemCommand, DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
import type { Outputs } from '../../cli/outputs.ts';

/** App2's rate limits: of creations that start, with and beside the queue, of status polls and of AddToGroup. */
export type RateLimit = 'creations' | 'express-creations' | 'status-polls' | 'group-changes';

const TableName = 'app2-rate-limits';

/**
 * Has the next free start of a limit be so far away, in seconds, until that is taken back or the time has come: with
 * `creations` and `express-creations` each new creation is queued, with `status-polls` the client of each is notified.
 */
export async function exhaustRateLimit(
  { endpoint, region, access_key_id: accessKeyId, secret_access_key: secretAccessKey }: Outputs,
  name: RateLimit,
  seconds: number,
): Promise<() => Promise<void>> {
  const dynamoDb = new DynamoDBClient({ endpoint, region, credentials: { accessKeyId, secretAccessKey } });
  const Key = { name: { S: name } };
  const next_at = { N: String(Date.now() + seconds * 1000) };
  await dynamoDb.send(new PutItemCommand({ TableName, Item: { ...Key, next_at } }));
  return async () => void (await dynamoDb.send(new DeleteItemCommand({ TableName, Key })));
}
