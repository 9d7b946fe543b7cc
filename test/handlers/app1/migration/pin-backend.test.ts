import { ConditionalCheckFailedException, DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { pinBackend } from '../../../../handlers/app1/migration/pin-backend.ts';
import { sdkError } from '../../../support/sdk-errors.ts';
import { thrownBy } from '../../../support/thrown.ts';

const dynamo = mockClient(DynamoDBClient);
const NOW = Date.parse('2026-01-01T00:00:00Z');
const keep = pinBackend({ dynamo: new DynamoDBClient({}), table: 'keys', now: () => NOW });

beforeEach(() => {
  dynamo.reset();
});

describe('the way of a key', () => {
  it('is what is wanted the first time, and is remembered for 90 days by one conditional write', async () => {
    dynamo.on(PutItemCommand).resolves({});

    await expect(keep('id', 'legacy')).resolves.toBe('legacy');
    expect(dynamo.commandCalls(PutItemCommand).map(({ args }) => args[0].input)).toEqual([
      {
        TableName: 'keys',
        Item: { id: { S: 'id' }, way: { S: 'legacy' }, expires_at: { N: String(NOW / 1000 + 7_776_000) } },
        ConditionExpression: 'attribute_not_exists(id)',
        ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
      },
    ]);
  });

  it.each(['workflow', 'legacy'] as const)('stays %s, whatever is wanted later', async (way) => {
    dynamo.on(PutItemCommand).rejects(
      new ConditionalCheckFailedException({
        $metadata: {},
        message: '',
        Item: { id: { S: 'id' }, way: { S: way } },
      }),
    );

    await expect(keep('id', way === 'legacy' ? 'workflow' : 'legacy')).resolves.toBe(way);
  });

  it('is not guessed when it cannot be asked for', async () => {
    dynamo.on(PutItemCommand).rejects(sdkError('ProvisionedThroughputExceededException'));

    expect(await thrownBy(keep('id', 'legacy'))).toMatchObject({
      name: 'ProvisionedThroughputExceededException',
    });
  });
});
