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
import { type ApiHandler, api, checkBody, parseBody, readHeader } from '../shared/api.ts';
import { apiClient, invokeClient } from '../shared/aws-clients.ts';
import { readEnvironment } from '../shared/environment.ts';
import { systemClock } from '../shared/executions.ts';
import { addLogContext } from '../shared/logger.ts';
import { originOf } from '../shared/origin.ts';
import { RequestProblem } from '../shared/problem.ts';
import { accept, acceptRepeat, urlOf } from './lib/accept.ts';
import { environments } from './lib/environments.ts';
import { type CallerServices, forCaller } from './lib/for-caller.ts';
import { findProvisioning } from './lib/provisioning.ts';
import { provisioningIdOf } from './lib/provisioning-id.ts';
import { activeTargets, type TargetPolicies } from './lib/registry.ts';
import { requestMac } from './lib/request-mac.ts';

interface Services extends CallerServices {
  kms: Pick<KMSClient, 'send'>;
  environment: z.infer<(typeof environments)['start-provisioning']>;
}

/**
 * `POST /create-service-user`: checks and encrypts the password, then starts the workflow. The execution's name is derived
 * from the Idempotency-Key.
 *
 * A refused request makes no AWS call, with one exception: if only the registry of targets and their password policies
 * refuse a request with a key, it may be a repetition of a request that an earlier configuration accepted. Then the
 * provisioning is described once, which counts for the caller's rate, and a repetition returns its status.
 */
export const startProvisioning = ({ kms, ...services }: Services): ApiHandler =>
  forCaller(services, async (event, { owner, stepFunctions }) => {
    const { environment } = services;
    const errors: FieldError[] = [];
    const key = readHeader(idempotencyKey.optional(), event, 'Idempotency-Key', errors);
    const body = parseBody(event);
    const refusals = configurationErrors(body, environment);
    const request = checkBody(body, createServiceUserRequest, errors, refusals);
    if (refusals.length > 0 && key === undefined) throw new RequestProblem('INVALID_REQUEST', refusals);

    const provisioning_id = provisioningIdOf(owner, key);
    addLogContext({ provisioning_id });
    const mac = () =>
      requestMac(kms, environment.MAC_KEY_ARN, [
        provisioning_id,
        request.username,
        request.password,
        request.human_user_id,
        // As sent: a repeat is recognised although the default targets have changed.
        request.targets ?? null,
      ]);
    const accepting = { ...services, stepFunctions };
    const collection = urlOf(event, environment.API_SCHEME);

    if (refusals.length > 0) {
      const found = await findProvisioning(stepFunctions, environment, provisioning_id);
      if (found === undefined || found.parsedInput.request_mac !== (await mac()))
        throw new RequestProblem('INVALID_REQUEST', refusals);
      return acceptRepeat(accepting, event, found, { collection });
    }
    const [intake_ciphertext, request_mac] = await Promise.all([
      encrypt(kms, environment.INTAKE_KEY_ARN, provisioning_id, request),
      mac(),
    ]);
    const input: ProvisioningInput = {
      provisioning_id,
      creation_id: randomUUID(),
      username: request.username,
      human_user_id: request.human_user_id,
      owner,
      targets: request.targets ?? environment.DEFAULT_TARGETS,
      ...originOf(event),
      intake_ciphertext,
      request_mac,
    };
    return accept(accepting, event, input, { collection, hasKey: key !== undefined });
  });

/** A body with targets that have valid names, or with a password; other fields may be invalid. */
const withTargets = z.object({ targets: createServiceUserRequest.shape.targets });
const withPassword = z.object({ password: z.string().min(1) });

/** The errors of a request that depend on the registry, and not on the request alone. */
function configurationErrors(
  body: unknown,
  { TARGETS, DEFAULT_TARGETS }: Pick<Services['environment'], 'TARGETS' | 'DEFAULT_TARGETS'>,
): FieldError[] {
  const named = withTargets.safeParse(body).data?.targets;
  return [
    ...(named ?? []).flatMap((name, index) => targetErrors(name, index, TARGETS)),
    ...policyErrors(body, policiesOf(named ?? DEFAULT_TARGETS, TARGETS)),
  ];
}

/** The error of a target that accepts no new requests. */
function targetErrors(name: string, index: number, registry: TargetPolicies): FieldError[] {
  const active = activeTargets(registry);
  if (active.includes(name)) return [];
  return [
    {
      pointer: `/targets/${index}`,
      detail: `must be an active target; the active ones are ${active.join(', ')}`,
    },
  ];
}

/** The password policies of these targets, as far as they are registered. */
const policiesOf = (names: readonly string[], registry: TargetPolicies): PasswordPolicy[] =>
  registry.flatMap((target) =>
    names.includes(target.name) && target.state !== 'gone' ? [target.password_policy] : [],
  );

/**
 * The rules of the password policies that a request breaks. Each target checks its policy again; a check here avoids an
 * execution.
 */
function policyErrors(body: unknown, policies: readonly PasswordPolicy[]): FieldError[] {
  const given = withPassword.safeParse(body).data;
  if (given === undefined) return [];
  const broken = new Set(policies.flatMap((policy) => brokenRules(given.password, policy)));
  return [...broken].map((detail) => ({ pointer: '/password', detail }));
}

/** Encrypts the password under App1's intake key, with the user and the provisioning in the encryption context. */
async function encrypt(
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
  if (CiphertextBlob === undefined) throw new Error('Encrypt returned no ciphertext.');
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
