import { ConditionalCheckFailedException, DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { pinBackend } from '../../../../handlers/app1/migration/pin-backend.ts';
import { sdkError } from '../../../support/sdk-errors.ts';
import { thrownBy } from '../../../support/thrown.ts';

const dynamo = mockClient(DynamoDBClient);
const NOW = Date.parse('2026-01-01T00:00:00Z');
const pin = pinBackend({ dynamo: new DynamoDBClient({}), table: 'keys', now: () => NOW });

beforeEach(() => {
  dynamo.reset();
});

describe('pinBackend', () => {
  it('stores the chosen backend for 90 days with one conditional write', async () => {
    dynamo.on(PutItemCommand).resolves({});

    await expect(pin('id', 'legacy')).resolves.toBe('legacy');
    expect(dynamo.commandCalls(PutItemCommand).map(({ args }) => args[0].input)).toEqual([
      {
        TableName: 'keys',
        Item: {
          id: { S: 'id' },
          backend: { S: 'legacy' },
          expires_at: { N: String(NOW / 1000 + 7_776_000) },
        },
        ConditionExpression: 'attribute_not_exists(id)',
        ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
      },
    ]);
  });

  it.each(['workflow', 'legacy'] as const)(
    'returns the stored backend %s, whatever is chosen later',
    async (backend) => {
      dynamo.on(PutItemCommand).rejects(
        new ConditionalCheckFailedException({
          $metadata: {},
          message: '',
          Item: { id: { S: 'id' }, backend: { S: backend } },
        }),
      );

      await expect(pin('id', backend === 'legacy' ? 'workflow' : 'legacy')).resolves.toBe(backend);
    },
  );

  it('fails when the table is not available', async () => {
    dynamo.on(PutItemCommand).rejects(sdkError('ProvisionedThroughputExceededException'));

    expect(await thrownBy(pin('id', 'legacy'))).toMatchObject({
      name: 'ProvisionedThroughputExceededException',
    });
  });
});
