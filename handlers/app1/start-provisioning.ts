import { EncryptCommand, GenerateMacCommand, KMSClient } from '@aws-sdk/client-kms';
import { SFNClient } from '@aws-sdk/client-sfn';
import type { APIGatewayProxyEvent } from 'aws-lambda';
import type * as z from 'zod';
import {
  type CreateServiceUserRequest,
  createServiceUserRequest,
  type ProvisioningAccepted,
} from '../../contracts/app1-api.ts';
import { encryptionContext } from '../../contracts/encryption-context.ts';
import type { ProvisioningInput } from '../../contracts/executions.ts';
import { idempotencyKey, preferredWait } from '../../contracts/headers.ts';
import type { FieldError } from '../../contracts/problems.ts';
import { type ApiHandler, api, header, json, readBody, readValue } from '../shared/api.ts';
import { apiClient } from '../shared/aws-clients.ts';
import { readEnvironment } from '../shared/environment.ts';
import { type Clock, settle, startOnce, systemClock } from '../shared/executions.ts';
import { logger } from '../shared/logger.ts';
import { originOf } from '../shared/origin.ts';
import { RequestProblem } from '../shared/problem.ts';
import { currentStatus } from '../shared/roll-backs.ts';
import { comeBack } from '../shared/status.ts';
import { environments } from './environments.ts';
import { ownerOf } from './owner.ts';
import { findProvisioning, provisionings } from './provisioning.ts';
import { provisioningIdOf } from './provisioning-id.ts';

interface Services {
  kms: Pick<KMSClient, 'send'>;
  stepFunctions: Pick<SFNClient, 'send'>;
  environment: z.infer<(typeof environments)['start-provisioning']>;
  clock: Clock;
}

/** `POST /create-service-user`: seals the password, then starts the workflow under the key's name. */
export const startProvisioning =
  ({ kms, stepFunctions, environment, clock }: Services): ApiHandler =>
  async (event) => {
    const owner = ownerOf(event);
    const errors: FieldError[] = [];
    const key = header(event, 'Idempotency-Key');
    const validKey =
      key === undefined ? undefined : readValue(idempotencyKey, key, 'header Idempotency-Key', errors);
    const request = readBody(event, createServiceUserRequest, errors);

    const provisioning_id = provisioningIdOf(owner, validKey);
    const [sealed_password, request_mac] = await Promise.all([
      seal(kms, environment.INTAKE_KEY_ARN, provisioning_id, request),
      macOf(kms, environment.MAC_KEY_ARN, provisioning_id, request),
    ]);
    const input: ProvisioningInput = {
      provisioning_id,
      username: request.username,
      human_user_id: request.human_user_id,
      owner,
      ...originOf(event),
      sealed_password,
      request_mac,
    };
    const start = await startOnce(stepFunctions, environment.STATE_MACHINE_ARN, provisioning_id, input);
    logger.info(start === 'started' ? 'Provisioning started' : 'Provisioning repeated', { provisioning_id });

    const look = () => findProvisioning(stepFunctions, environment, provisioning_id);
    const wait = preferredWait(header(event, 'Prefer'));
    const found = start === 'existed' || wait > 0 ? await settle(look, wait, clock) : undefined;
    // There is one of this name, but it cannot be seen yet: whether this request repeats it cannot be said.
    if (start === 'existed' && found === undefined) throw new RequestProblem('SERVICE_UNAVAILABLE');
    if (found !== undefined && found.parsedInput.request_mac !== request_mac)
      throw new RequestProblem('IDEMPOTENCY_CONFLICT');

    const location = statusUrl(event, provisioning_id);
    const headers = { Location: location, ...(wait > 0 ? { 'Preference-Applied': `wait=${wait}` } : {}) };
    const status =
      found === undefined ? undefined : await currentStatus(provisionings(stepFunctions, environment), found);
    if (status !== undefined && status.status !== 'RUNNING' && wait > 0) return json(200, status, headers);
    const accepted: ProvisioningAccepted = {
      provisioning_id,
      status: status?.status ?? 'RUNNING',
      status_url: location,
    };
    return json(202, accepted, { ...headers, ...comeBack(status ?? accepted, clock.now()) });
  };

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

/**
 * A MAC of the request. Two requests with one key can be compared by it, and nobody without the KMS key can try
 * passwords against it. The provisioning_id is part of it: equal passwords of two provisionings do not show.
 * docs.aws.amazon.com/kms/latest/APIReference/API_GenerateMac.html
 */
async function macOf(
  kms: Pick<KMSClient, 'send'>,
  keyArn: string,
  provisioning_id: string,
  { username, password, human_user_id }: CreateServiceUserRequest,
): Promise<string> {
  const { Mac } = await kms.send(
    new GenerateMacCommand({
      KeyId: keyArn,
      MacAlgorithm: 'HMAC_SHA_256',
      Message: Buffer.from(JSON.stringify([provisioning_id, username, password, human_user_id]), 'utf8'),
    }),
  );
  if (Mac === undefined) throw new Error('KMS answered GenerateMac without a MAC.');
  return Buffer.from(Mac).toString('base64');
}

/** Address of the status, under whatever name and base path the caller reached this API. */
function statusUrl(event: APIGatewayProxyEvent, provisioning_id: string): string {
  const scheme = header(event, 'X-Forwarded-Proto') ?? 'https';
  const { domainName, path } = event.requestContext;
  return `${scheme}://${domainName}${path.replace(/\/$/, '')}/${provisioning_id}`;
}

export const handler = api(
  startProvisioning({
    kms: apiClient(KMSClient),
    stepFunctions: apiClient(SFNClient),
    environment: readEnvironment(environments['start-provisioning']),
    clock: systemClock,
  }),
);
