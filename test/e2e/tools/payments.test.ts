import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import {
  CognitoIdentityProviderClient,
  InitiateAuthCommand,
} from '@aws-sdk/client-cognito-identity-provider';
import { EncryptCommand, KMSClient } from '@aws-sdk/client-kms';
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import getPort from 'get-port';
import { v4 } from 'uuid';
import { stackOutputs, type Target, targetsIn } from '../../../cli/outputs.ts';
import { machineCredentials } from '../../../contracts/app2-api.ts';
import { encryptionContext } from '../../../contracts/encryption-context.ts';
import { secretHash } from '../../../handlers/shared/secret-hash.ts';
import { localApiUrl } from '../../../local/api-url.ts';
import { type Emulator, startEmulator } from '../../../local/emulator.ts';
import { venv } from '../../../local/paths.ts';
import { eventually } from '../../local-aws/support/eventually.ts';
import { commandsIn } from '../../support/documented.ts';
import { npmVariables } from '../../support/npm-variables.ts';
import { installAwsCli, operatorOf } from '../support/operator.ts';
import { openShell, type Shell } from '../support/shell.ts';

/**
 * The example of a service that depends on the packed package only: the commands of its page, on an empty local AWS. The test
 * requests the service user as App1 does.
 */

const PAGE = 'examples/payments/README.md';
const user = { username: 'ada', password: 'Analytical-Engine-1843' };

let directory: string;
let aws: Emulator;
let shell: Shell;
let payments: Target;
const configuration = () => {
  const { endpoint, region, accessKeyId, secretAccessKey } = aws;
  return { endpoint, region, credentials: { accessKeyId, secretAccessKey } };
};
const runSection = (section: string) => shell.run(commandsIn(PAGE, section).join('\n'));

/** The outputs of the deployed service, with an address that can be reached. */
async function deployedTarget(): Promise<Target> {
  const { Stacks = [] } = await new CloudFormationClient(configuration()).send(
    new DescribeStacksCommand({ StackName: 'Payments' }),
  );
  const outputs = Object.fromEntries(
    (Stacks[0]?.Outputs ?? []).map(({ OutputKey = '', OutputValue = '' }) => [OutputKey, OutputValue]),
  );
  const target = stackOutputs.Target.parse(targetsIn({ stackName: 'Payments', outputs }).get('payments'));
  return { ...target, api_url: localApiUrl(target.api_url, aws.endpoint) };
}

/** A token of the machine user that the service has issued to App1. */
async function machineToken(): Promise<string> {
  const { SecretString = '' } = await new SecretsManagerClient(configuration()).send(
    new GetSecretValueCommand({ SecretId: payments.credentials_secret_arn }),
  );
  const { username, password, client_secret } = machineCredentials.parse(JSON.parse(SecretString));
  const ClientId = payments.machine_client_id;
  const { AuthenticationResult } = await new CognitoIdentityProviderClient(configuration()).send(
    new InitiateAuthCommand({
      AuthFlow: 'USER_PASSWORD_AUTH',
      ClientId,
      AuthParameters: {
        USERNAME: username,
        PASSWORD: password,
        SECRET_HASH: secretHash(username, ClientId, client_secret),
      },
    }),
  );
  return AuthenticationResult?.AccessToken ?? '';
}

/** Requests the user, and waits until it is created. */
async function createUser(token: string): Promise<void> {
  const id = v4();
  const { CiphertextBlob } = await new KMSClient(configuration()).send(
    new EncryptCommand({
      KeyId: payments.key_arn,
      Plaintext: Buffer.from(user.password),
      EncryptionContext: encryptionContext({ provisioning_id: id, username: user.username }, 'payments'),
    }),
  );
  const body = {
    username: user.username,
    encrypted_password: Buffer.from(CiphertextBlob ?? []).toString('base64'),
    human_user_id: 'h-1815',
  };
  const accepted = await call('admin/create-user', { token, body, headers: { 'idempotency-key': id } });
  expect(accepted.status).toBe(202);
  await eventually(async () => {
    const response = await call(`admin/create-user/${id}`, { token });
    expect(await response.json()).toMatchObject({ status: 'SUCCEEDED' });
  });
}

const call = (
  path: string,
  { token, body, headers }: { token?: string; body?: unknown; headers?: Record<string, string> },
) =>
  fetch(`${payments.api_url}/${path}`, {
    method: body === undefined ? 'GET' : 'POST',
    headers: {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      'content-type': 'application/json',
      ...headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'payments-'));
  const port = await getPort({ host: '127.0.0.1' });
  [aws] = await Promise.all([
    startEmulator({ python: join(venv, 'bin', 'python'), port, directory }),
    installAwsCli(),
  ]);
  shell = openShell({
    ...operatorOf(aws, { environment: 'local' }),
    ...npmVariables(),
  });
  await shell.run(`(cd "$HOME" && npx cdk bootstrap aws://${aws.account}/${aws.region})`);
  await runSection('Install');
  await runSection('Deploy');
  payments = await deployedTarget();
});
afterAll(async () => {
  await shell?.end();
  await aws?.stop();
  rmSync(directory, { recursive: true, force: true });
});

describe('the payment service', () => {
  it('charges for a service user that App1 has requested', async () => {
    await createUser(await machineToken());
    await shell.run(
      `export SERVICE_CLIENT_ID=${payments.service_client_id} PAYMENTS_API_URL=${payments.api_url}
       export SERVICE_USERNAME=${user.username} SERVICE_PASSWORD=${user.password}`,
    );

    expect(JSON.parse(await runSection('Create a charge'))).toMatchObject({
      amount: 1250,
      currency: 'EUR',
      created_by: user.username,
    });
  });

  it('refuses App1 and callers without a token', async () => {
    const body = { amount: 1250, currency: 'EUR' };

    expect((await call('charges', { body, token: await machineToken() })).status).toBe(403);
    expect((await call('charges', { body })).status).toBe(401);
  });
});
