import { randomUUID } from 'node:crypto';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { EncryptCommand, KMSClient } from '@aws-sdk/client-kms';
import { SFNClient } from '@aws-sdk/client-sfn';
import * as z from 'zod';
import { type CreateServiceUserRequest, createServiceUserRequest } from '../../contracts/app1-api.ts';
import { encryptionContext } from '../../contracts/encryption-context.ts';
import type { ProvisioningInput } from '../../contracts/executions.ts';
import { idempotencyKey } from '../../contracts/headers.ts';
import { brokenRules, type PasswordPolicy } from '../../contracts/password-policy.ts';
import type { FieldError } from '../../contracts/problems.ts';
import { type ApiHandler, api, readBody, readHeader } from '../shared/api.ts';
import { apiClient, invokeClient } from '../shared/aws-clients.ts';
import { readEnvironment } from '../shared/environment.ts';
import { type Clock, systemClock } from '../shared/executions.ts';
import { alsoAbout } from '../shared/logger.ts';
import { originOf } from '../shared/origin.ts';
import { accept, addressOf } from './accept.ts';
import { callerLimits } from './caller-limits.ts';
import { environments } from './environments.ts';
import { ownerOf } from './owner.ts';
import { provisioningIdOf } from './provisioning-id.ts';
import { requestMac } from './request-mac.ts';

interface Services {
  kms: Pick<KMSClient, 'send'>;
  stepFunctions: Pick<SFNClient, 'send'>;
  dynamoDb: Pick<DynamoDBClient, 'send'>;
  environment: z.infer<(typeof environments)['start-provisioning']>;
  clock: Clock;
}

/**
 * `POST /create-service-user`: checks the password, seals it, then starts the workflow under the key's name. A request
 * that is refused calls nothing.
 */
export const startProvisioning = ({
  kms,
  dynamoDb,
  environment,
  clock,
  ...services
}: Services): ApiHandler => {
  const limits = callerLimits({ ...services, dynamoDb, environment, now: clock.now });
  return async (event) => {
    const owner = ownerOf(event);
    const errors: FieldError[] = [];
    const key = readHeader(idempotencyKey.optional(), event, 'Idempotency-Key', errors);
    const request = readBody(event, createServiceUserRequest, errors, (body) =>
      policyErrors(body, environment.PASSWORD_POLICY),
    );

    const provisioning_id = provisioningIdOf(owner, key);
    alsoAbout({ provisioning_id });
    const [sealed_password, request_mac] = await Promise.all([
      seal(kms, environment.INTAKE_KEY_ARN, provisioning_id, request),
      requestMac(kms, environment.MAC_KEY_ARN, [
        provisioning_id,
        request.username,
        request.password,
        request.human_user_id,
      ]),
    ]);
    const input: ProvisioningInput = {
      provisioning_id,
      creation_id: randomUUID(),
      username: request.username,
      human_user_id: request.human_user_id,
      owner,
      ...originOf(event),
      sealed_password,
      request_mac,
    };
    return accept(
      { stepFunctions: limits.stepFunctions(owner), dynamoDb, environment, clock },
      event,
      input,
      {
        collection: addressOf(event, environment.API_SCHEME),
        hasKey: key !== undefined,
      },
    );
  };
};

/** Of a body that has a password, valid otherwise or not. */
const withPassword = z.object({ password: z.string().min(1) });

/**
 * What of the target's password policy a request does not meet. The target checks again, and has the last word; here it
 * costs nothing but the answer.
 */
function policyErrors(body: unknown, policy: PasswordPolicy): FieldError[] {
  const given = withPassword.safeParse(body).data;
  const broken = given === undefined ? [] : brokenRules(given.password, policy);
  return broken.map((detail) => ({ pointer: '/password', detail }));
}

/** The password under App1's intake key, readable for this user and this provisioning only. */
async function seal(
  kms: Pick<KMSClient, 'send'>,
  keyArn: string,
  provisioning_id: string,
  { username, password }: CreateServiceUserRequest,
): Promise<string> {
  const { CiphertextBlob } = await kms.send(
    new EncryptCommand({
      KeyId: keyArn,
      Plaintext: Buffer.from(password, 'utf8'),
      EncryptionContext: encryptionContext({ provisioning_id, username }, 'app1'),
    }),
  );
  if (CiphertextBlob === undefined) throw new Error('KMS answered Encrypt without a ciphertext.');
  return Buffer.from(CiphertextBlob).toString('base64');
}

export const handler = api(
  startProvisioning({
    kms: apiClient(KMSClient),
    stepFunctions: apiClient(SFNClient),
    dynamoDb: invokeClient(DynamoDBClient, 1),
    environment: readEnvironment(environments['start-provisioning']),
    clock: systemClock,
  }),
);
