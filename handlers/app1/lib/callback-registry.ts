import {
  type AttributeValue,
  type DynamoDBClient,
  GetItemCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { DecryptCommand, EncryptCommand, type KMSClient } from '@aws-sdk/client-kms';
import { taskTokenContext } from '../../../contracts/encryption-context.ts';
import { timeLimits } from '../../../contracts/time-limits.ts';
import { classifyError, hasErrorName } from '../../shared/errors.ts';
import { logger } from '../../shared/logger.ts';

/**
 * The tasks of App1 that wait for a creation at a target. Registration and notification can arrive in either order; the
 * later one finds the earlier one. The task token is encrypted, so that the table alone cannot resume a task.
 */

/** A task that waits for a creation. */
export interface WaitingTask {
  provisioning_id: string;
  creation_id: string;
  /** Username, with which the target reads the user from its pool. */
  username: string;
  task_token: string;
}

export interface CallbackRegistry {
  /**
   * Registers a task, unless a later attempt of its step is registered: an abandoned call can still take effect, and its
   * token is not valid any more. `notified`: the notification has arrived before.
   */
  registerTaskToken(
    task: WaitingTask & {
      /** Attempt of the step; counts from 1. */
      attempt: number;
      estimated_end_at?: string | undefined;
    },
  ): Promise<{ notified: boolean }>;
  /** Records a notification; returns the waiting task, or `undefined` if none is registered yet. */
  recordNotification(provisioningId: string): Promise<WaitingTask | undefined>;
}

interface Services {
  dynamoDb: Pick<DynamoDBClient, 'send'>;
  kms: Pick<KMSClient, 'send'>;
  tableName: string;
  keyArn: string;
  now: () => number;
}

/** The item has no later attempt of the same generation. */
const NO_LATER_ATTEMPT =
  'attribute_not_exists(attempt) OR creation_id <> :creation_id OR attempt <= :attempt';

/** Retention of an item in seconds: longer than any provisioning. */
const RETENTION_SECONDS = 2 * timeLimits.provisioning;

export function callbackRegistry({ dynamoDb, kms, tableName, keyArn, now }: Services): CallbackRegistry {
  const put = async (
    provisioning_id: string,
    fields: Record<string, AttributeValue>,
    condition?: string,
  ): Promise<Record<string, AttributeValue>> => {
    const attributes = {
      ...fields,
      expires_at: { N: String(Math.ceil(now() / 1000) + RETENTION_SECONDS) },
    };
    const { Attributes } = await dynamoDb.send(
      new UpdateItemCommand({
        TableName: tableName,
        Key: { provisioning_id: { S: provisioning_id } },
        UpdateExpression: `SET ${Object.keys(attributes)
          .map((field) => `${field} = :${field}`)
          .join(', ')}`,
        ExpressionAttributeValues: Object.fromEntries(
          Object.entries(attributes).map(([field, value]) => [`:${field}`, value]),
        ),
        ...(condition === undefined ? {} : { ConditionExpression: condition }),
        ReturnValues: 'ALL_NEW',
      }),
    );
    return Attributes ?? {};
  };

  const encrypt = async (provisioning_id: string, taskToken: string): Promise<Uint8Array> => {
    const { CiphertextBlob = new Uint8Array() } = await kms.send(
      new EncryptCommand({
        KeyId: keyArn,
        Plaintext: Buffer.from(taskToken, 'utf8'),
        EncryptionContext: taskTokenContext(provisioning_id),
      }),
    );
    return CiphertextBlob;
  };

  const decrypt = async (provisioning_id: string, ciphertext: Uint8Array): Promise<string> => {
    const { Plaintext = new Uint8Array() } = await kms.send(
      new DecryptCommand({
        KeyId: keyArn,
        CiphertextBlob: ciphertext,
        EncryptionContext: taskTokenContext(provisioning_id),
      }),
    );
    return Buffer.from(Plaintext).toString('utf8');
  };

  return {
    async registerTaskToken({
      provisioning_id,
      creation_id,
      username,
      task_token,
      attempt,
      estimated_end_at,
    }) {
      const fields = {
        creation_id: { S: creation_id },
        username: { S: username },
        task_token: { B: await encrypt(provisioning_id, task_token) },
        attempt: { N: String(attempt) },
        ...(estimated_end_at === undefined ? {} : { estimated_end_at: { S: estimated_end_at } }),
      };
      try {
        const item = await put(provisioning_id, fields, NO_LATER_ATTEMPT);
        return { notified: item['notified']?.BOOL === true };
      } catch (error) {
        if (!hasErrorName(error, 'ConditionalCheckFailedException')) throw error;
        logger.info('A later attempt is registered', { provisioning_id, attempt });
        return { notified: false };
      }
    },

    async recordNotification(provisioning_id) {
      const item = await put(provisioning_id, { notified: { BOOL: true } });
      const { creation_id, username, task_token } = item;
      if (creation_id?.S === undefined || username?.S === undefined || task_token?.B === undefined)
        return undefined;
      return {
        provisioning_id,
        creation_id: creation_id.S,
        username: username.S,
        task_token: await decrypt(provisioning_id, task_token.B),
      };
    },
  };
}

/**
 * Adds the estimated end of a queued creation to a status. Best effort: without the table, the status is unchanged.
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
      logger.warn('Estimate not available', { provisioning_id, error: classifyError(error).name });
      return { Item: undefined };
    });
  const estimate = Item?.['estimated_end_at']?.S;
  return estimate === undefined ? status : { ...status, estimated_end_at: estimate };
}
