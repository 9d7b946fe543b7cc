import {
  CreateTableCommand,
  type CreateTableCommandInput,
  DeleteTableCommand,
  DescribeContinuousBackupsCommand,
  DescribeTableCommand,
  DynamoDBClient,
  UpdateContinuousBackupsCommand,
  UpdateTableCommand,
} from '@aws-sdk/client-dynamodb';
import { describe, expect, it } from '@jest/globals';
import { client } from './support/clients.ts';
import { present } from './support/present.ts';
import { unique } from './support/unique.ts';

const dynamoDb = client(DynamoDBClient);

const provisioned = {
  BillingMode: 'PROVISIONED',
  ProvisionedThroughput: { ReadCapacityUnits: 5, WriteCapacityUnits: 4 },
} as const;
const onDemand = { BillingMode: 'PAY_PER_REQUEST' } as const;

const create = async (options: Partial<CreateTableCommandInput>) => {
  const { TableDescription } = await dynamoDb.send(
    new CreateTableCommand({
      TableName: unique('table'),
      KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
      AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
      ...options,
    }),
  );
  return present(TableDescription);
};
const describeTable = async (TableName: string | undefined) =>
  (await dynamoDb.send(new DescribeTableCommand({ TableName }))).Table;

describe('corrected: tables', () => {
  // amazondynamodb/latest/APIReference/API_CreateTable
  // recorded: dynamodb test_table_crud
  it('are being created in the response, and active later', async () => {
    const created = await create(onDemand);

    expect(created).toMatchObject({ TableStatus: 'CREATING', BillingModeSummary: onDemand });
    expect(created).not.toHaveProperty('WarmThroughput');
    expect(await describeTable(created.TableName)).toMatchObject({ TableStatus: 'ACTIVE' });
  });

  // amazondynamodb/latest/APIReference/API_TableDescription
  // recorded: dynamodb test_gsi_with_billing_mode
  it.each([
    ['on demand', onDemand, { ReadUnitsPerSecond: 12_000, WriteUnitsPerSecond: 4_000 }],
    ['with provisioned capacity', provisioned, { ReadUnitsPerSecond: 5, WriteUnitsPerSecond: 4 }],
  ])('%s have their warm throughput, as their indexes do', async (_case, billing, throughput) => {
    const { TableName } = await create({
      ...billing,
      GlobalSecondaryIndexes: [
        {
          IndexName: 'by-id',
          KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
          Projection: { ProjectionType: 'ALL' },
          ...('ProvisionedThroughput' in billing && { ProvisionedThroughput: billing.ProvisionedThroughput }),
        },
      ],
    });
    const WarmThroughput = { ...throughput, Status: 'ACTIVE' };

    expect(await describeTable(TableName)).toMatchObject({
      WarmThroughput,
      GlobalSecondaryIndexes: [{ WarmThroughput }],
      ProvisionedThroughput: { NumberOfDecreasesToday: 0 },
    });
  });

  // amazondynamodb/latest/APIReference/API_CreateTable (WarmThroughput)
  // recorded: dynamodb test_table_warm_throughput
  it('keep the warm throughput of the request', async () => {
    const WarmThroughput = { ReadUnitsPerSecond: 1000, WriteUnitsPerSecond: 1200 };
    const created = await create({ ...provisioned, WarmThroughput });

    expect(created.WarmThroughput).toEqual({ ...WarmThroughput, Status: 'UPDATING' });
    expect((await describeTable(created.TableName))?.WarmThroughput).toEqual({
      ...WarmThroughput,
      Status: 'ACTIVE',
    });
  });

  // amazondynamodb/latest/APIReference/API_BillingModeSummary
  // recorded: dynamodb test_gsi_with_billing_mode
  it('have a billing mode only if they are or were on demand', async () => {
    const [never, before] = [await create(provisioned), await create(onDemand)];
    await dynamoDb.send(new UpdateTableCommand({ TableName: before.TableName, ...provisioned }));

    expect(await describeTable(never.TableName)).not.toHaveProperty('BillingModeSummary');
    expect((await describeTable(before.TableName))?.BillingModeSummary).toEqual({
      BillingMode: 'PROVISIONED',
      LastUpdateToPayPerRequestDateTime: expect.any(Date),
    });
  });

  // amazondynamodb/latest/APIReference/API_DeleteTable
  // recorded: dynamodb test_table_crud
  it('have no schema in the response of their deletion', async () => {
    const { TableName } = await create(onDemand);
    const { TableDescription } = await dynamoDb.send(new DeleteTableCommand({ TableName }));

    expect(TableDescription).toMatchObject({ TableName, TableStatus: 'DELETING' });
    expect(TableDescription).not.toHaveProperty('KeySchema');
  });

  // amazondynamodb/latest/APIReference/API_PointInTimeRecoveryDescription
  // recorded: dynamodb test_continuous_backup_update
  it.each([
    ['35 by default', {}, 35],
    ['as requested', { RecoveryPeriodInDays: 7 }, 7],
  ])('can be restored for a number of days, %s', async (_case, period, RecoveryPeriodInDays) => {
    const { TableName } = await create(onDemand);
    const PointInTimeRecoverySpecification = { PointInTimeRecoveryEnabled: true, ...period };
    const expected = {
      PointInTimeRecoveryStatus: 'ENABLED',
      RecoveryPeriodInDays,
      EarliestRestorableDateTime: expect.any(Date),
      LatestRestorableDateTime: expect.any(Date),
    };

    for (const response of [
      await dynamoDb.send(
        new UpdateContinuousBackupsCommand({ TableName, PointInTimeRecoverySpecification }),
      ),
      await dynamoDb.send(new DescribeContinuousBackupsCommand({ TableName })),
    ])
      expect(response.ContinuousBackupsDescription?.PointInTimeRecoveryDescription).toEqual(expected);
  });
});
