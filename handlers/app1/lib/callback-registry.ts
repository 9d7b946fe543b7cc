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

/** Key of an item: a provisioning has one at each of its targets. */
interface CallbackKey {
  provisioning_id: string;
  /** Name of the target. */
  target: string;
}

/** A task that waits for a creation. */
export interface WaitingTask extends CallbackKey {
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
  recordNotification(key: CallbackKey): Promise<WaitingTask | undefined>;
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
    key: CallbackKey,
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
        Key: itemKey(key),
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

  const encrypt = async (key: CallbackKey, taskToken: string): Promise<Uint8Array> => {
    const { CiphertextBlob = new Uint8Array() } = await kms.send(
      new EncryptCommand({
        KeyId: keyArn,
        Plaintext: Buffer.from(taskToken, 'utf8'),
        EncryptionContext: taskTokenContext(key.provisioning_id, key.target),
      }),
    );
    return CiphertextBlob;
  };

  const decrypt = async (key: CallbackKey, ciphertext: Uint8Array): Promise<string> => {
    const { Plaintext = new Uint8Array() } = await kms.send(
      new DecryptCommand({
        KeyId: keyArn,
        CiphertextBlob: ciphertext,
        EncryptionContext: taskTokenContext(key.provisioning_id, key.target),
      }),
    );
    return Buffer.from(Plaintext).toString('utf8');
  };

  return {
    async registerTaskToken({
      provisioning_id,
      target,
      creation_id,
      username,
      task_token,
      attempt,
      estimated_end_at,
    }) {
      const key = { provisioning_id, target };
      const fields = {
        creation_id: { S: creation_id },
        username: { S: username },
        task_token: { B: await encrypt(key, task_token) },
        attempt: { N: String(attempt) },
        ...(estimated_end_at === undefined ? {} : { estimated_end_at: { S: estimated_end_at } }),
      };
      try {
        const item = await put(key, fields, NO_LATER_ATTEMPT);
        return { notified: item['notified']?.BOOL === true };
      } catch (error) {
        if (!hasErrorName(error, 'ConditionalCheckFailedException')) throw error;
        logger.info('A later attempt is registered', { ...key, attempt });
        return { notified: false };
      }
    },

    async recordNotification({ provisioning_id, target }) {
      const key = { provisioning_id, target };
      const item = await put(key, { notified: { BOOL: true } });
      const { creation_id, username, task_token } = item;
      if (creation_id?.S === undefined || username?.S === undefined || task_token?.B === undefined)
        return undefined;
      return {
        ...key,
        creation_id: creation_id.S,
        username: username.S,
        task_token: await decrypt(key, task_token.B),
      };
    },
  };
}

const itemKey = ({ provisioning_id, target }: CallbackKey): Record<string, AttributeValue> => ({
  provisioning_id: { S: provisioning_id },
  target: { S: target },
});

/**
 * Adds the estimated end of queued creations to a status: the latest of all targets. Best effort: without the table, the
 * status is unchanged.
 */
export async function withEstimate<Status extends { provisioning_id: string; status: string }>(
  status: Status,
  {
    dynamoDb,
    tableName,
    targets,
  }: { dynamoDb: Pick<DynamoDBClient, 'send'>; tableName: string; targets: readonly string[] },
): Promise<Status & { estimated_end_at?: string }> {
  const { provisioning_id } = status;
  if (status.status !== 'RUNNING') return status;
  const estimates = await Promise.all(
    targets.map(async (target) => {
      const Key = itemKey({ provisioning_id, target });
      const { Item } = await dynamoDb
        .send(new GetItemCommand({ TableName: tableName, Key }))
        .catch((error: unknown) => {
          logger.warn('Estimate not available', {
            provisioning_id,
            target,
            error: classifyError(error).name,
          });
          return { Item: undefined };
        });
      return Item?.['estimated_end_at']?.S ?? '';
    }),
  );
  // Timestamps of one format: the latest one is the greatest text.
  const estimate = estimates
    .filter((text) => text !== '')
    .sort()
    .at(-1);
  return estimate === undefined ? status : { ...status, estimated_end_at: estimate };
}
