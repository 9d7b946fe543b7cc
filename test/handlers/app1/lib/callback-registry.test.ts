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
const key = { provisioning_id: PROVISIONING_ID, target: 'app2' };
const task = { ...GENERATION, target: 'app2', username: 'alice', task_token: TOKEN };
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
  it('returns the waiting task for a notification', async () => {
    await expect(registry.registerTaskToken(first)).resolves.toEqual({ notified: false });
    await expect(registry.recordNotification(key)).resolves.toEqual(task);
  });

  it('reports an earlier notification at the registration', async () => {
    await expect(registry.recordNotification(key)).resolves.toBeUndefined();
    await expect(registry.registerTaskToken(first)).resolves.toEqual({ notified: true });
  });

  it('stores the estimated end of a queued creation, and an expiry', async () => {
    await registry.registerTaskToken({ ...first, estimated_end_at: '2026-01-01T00:01:00.000Z' });

    expect(item['estimated_end_at']).toEqual({ S: '2026-01-01T00:01:00.000Z' });
    expect(Number(item['expires_at']?.N)).toBeGreaterThan(0);
  });

  it('writes on the condition that no later attempt is registered', async () => {
    await registry.registerTaskToken(first);

    const [call] = dynamoDb.commandCalls(UpdateItemCommand);

    expect(call?.args[0].input.ConditionExpression).toBe(
      'attribute_not_exists(attempt) OR creation_id <> :creation_id OR attempt <= :attempt',
    );
    expect(item['attempt']).toEqual({ N: '1' });
  });

  it('does not replace a later attempt', async () => {
    dynamoDb.on(UpdateItemCommand).rejects(sdkError('ConditionalCheckFailedException'));

    await expect(registry.registerTaskToken(first)).resolves.toEqual({ notified: false });
  });

  it('records a notification for any attempt', async () => {
    await registry.recordNotification(key);

    const [call] = dynamoDb.commandCalls(UpdateItemCommand);

    expect(call?.args[0].input).not.toHaveProperty('ConditionExpression');
  });

  it('encrypts the token with the provisioning and the target in the encryption context', async () => {
    await registry.registerTaskToken(first);

    expectNoLeak(TOKEN, item, log());
    expect(item['task_token']).toEqual({ B: CIPHERTEXT });
    expect(kms.commandCalls(EncryptCommand)[0]?.args[0].input).toMatchObject({
      KeyId: 'intake-key',
      EncryptionContext: { provisioning_id: PROVISIONING_ID, target: 'task-token', waits_for: 'app2' },
    });
  });
});

describe('resumeTask', () => {
  it('sends success when the user was created', async () => {
    await resume(task, 'UserCreated');

    expect(stepFunctions.commandCalls(SendTaskSuccessCommand).map(({ args }) => args[0].input)).toEqual([
      { taskToken: TOKEN, output: '{}' },
    ]);
  });

  it('sends the failure otherwise', async () => {
    await resume(task, 'PasswordRejected');

    expect(stepFunctions.commandCalls(SendTaskFailureCommand).map(({ args }) => args[0].input)).toEqual([
      { taskToken: TOKEN, error: 'PasswordRejected', cause: expect.any(String) },
    ]);
  });

  it.each(['TaskTimedOut', 'TaskDoesNotExist', 'InvalidToken'])(
    'ignores a task that does not wait any more (%s)',
    async (name) => {
      stepFunctions.on(SendTaskSuccessCommand).rejects(sdkError(name));

      await expect(resume(task, 'UserCreated')).resolves.toBeUndefined();
    },
  );

  it('fails when Step Functions does not accept the callback', async () => {
    stepFunctions.on(SendTaskSuccessCommand).rejects(sdkError('ThrottlingException'));

    await expect(resume(task, 'UserCreated')).rejects.toMatchObject({ name: 'ThrottlingException' });
    expectNoLeak(TOKEN, log());
  });
});
