import { DynamoDBClient, UpdateItemCommand, type UpdateItemCommandInput } from '@aws-sdk/client-dynamodb';
import { DecryptCommand, EncryptCommand, KMSClient } from '@aws-sdk/client-kms';
import { SendTaskFailureCommand, SendTaskSuccessCommand, SFNClient } from '@aws-sdk/client-sfn';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { awaitedCreations, endOf } from '../../../handlers/app1/awaited-creations.ts';
import { creationStatus } from '../../support/app2-replies.ts';
import { expectNoLeak, watchLog } from '../../support/leaks.ts';
import { sdkError } from '../../support/sdk-errors.ts';
import { PROVISIONING_ID } from '../../support/subject.ts';

const TOKEN = 'canary-task-token';
const SEALED_TOKEN = Buffer.from('sealed');
const dynamoDb = mockClient(DynamoDBClient);
const kms = mockClient(KMSClient);
const stepFunctions = mockClient(SFNClient);
const log = watchLog();
let item: Record<string, unknown>;

const awaited = awaitedCreations({
  dynamoDb: new DynamoDBClient({}),
  kms: new KMSClient({}),
  stepFunctions: new SFNClient({}),
  tableName: 'awaited',
  keyArn: 'intake-key',
  now: () => 0,
});
const successes = () =>
  stepFunctions.commandCalls(SendTaskSuccessCommand).map(({ args: [{ input }] }) => input);
const failures = () =>
  stepFunctions.commandCalls(SendTaskFailureCommand).map(({ args: [{ input }] }) => input);

beforeEach(() => {
  item = {};
  for (const client of [dynamoDb, kms, stepFunctions]) client.reset();
  dynamoDb.on(UpdateItemCommand).callsFake((input: UpdateItemCommandInput) => {
    item[input.ExpressionAttributeNames?.['#field'] ?? ''] = input.ExpressionAttributeValues?.[':value'];
    return { Attributes: item };
  });
  kms.on(EncryptCommand).resolves({ CiphertextBlob: SEALED_TOKEN });
  kms.on(DecryptCommand).resolves({ Plaintext: Buffer.from(TOKEN) });
  stepFunctions.on(SendTaskSuccessCommand).resolves({});
  stepFunctions.on(SendTaskFailureCommand).resolves({});
});

describe('a provisioning that waits for its creation', () => {
  it('is resumed when the end is announced', async () => {
    await awaited.await(PROVISIONING_ID, TOKEN);
    expect(successes()).toEqual([]);

    await awaited.settle(PROVISIONING_ID, 'UserCreated');
    expect(successes()).toEqual([{ taskToken: TOKEN, output: '{}' }]);
  });

  it('is resumed at once when the end was announced before it waits', async () => {
    await awaited.settle(PROVISIONING_ID, 'UserCreated');
    expect(successes()).toEqual([]);

    await awaited.await(PROVISIONING_ID, TOKEN);
    expect(successes()).toEqual([{ taskToken: TOKEN, output: '{}' }]);
  });

  it('fails by the name of what went wrong at App2', async () => {
    await awaited.await(PROVISIONING_ID, TOKEN);
    await awaited.settle(PROVISIONING_ID, 'PasswordRejected');

    expect(failures()).toMatchObject([{ taskToken: TOKEN, error: 'PasswordRejected' }]);
  });

  it('keeps the token sealed for this provisioning, and tells it to no log', async () => {
    await awaited.await(PROVISIONING_ID, TOKEN);
    await awaited.settle(PROVISIONING_ID, 'UserCreated');

    expectNoLeak(TOKEN, item, log());
    const context = { provisioning_id: PROVISIONING_ID, target: 'task-token' };
    expect(kms.commandCalls(EncryptCommand)[0]?.args[0].input.EncryptionContext).toEqual(context);
    expect(kms.commandCalls(DecryptCommand)[0]?.args[0].input).toMatchObject({
      CiphertextBlob: SEALED_TOKEN,
      EncryptionContext: context,
    });
  });

  it.each(['TaskTimedOut', 'TaskDoesNotExist', 'InvalidToken'])(
    'is left alone when it does not wait any more: %s',
    async (name) => {
      stepFunctions.on(SendTaskSuccessCommand).rejects(sdkError(name));
      await awaited.await(PROVISIONING_ID, TOKEN);

      await expect(awaited.settle(PROVISIONING_ID, 'UserCreated')).resolves.toBeUndefined();
    },
  );

  it('is tried again when it could not be resumed', async () => {
    stepFunctions.on(SendTaskSuccessCommand).rejects(sdkError('ThrottlingException'));
    await awaited.await(PROVISIONING_ID, TOKEN);

    await expect(awaited.settle(PROVISIONING_ID, 'UserCreated')).rejects.toThrow();
  });
});

describe('endOf', () => {
  it('takes no status for an end that is none', () => {
    expect(() => endOf(creationStatus())).toThrow('still creating');
  });
});
