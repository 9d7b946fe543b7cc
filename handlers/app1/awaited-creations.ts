import { type DynamoDBClient, GetItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { DecryptCommand, EncryptCommand, type KMSClient } from '@aws-sdk/client-kms';
import { SendTaskFailureCommand, SendTaskSuccessCommand, type SFNClient } from '@aws-sdk/client-sfn';
import * as z from 'zod';
import { taskTokenContext } from '../../contracts/encryption-context.ts';
import { failureName } from '../../contracts/failures.ts';
import type { ReceivedStatus } from '../../contracts/status.ts';
import { timeLimits } from '../../contracts/time-limits.ts';
import { isNamed, StepError, withoutSecrets } from '../shared/errors.ts';
import { logger } from '../shared/logger.ts';
import { confirmCreated } from './created.ts';

/**
 * The creations at App2 of which App1 waits to hear the end: which task is to be resumed, and the end, whichever comes
 * first. Whoever comes second finds the other and resumes the task; both may do so, since a task is resumed once. The
 * token of the task is sealed: who can read the table can do nothing with it.
 */

/** How a creation at App2 has ended: with a user, or as App1's step would have failed. */
export const creationEnd = z.union([z.literal('UserCreated'), failureName]);
export type CreationEnd = z.infer<typeof creationEnd>;

/** What App1 makes of a status that App2 announces. @throws StepError UserCreationPending for one that is no end */
export function endOf(status: ReceivedStatus): CreationEnd {
  try {
    confirmCreated(status);
    return 'UserCreated';
  } catch (error) {
    if (!(error instanceof StepError) || error.name === 'UserCreationPending') throw error;
    return error.name;
  }
}

interface Services {
  dynamoDb: Pick<DynamoDBClient, 'send'>;
  kms: Pick<KMSClient, 'send'>;
  stepFunctions: Pick<SFNClient, 'send'>;
  tableName: string;
  keyArn: string;
  now: () => number;
}

export interface AwaitedCreations {
  /** Keeps when the end is to be expected, for whoever asks. */
  expect(provisioningId: string, endsAt: string): Promise<void>;
  /** Has a task resumed when the end is known. */
  await(provisioningId: string, taskToken: string): Promise<void>;
  /** Resumes a task: this is how it has ended. Nothing happens when it was resumed before. */
  resume(provisioningId: string, taskToken: string, end: CreationEnd): Promise<void>;
  /** Says how it has ended. */
  settle(provisioningId: string, end: CreationEnd): Promise<void>;
}

/** Rows are of no use once the provisioning is over. */
const KEPT_SECONDS = 2 * timeLimits.provisioning;

/** docs.aws.amazon.com/step-functions/latest/apireference/API_SendTaskSuccess.html */
const RESUMED_BEFORE = ['TaskTimedOut', 'TaskDoesNotExist', 'InvalidToken'];

export function awaitedCreations({
  dynamoDb,
  kms,
  stepFunctions,
  tableName,
  keyArn,
  now,
}: Services): AwaitedCreations {
  const put = async (provisioning_id: string, field: string, value: { S: string } | { B: Uint8Array }) => {
    const { Attributes } = await dynamoDb.send(
      new UpdateItemCommand({
        TableName: tableName,
        Key: { provisioning_id: { S: provisioning_id } },
        UpdateExpression: 'SET #field = :value, expires_at = :expires_at',
        ExpressionAttributeNames: { '#field': field },
        ExpressionAttributeValues: {
          ':value': value,
          ':expires_at': { N: String(Math.ceil(now() / 1000) + KEPT_SECONDS) },
        },
        ReturnValues: 'ALL_NEW',
      }),
    );
    return Attributes ?? {};
  };

  const resume = async (provisioning_id: string, taskToken: string, end: CreationEnd): Promise<void> => {
    const cause = 'App2 has announced this end.';
    const sent =
      end === 'UserCreated'
        ? stepFunctions.send(new SendTaskSuccessCommand({ taskToken, output: '{}' }))
        : stepFunctions.send(new SendTaskFailureCommand({ taskToken, error: end, cause }));
    await sent.then(
      () => logger.info('Provisioning resumed', { provisioning_id, end }),
      (error: unknown) => {
        if (!isNamed(error, ...RESUMED_BEFORE)) throw error;
        logger.info('Nothing to resume', { provisioning_id, end });
      },
    );
  };

  const unseal = async (provisioning_id: string, sealed: Uint8Array): Promise<string> => {
    const { Plaintext = new Uint8Array() } = await kms.send(
      new DecryptCommand({
        KeyId: keyArn,
        CiphertextBlob: sealed,
        EncryptionContext: taskTokenContext(provisioning_id),
      }),
    );
    return Buffer.from(Plaintext).toString('utf8');
  };

  return {
    resume,

    async expect(provisioningId, endsAt) {
      await put(provisioningId, 'estimated_end_at', { S: endsAt });
    },

    async await(provisioningId, taskToken) {
      const { CiphertextBlob = new Uint8Array() } = await kms.send(
        new EncryptCommand({
          KeyId: keyArn,
          Plaintext: Buffer.from(taskToken, 'utf8'),
          EncryptionContext: taskTokenContext(provisioningId),
        }),
      );
      const { ended } = await put(provisioningId, 'task_token', { B: CiphertextBlob });
      if (ended?.S !== undefined) await resume(provisioningId, taskToken, creationEnd.parse(ended.S));
    },

    async settle(provisioningId, end) {
      const { task_token } = await put(provisioningId, 'ended', { S: end });
      if (task_token?.B !== undefined)
        await resume(provisioningId, await unseal(provisioningId, task_token.B), end);
    },
  };
}

/**
 * A status with the time at which its end is to be expected, if it waits for its turn at App2. A hint: without it the
 * answer is as good.
 */
export async function withEstimate<Status extends { provisioning_id: string; status: string }>(
  status: Status,
  { dynamoDb, tableName }: { dynamoDb: Pick<DynamoDBClient, 'send'>; tableName: string },
): Promise<Status & { estimated_end_at?: string }> {
  const { provisioning_id } = status;
  if (status.status !== 'RUNNING') return status;
  const { Item } = await dynamoDb
    .send(new GetItemCommand({ TableName: tableName, Key: { provisioning_id: { S: provisioning_id } } }))
    .catch((error: unknown) => {
      logger.warn('No estimate', { provisioning_id, error: withoutSecrets(error).name });
      return { Item: undefined };
    });
  const estimate = Item?.['estimated_end_at']?.S;
  return estimate === undefined ? status : { ...status, estimated_end_at: estimate };
}
