import { DeleteItemCommand, DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { configuration } from '../../e2e/support/deployed.ts';

const dynamoDb = new DynamoDBClient(configuration);
const TableName = 'app2-turns';

/**
 * Has the next turn of a row be so far away, in seconds, until that is taken back: with the row `creations` each new
 * creation waits for its turn, with `waits` none is waited for, so that its end is announced.
 */
export async function makeBusy(name: 'creations' | 'waits', seconds: number): Promise<() => Promise<void>> {
  const Key = { name: { S: name } };
  const next_at = { N: String(Date.now() + seconds * 1000) };
  await dynamoDb.send(new PutItemCommand({ TableName, Item: { ...Key, next_at } }));
  return async () => void (await dynamoDb.send(new DeleteItemCommand({ TableName, Key })));
}
