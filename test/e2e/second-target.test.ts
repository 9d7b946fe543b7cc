import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { CloudWatchClient, ListDashboardsCommand } from '@aws-sdk/client-cloudwatch';
import { FilterLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs';
import {
  AdminGetUserCommand,
  AdminListGroupsForUserCommand,
  CognitoIdentityProviderClient,
  DescribeUserPoolCommand,
  InitiateAuthCommand,
} from '@aws-sdk/client-cognito-identity-provider';
import { DynamoDBClient, GetItemCommand, ListTablesCommand } from '@aws-sdk/client-dynamodb';
import { EncryptCommand, KMSClient } from '@aws-sdk/client-kms';
import { DescribeExecutionCommand, SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { beforeAll, describe, expect, it } from '@jest/globals';
import * as z from 'zod';
import { stackOutputs, type Target } from '../../cli/outputs.ts';
import { targetsIn } from '../../cli/stack-targets.ts';
import { settings } from '../../cli/support/paths.ts';
import { encryptionContext } from '../../contracts/encryption-context.ts';
import type { UserCreationInput } from '../../contracts/executions.ts';
import { problem } from '../../contracts/problems.ts';
import { type ProvisioningStatus, provisioningStatus } from '../../contracts/status.ts';
import { busLog, dashboardOf } from '../../infra/names.ts';
import { localApiUrl } from '../../local/api-url.ts';
import { eventually } from '../local-aws/support/eventually.ts';
import {
  configuration,
  machineToken,
  newName,
  newPassword,
  newRequest,
  outputs,
  system,
} from './support/deployed.ts';

/**
 * Two targets in the account and region of App2, deployed by the app of their team: payments adopts a user pool, and orders
 * shares the rate limits of payments. App1 does not know them.
 */

const execute = promisify(execFile);

let payments: Target;
let orders: Target;

/** Deploys the app of the team; returns its targets. */
async function deploy(region = outputs.region): Promise<{ payments: Target; orders: Target }> {
  const program = join(import.meta.dirname, 'support', 'payments', 'deploy.ts');
  const { stdout } = await execute(process.execPath, ['--import', 'tsx', program, region], {
    env: { ...process.env, LOCAL_AWS_DIR: settings().directory },
  });
  const stacks = z.record(z.string(), z.record(z.string(), z.string())).parse(JSON.parse(stdout));
  const found = targetsIn({ stackName: 'Payments', outputs: stacks['Payments'] ?? {} });
  const deployed = (name: string): Target => {
    const target = stackOutputs.Target.parse(found.get(name));
    return { ...target, api_url: localApiUrl(target.api_url, outputs.endpoint) };
  };
  return { payments: deployed('payments'), orders: deployed('orders') };
}

beforeAll(async () => {
  ({ payments, orders } = await deploy());
}, 180_000);

const call = async (
  { api_url }: Target,
  method: string,
  path: string,
  token: string,
  headers = {},
  body?: object,
) => {
  const response = await fetch(`${api_url}/${path}`, {
    method,
    headers: { Authorization: `Bearer ${token}`, ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: (await response.json()) as unknown };
};

/** Signs in through an app client; returns the access token. */
async function signIn(clientId: string, username: string, password: string): Promise<string> {
  const { AuthenticationResult } = await system.clients.cognito.send(
    new InitiateAuthCommand({
      AuthFlow: 'USER_PASSWORD_AUTH',
      ClientId: clientId,
      AuthParameters: { USERNAME: username, PASSWORD: password },
    }),
  );
  return z.string().parse(AuthenticationResult?.AccessToken);
}

/** Requests a user at a target, with a password that is encrypted for the target of a name; waits until the creation has finished. */
async function create(at: Target, name: string, request = newRequest()): Promise<ProvisioningStatus> {
  const id = randomUUID();
  const { username, password, human_user_id } = request;
  const { CiphertextBlob } = await new KMSClient(configuration).send(
    new EncryptCommand({
      KeyId: at.key_arn,
      Plaintext: Buffer.from(password),
      EncryptionContext: encryptionContext({ provisioning_id: id, username }, name),
    }),
  );
  const encrypted_password = Buffer.from(CiphertextBlob ?? []).toString('base64');
  const token = await machineToken(at);
  const headers = { 'Idempotency-Key': id, 'Creation-Id': randomUUID(), 'Content-Type': 'application/json' };
  const accepted = await call(at, 'POST', 'admin/create-user', token, headers, {
    username,
    encrypted_password,
    human_user_id,
  });
  expect(accepted).toMatchObject({ status: 202 });
  return eventually(async () => {
    const { body } = await call(at, 'GET', `admin/create-user/${id}`, token, headers);
    const status = provisioningStatus.parse(body);
    expect(status.status).not.toBe('RUNNING');
    return status;
  }, 60_000);
}

/** The audit events on the bus of a target about a provisioning. */
async function eventsOf(at: Target, id: string): Promise<unknown[]> {
  const { events = [] } = await system.clients.logs.send(
    new FilterLogEventsCommand({ logGroupName: busLog(at.event_bus_name), filterPattern: `"${id}"` }),
  );
  return events.map(({ message = '' }): unknown => JSON.parse(message));
}

describe('a second target of the account', () => {
  it('creates a user through its own API, who signs in at the pool that it has adopted', async () => {
    const request = newRequest();

    const { provisioning_id, status } = await create(payments, 'payments', request);

    expect(status).toBe('SUCCEEDED');
    await expect(signIn(payments.service_client_id, request.username, request.password)).resolves.toMatch(
      /\./,
    );

    const { UserPool } = await system.clients.cognito.send(
      new DescribeUserPoolCommand({ UserPoolId: payments.user_pool_id }),
    );

    expect(UserPool?.Name).toBe('own-pool');

    const { Groups = [] } = await system.clients.cognito.send(
      new AdminListGroupsForUserCommand({ UserPoolId: payments.user_pool_id, Username: request.username }),
    );

    expect(Groups.map(({ GroupName }) => GroupName)).toEqual(['service-user']);
    expect(await system.user(request.username)).toBeUndefined();

    const [event] = await eventually(async () => {
      const found = await eventsOf(payments, provisioning_id);
      expect(found).toHaveLength(1);
      return found;
    });

    expect(event).toMatchObject({
      source: 'payments.service-users',
      'detail-type': 'ServiceUserCreated',
      detail: { metadata: { event_id: expect.stringMatching(/^payments:/) } },
    });
  });

  it('rejects a password that is encrypted for another target', async () => {
    await expect(create(payments, 'app2')).resolves.toMatchObject({
      status: 'FAILED',
      error: { code: 'CREDENTIALS_REJECTED' },
    });
  });

  it("rejects the token of App2's machine user", async () => {
    const { status, body } = await call(
      payments,
      'GET',
      `admin/create-user/${randomUUID()}`,
      await machineToken(),
    );

    expect([status, problem.parse(body).code]).toEqual([401, 'UNAUTHENTICATED']);
  });
});

describe('targets with one table of rate limits', () => {
  const tables = async () =>
    (await new DynamoDBClient(configuration).send(new ListTablesCommand({}))).TableNames ?? [];
  const nextStart = async () => {
    const { Item } = await new DynamoDBClient(configuration).send(
      new GetItemCommand({
        TableName: 'payments-rate-limits',
        Key: { name: { S: 'creations' } },
        ConsistentRead: true,
      }),
    );
    return Number(Item?.['next_at']?.N ?? 0);
  };

  it('reserve their creations from the same limit', async () => {
    await create(payments, 'payments');
    const before = await nextStart();

    const { status } = await create(orders, 'orders');

    expect(status).toBe('SUCCEEDED');
    expect(await nextStart()).toBeGreaterThan(before);
    expect(await tables()).toContain('payments-rate-limits');
    expect(await tables()).not.toContain('orders-rate-limits');
  });
});

describe('the same targets in a second region of the account', () => {
  const REGION = 'eu-central-1';
  const inRegion = (region: string) => ({ ...configuration, region });
  let second: Target;
  beforeAll(async () => {
    second = (await deploy(REGION)).payments;
  }, 180_000);

  /** Starts a creation without the API: the local AWS cannot see for which region an unsigned request is. */
  async function createIn(region: string, at: Target, username: string): Promise<string> {
    const provisioning_id = randomUUID();
    const { CiphertextBlob } = await new KMSClient(inRegion(region)).send(
      new EncryptCommand({
        KeyId: at.key_arn,
        Plaintext: Buffer.from(newPassword()),
        EncryptionContext: encryptionContext({ provisioning_id, username }, 'payments'),
      }),
    );
    const input: UserCreationInput = {
      provisioning_id,
      creation_id: randomUUID(),
      username,
      encrypted_password: Buffer.from(CiphertextBlob ?? []).toString('base64'),
      human_user_id: 'h-1',
      owner: 'app1',
    };
    const stepFunctions = new SFNClient(inRegion(region));
    const { executionArn } = await stepFunctions.send(
      new StartExecutionCommand({
        stateMachineArn: at.state_machine_arn,
        name: provisioning_id,
        input: JSON.stringify(input),
      }),
    );
    await eventually(async () => {
      const { status } = await stepFunctions.send(new DescribeExecutionCommand({ executionArn }));
      expect(status).toBe('SUCCEEDED');
    }, 60_000);
    return provisioning_id;
  }

  /** The stamp of the user of this name in a pool. */
  async function stampIn(region: string, at: Target, Username: string): Promise<string | undefined> {
    const { UserAttributes = [], UserStatus } = await new CognitoIdentityProviderClient(
      inRegion(region),
    ).send(new AdminGetUserCommand({ UserPoolId: at.user_pool_id, Username }));
    expect(UserStatus).toBe('CONFIRMED');
    return UserAttributes.find(({ Name }) => Name === 'custom:provisioning_id')?.Value;
  }

  it('have resources of their own, and dashboards with the names of both regions', async () => {
    const { DashboardEntries = [] } = await new CloudWatchClient(configuration).send(
      new ListDashboardsCommand({ DashboardNamePrefix: 'payments-' }),
    );

    expect(second.key_arn).not.toBe(payments.key_arn);
    expect(second.state_machine_arn).toBe(payments.state_machine_arn.replace(outputs.region, REGION));
    expect(DashboardEntries.map(({ DashboardName }) => DashboardName).sort()).toEqual(
      [REGION, outputs.region].map((region) => dashboardOf('payments', region)).sort(),
    );
  });

  it('create a user of the same name in each region', async () => {
    const username = newName('user');

    const first = await createIn(outputs.region, payments, username);
    const other = await createIn(REGION, second, username);

    expect(await stampIn(outputs.region, payments, username)).toBe(first);
    expect(await stampIn(REGION, second, username)).toBe(other);
  });
});
