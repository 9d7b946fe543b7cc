import { DeleteItemCommand, DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
import type { Outputs } from '../../cli/outputs.ts';

/** Rate limiters of a target: starts of creations (queue and express rate), status polls, and AddToGroup. */
export type RateLimit = 'creations' | 'express-creations' | 'status-polls' | 'group-changes';

/**
 * Moves the next free start of a rate limiter into the future: with `creations` and `express-creations` every new creation is
 * queued, with `status-polls` every client is notified.
 * @param seconds time until the next free start
 * @param target name of the target
 * @returns a function that resets the limiter
 */
export async function exhaustRateLimit(
  { endpoint, region, access_key_id: accessKeyId, secret_access_key: secretAccessKey }: Outputs,
  name: RateLimit,
  seconds: number,
  target = 'app2',
): Promise<() => Promise<void>> {
  const dynamoDb = new DynamoDBClient({ endpoint, region, credentials: { accessKeyId, secretAccessKey } });
  const TableName = `${target}-rate-limits`;
  const Key = { name: { S: name } };
  const next_at = { N: String(Date.now() + seconds * 1000) };
  await dynamoDb.send(new PutItemCommand({ TableName, Item: { ...Key, next_at } }));
  return async () => void (await dynamoDb.send(new DeleteItemCommand({ TableName, Key })));
}
