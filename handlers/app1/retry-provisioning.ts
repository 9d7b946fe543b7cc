import { randomUUID } from 'node:crypto';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { KMSClient, ReEncryptCommand } from '@aws-sdk/client-kms';
import { SFNClient } from '@aws-sdk/client-sfn';
import * as z from 'zod';
import { encryptionContext } from '../../contracts/encryption-context.ts';
import type { ProvisioningInput } from '../../contracts/executions.ts';
import { humanUserId, username } from '../../contracts/fields.ts';
import { idempotencyKey } from '../../contracts/headers.ts';
import type { FieldError } from '../../contracts/problems.ts';
import { type ApiHandler, api, readHeader } from '../shared/api.ts';
import { apiClient, invokeClient } from '../shared/aws-clients.ts';
import { readEnvironment } from '../shared/environment.ts';
import { hasErrorName } from '../shared/errors.ts';
import { systemClock } from '../shared/executions.ts';
import type { WithHeaders } from '../shared/headers.ts';
import { addLogContext } from '../shared/logger.ts';
import { originOf } from '../shared/origin.ts';
import { RequestProblem } from '../shared/problem.ts';
import { currentProgress } from '../shared/roll-backs.ts';
import { accept, acceptRepeat, urlOf } from './lib/accept.ts';
import { environments } from './lib/environments.ts';
import { type CallerServices, forCaller } from './lib/for-caller.ts';
import { findProvisioning, provisionings } from './lib/provisioning.ts';
import { provisioningIdIn, provisioningIdOf } from './lib/provisioning-id.ts';
import { activeTargets } from './lib/registry.ts';
import { requestMac } from './lib/request-mac.ts';

interface Services extends CallerServices {
  kms: Pick<KMSClient, 'send'>;
  environment: z.infer<(typeof environments)['retry-provisioning']>;
}

/** Part of the MAC of a retry, and of its default key. An Idempotency-Key contains no space, so they cannot collide. */
const RETRY_OF = 'retry of';

/**
 * `POST /create-service-user/{provisioning_id}/retry`: starts a new provisioning from the stored request of a failed one,
 * including its encrypted password. Without an Idempotency-Key, repeated retries of one provisioning are one provisioning.
 */
export const retryProvisioning = ({ kms, ...services }: Services): ApiHandler =>
  forCaller(services, async (event, { owner, stepFunctions }) => {
    const { environment } = services;
    const id = provisioningIdIn(event);
    const key = keyOf(event) ?? `${RETRY_OF} ${id}`;

    const failed = await findProvisioning(stepFunctions, environment, id);
    if (failed?.parsedInput.owner !== owner) throw new RequestProblem('NOT_FOUND');
    const { status, presence } = await currentProgress(
      provisionings(stepFunctions, environment, environment.TARGETS),
      failed,
    );
    if (status.status === 'RUNNING' || presence !== 'absent')
      throw new RequestProblem('PROVISIONING_IN_PROGRESS');
    const subject = requestFields.safeParse(failed.parsedInput);
    if (!subject.success) throw new RequestProblem('NOT_RETRYABLE');

    const provisioning_id = provisioningIdOf(owner, key);
    addLogContext({ provisioning_id });
    const mac = () => requestMac(kms, environment.MAC_KEY_ARN, [provisioning_id, RETRY_OF, id]);
    const accepting = { ...services, stepFunctions };
    const collection = urlOf(event, environment.API_SCHEME).split('/').slice(0, -2).join('/');
    const { targets } = failed.parsedInput;
    const active = activeTargets(environment.TARGETS);
    if (!targets.every((target) => active.includes(target))) {
      // The retry may be a repeated one, which was accepted while the targets were active.
      const found = await findProvisioning(stepFunctions, environment, provisioning_id);
      if (found === undefined || found.parsedInput.request_mac !== (await mac()))
        throw new RequestProblem('NOT_RETRYABLE');
      return acceptRepeat(accepting, event, found, { collection });
    }
    const [intake_ciphertext, request_mac] = await Promise.all([
      reEncrypt(kms, environment.INTAKE_KEY_ARN, failed.parsedInput, provisioning_id),
      mac(),
    ]);
    return accept(
      accepting,
      event,
      {
        provisioning_id,
        creation_id: randomUUID(),
        ...subject.data,
        owner,
        targets,
        ...originOf(event),
        intake_ciphertext,
        request_mac,
        retry_of: id,
      },
      { collection, hasKey: true },
    );
  });

/** A retry is a new request, so the present rules for requests apply. */
const requestFields = z.object({ username, human_user_id: humanUserId });

/** @throws RequestProblem INVALID_REQUEST */
function keyOf(event: WithHeaders): string | undefined {
  const errors: FieldError[] = [];
  const key = readHeader(idempotencyKey.optional(), event, 'Idempotency-Key', errors);
  if (errors.length > 0) throw new RequestProblem('INVALID_REQUEST', errors);
  return key;
}

/**
 * Re-encrypts the password of the failed provisioning with the encryption context of the new one. The plaintext never
 * leaves KMS.
 * docs.aws.amazon.com/kms/latest/APIReference/API_ReEncrypt.html
 * @throws RequestProblem NOT_RETRYABLE if it was encrypted under another key or with another context
 */
async function reEncrypt(
  kms: Pick<KMSClient, 'send'>,
  keyArn: string,
  failed: ProvisioningInput,
  provisioning_id: string,
): Promise<string> {
  const { CiphertextBlob } = await kms
    .send(
      new ReEncryptCommand({
        CiphertextBlob: Buffer.from(failed.intake_ciphertext, 'base64'),
        SourceKeyId: keyArn,
        SourceEncryptionContext: encryptionContext(failed, 'app1'),
        DestinationKeyId: keyArn,
        DestinationEncryptionContext: encryptionContext({ ...failed, provisioning_id }, 'app1'),
      }),
    )
    .catch((error: unknown) => {
      if (hasErrorName(error, 'InvalidCiphertextException', 'IncorrectKeyException'))
        throw new RequestProblem('NOT_RETRYABLE');
      throw error;
    });
  if (CiphertextBlob === undefined) throw new Error('ReEncrypt returned no ciphertext.');
  return Buffer.from(CiphertextBlob).toString('base64');
}

export const handler = api(
  retryProvisioning({
    kms: apiClient(KMSClient),
    stepFunctions: apiClient(SFNClient),
    dynamoDb: invokeClient(DynamoDBClient, 1),
    environment: readEnvironment(environments['retry-provisioning']),
    clock: systemClock,
  }),
);
