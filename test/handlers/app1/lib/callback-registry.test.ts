import {
  type AttributeValue,
  DynamoDBClient,
  UpdateItemCommand,
  type UpdateItemCommandInput,
} from '@aws-sdk/client-dynamodb';
import { DecryptCommand, EncryptCommand, KMSClient } from '@aws-sdk/client-kms';
import { SendTaskFailureCommand, SendTaskSuccessCommand, SFNClient } from '@aws-sdk/client-sfn';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { callbackRegistry } from '../../../../handlers/app1/lib/callback-registry.ts';
import { resumeTask } from '../../../../handlers/app1/lib/resume-task.ts';
import { expectNoLeak, watchLog } from '../../../support/leaks.ts';
import { sdkError } from '../../../support/sdk-errors.ts';
import { GENERATION, PROVISIONING_ID } from '../../../support/subject.ts';

const TOKEN = 'canary-task-token';
const CIPHERTEXT = Buffer.from('encrypted');
const dynamoDb = mockClient(DynamoDBClient);
const kms = mockClient(KMSClient);
const stepFunctions = mockClient(SFNClient);
const log = watchLog();
let item: Record<string, AttributeValue>;

const registry = callbackRegistry({
  dynamoDb: new DynamoDBClient({}),
  kms: new KMSClient({}),
  tableName: 'callbacks',
  keyArn: 'intake-key',
  now: () => 0,
});
const task = { ...GENERATION, username: 'alice', task_token: TOKEN };
const first = { ...task, attempt: 1 };
const resume = resumeTask(new SFNClient({}));

beforeEach(() => {
  item = {};
  for (const client of [dynamoDb, kms, stepFunctions]) client.reset();
  dynamoDb.on(UpdateItemCommand).callsFake(({ ExpressionAttributeValues = {} }: UpdateItemCommandInput) => {
    for (const [name, value] of Object.entries(ExpressionAttributeValues)) item[name.slice(1)] = value;
    return { Attributes: item };
  });
  kms.on(EncryptCommand).resolves({ CiphertextBlob: CIPHERTEXT });
  kms.on(DecryptCommand).resolves({ Plaintext: Buffer.from(TOKEN) });
  stepFunctions.on(SendTaskSuccessCommand).resolves({});
  stepFunctions.on(SendTaskFailureCommand).resolves({});
});

describe('the callback registry', () => {
  it('gives a notification the task that waits', async () => {
    await expect(registry.registerTaskToken(first)).resolves.toEqual({ notified: false });
    await expect(registry.recordNotification(PROVISIONING_ID)).resolves.toEqual(task);
  });

  it('tells a task of the notification that came before it', async () => {
    await expect(registry.recordNotification(PROVISIONING_ID)).resolves.toBeUndefined();
    await expect(registry.registerTaskToken(first)).resolves.toEqual({ notified: true });
  });

  it('keeps when a queued creation will probably have finished, and lets everything expire', async () => {
    await registry.registerTaskToken({ ...first, estimated_end_at: '2026-01-01T00:01:00.000Z' });

    expect(item['estimated_end_at']).toEqual({ S: '2026-01-01T00:01:00.000Z' });
    expect(Number(item['expires_at']?.N)).toBeGreaterThan(0);
  });

  it('asks the table to keep what a later attempt has registered', async () => {
    await registry.registerTaskToken(first);

    const [call] = dynamoDb.commandCalls(UpdateItemCommand);
    expect(call?.args[0].input.ConditionExpression).toBe(
      'attribute_not_exists(attempt) OR creation_id <> :creation_id OR attempt <= :attempt',
    );
    expect(item['attempt']).toEqual({ N: '1' });
  });

  it('leaves a later attempt its place, and asks nobody for it', async () => {
    dynamoDb.on(UpdateItemCommand).rejects(sdkError('ConditionalCheckFailedException'));

    await expect(registry.registerTaskToken(first)).resolves.toEqual({ notified: false });
  });

  it('records a notification whatever attempt waits', async () => {
    await registry.recordNotification(PROVISIONING_ID);

    const [call] = dynamoDb.commandCalls(UpdateItemCommand);
    expect(call?.args[0].input).not.toHaveProperty('ConditionExpression');
  });

  it('keeps the token encrypted, for its own provisioning', async () => {
    await registry.registerTaskToken(first);

    expectNoLeak(TOKEN, item, log());
    expect(item['task_token']).toEqual({ B: CIPHERTEXT });
    expect(kms.commandCalls(EncryptCommand)[0]?.args[0].input).toMatchObject({
      KeyId: 'intake-key',
      EncryptionContext: { provisioning_id: PROVISIONING_ID, target: 'task-token' },
    });
  });
});

describe('a task that waits', () => {
  it('goes on when the user was created', async () => {
    await resume(task, 'UserCreated');

    expect(stepFunctions.commandCalls(SendTaskSuccessCommand).map(({ args }) => args[0].input)).toEqual([
      { taskToken: TOKEN, output: '{}' },
    ]);
  });

  it('fails with the error otherwise', async () => {
    await resume(task, 'PasswordRejected');

    expect(stepFunctions.commandCalls(SendTaskFailureCommand).map(({ args }) => args[0].input)).toEqual([
      { taskToken: TOKEN, error: 'PasswordRejected', cause: expect.any(String) },
    ]);
  });

  it.each(['TaskTimedOut', 'TaskDoesNotExist', 'InvalidToken'])(
    'is left alone when it waits no longer (%s)',
    async (name) => {
      stepFunctions.on(SendTaskSuccessCommand).rejects(sdkError(name));

      await expect(resume(task, 'UserCreated')).resolves.toBeUndefined();
    },
  );

  it('has its callback repeated when Step Functions does not take it', async () => {
    stepFunctions.on(SendTaskSuccessCommand).rejects(sdkError('ThrottlingException'));

    await expect(resume(task, 'UserCreated')).rejects.toMatchObject({ name: 'ThrottlingException' });
    expectNoLeak(TOKEN, log());
  });
});
