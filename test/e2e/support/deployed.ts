import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { InitiateAuthCommand } from '@aws-sdk/client-cognito-identity-provider';
import { EncryptCommand, KMSClient } from '@aws-sdk/client-kms';
import {
  GetFunctionConfigurationCommand,
  LambdaClient,
  UpdateFunctionConfigurationCommand,
} from '@aws-sdk/client-lambda';
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { readOutputs, type Target } from '../../../cli/outputs.ts';
import { settings } from '../../../cli/support/paths.ts';
import { type CreateServiceUserRequest, provisioningAccepted } from '../../../contracts/app1-api.ts';
import { machineCredentials } from '../../../contracts/app2-api.ts';
import { encryptionContext } from '../../../contracts/encryption-context.ts';
import { type ProvisioningStatus, provisioningStatus } from '../../../contracts/status.ts';
import { secretHash } from '../../../handlers/shared/secret-hash.ts';
import type { Access } from '../../../local/cdk.ts';
import { type Machine, systemOf } from '../../../local/system.ts';
import { eventually } from '../../local-aws/support/eventually.ts';
import { withObservers } from './observed.ts';

/** The system under test, deployed on the local AWS, with the access of its clients and of an administrator. */
export const outputs = readOutputs(settings().directory);
export const system = withObservers(systemOf(outputs));

/** Endpoint and credentials of the same system, for command lines. */
export const access: Access = {
  endpoint: outputs.endpoint,
  region: outputs.region,
  accessKeyId: outputs.access_key_id,
  secretAccessKey: outputs.secret_access_key,
};

export const configuration = {
  endpoint: outputs.endpoint,
  region: outputs.region,
  credentials: { accessKeyId: outputs.access_key_id, secretAccessKey: outputs.secret_access_key },
};

/** A name that no other test uses. */
export const newName = (prefix: string): string => `${prefix}-${randomBytes(4).toString('hex')}`;

/** A password that meets the policy and that no other test uses. */
export const newPassword = (): string => `Pw-${randomBytes(12).toString('base64url')}-1a`;

export function newRequest(
  overrides: Partial<{ username: string; password: string; human_user_id: string }> = {},
) {
  return { username: newName('user'), password: newPassword(), human_user_id: 'h-1', ...overrides };
}

/** Starts a provisioning; returns its id. @throws Error unless App1 accepts the request */
export async function start(
  request: CreateServiceUserRequest,
  headers: Record<string, string> = {},
): Promise<string> {
  const { status, body } = await system.provision(request, headers);
  if (status !== 202) throw new Error(`App1 responded with ${status}: ${JSON.stringify(body)}`);
  return provisioningAccepted.parse(body).provisioning_id;
}

/** Waits until the status of a provisioning is not RUNNING; returns the status. */
export async function waitForCompletion(id: string, within = 60_000): Promise<ProvisioningStatus> {
  return eventually(async () => {
    const status = provisioningStatus.parse((await system.status(id, { Prefer: 'wait=15' })).body);
    if (status.status === 'RUNNING') throw new Error(`The provisioning ${id} is still RUNNING.`);
    return status;
  }, within);
}

/** Starts a provisioning and waits until its status is not RUNNING. */
export const provision = async (
  request: ReturnType<typeof newRequest>,
  within?: number,
): Promise<ProvisioningStatus> => waitForCompletion(await start(request), within);

/** Names of the states that an execution has entered, in their order. */
export const statesOf = async (machine: Machine, id: string): Promise<string[]> =>
  (await system.states(machine, id)).map(({ name }) => name);

/** Waits until the events of a provisioning are the expected ones; returns their names. */
export async function eventsOf(id: string, expected: string[]): Promise<string[]> {
  return eventually(async () => {
    const names = (await system.events(id)).map((event) => event['detail-type']).sort();
    assert.deepEqual(names, [...expected].sort());
    return names;
  });
}

/** The credentials that a target has issued to App1. */
export async function readMachineCredentials(target: Target = outputs.app2) {
  const { SecretString = '' } = await new SecretsManagerClient(configuration).send(
    new GetSecretValueCommand({ SecretId: target.credentials_secret_arn }),
  );
  return machineCredentials.parse(JSON.parse(SecretString));
}

/**
 * Signs a machine user in: by the machine client with its secret, as App1 does, or by the public client, which has none.
 * @returns the access token
 * @throws errors of Cognito
 */
export async function signInMachineUser(
  { username, password }: { username: string; password: string },
  client: 'machine' | 'public' = 'machine',
  target: Target = outputs.app2,
): Promise<string> {
  const { machine_client_id, service_client_id } = target;
  const ClientId = client === 'machine' ? machine_client_id : service_client_id;
  const { client_secret } = await readMachineCredentials(target);
  const { AuthenticationResult } = await system.clients.cognito.send(
    new InitiateAuthCommand({
      AuthFlow: 'USER_PASSWORD_AUTH',
      ClientId,
      AuthParameters: {
        USERNAME: username,
        PASSWORD: password,
        ...(client === 'machine' ? { SECRET_HASH: secretHash(username, ClientId, client_secret) } : {}),
      },
    }),
  );
  if (AuthenticationResult?.AccessToken === undefined) throw new Error('The machine user cannot sign in.');
  return AuthenticationResult.AccessToken;
}

/** An access token of a target's machine client, as App1 obtains it. */
export const machineToken = async (target: Target = outputs.app2): Promise<string> =>
  signInMachineUser(await readMachineCredentials(target), 'machine', target);

/** Makes the next invocation of a function start in a new execution environment, with empty caches. */
export async function restart(FunctionName: string): Promise<void> {
  const lambda = new LambdaClient(configuration);
  const { MemorySize } = await lambda.send(new GetFunctionConfigurationCommand({ FunctionName }));
  await lambda.send(new UpdateFunctionConfigurationCommand({ FunctionName, MemorySize }));
}

/** Encrypts a password under the key of a target, as App1 does. @param name name of the target */
export async function encryptFor(
  id: string,
  username: string,
  password: string,
  name = 'app2',
): Promise<string> {
  const { CiphertextBlob } = await new KMSClient(configuration).send(
    new EncryptCommand({
      KeyId: outputs.targets[name]?.key_arn,
      Plaintext: Buffer.from(password),
      EncryptionContext: encryptionContext({ provisioning_id: id, username }, name),
    }),
  );
  return Buffer.from(CiphertextBlob ?? []).toString('base64');
}

/** Runs a function while an environment variable of a Lambda function has another value. */
export async function withVariable<Result>(
  functionName: string,
  name: string,
  value: string,
  run: () => Promise<Result>,
): Promise<Result> {
  const lambda = new LambdaClient(configuration);
  const { Environment } = await lambda.send(
    new GetFunctionConfigurationCommand({ FunctionName: functionName }),
  );
  const set = (Variables: Record<string, string>) =>
    lambda.send(
      new UpdateFunctionConfigurationCommand({ FunctionName: functionName, Environment: { Variables } }),
    );
  const before = Environment?.Variables ?? {};
  await set({ ...before, [name]: value });
  try {
    return await run();
  } finally {
    await set(before);
  }
}
