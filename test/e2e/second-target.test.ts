import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { FilterLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs';
import {
  AdminListGroupsForUserCommand,
  DescribeUserPoolCommand,
  InitiateAuthCommand,
} from '@aws-sdk/client-cognito-identity-provider';
import { DynamoDBClient, GetItemCommand, ListTablesCommand } from '@aws-sdk/client-dynamodb';
import { EncryptCommand, KMSClient } from '@aws-sdk/client-kms';
import { beforeAll, describe, expect, it } from '@jest/globals';
import * as z from 'zod';
import { stackOutputs, type Target, targetsIn } from '../../cli/outputs.ts';
import { settings } from '../../cli/support/paths.ts';
import { encryptionContext } from '../../contracts/encryption-context.ts';
import { problem } from '../../contracts/problems.ts';
import { type ProvisioningStatus, provisioningStatus } from '../../contracts/status.ts';
import { busLog } from '../../infra/names.ts';
import { localApiUrl } from '../../local/api-url.ts';
import { eventually } from '../local-aws/support/eventually.ts';
import { configuration, machineToken, newRequest, outputs, system } from './support/deployed.ts';

/**
 * Two targets in the account and region of App2, deployed by the app of their team: payments adopts a user pool, and orders
 * shares the rate limits of payments. App1 does not know them.
 */

const execute = promisify(execFile);

let payments: Target;
let orders: Target;

beforeAll(async () => {
  const deploy = join(import.meta.dirname, 'support', 'payments', 'deploy.ts');
  const { stdout } = await execute(process.execPath, ['--import', 'tsx', deploy], {
    env: { ...process.env, LOCAL_AWS_DIR: settings().directory },
  });
  const stacks = z.record(z.string(), z.record(z.string(), z.string())).parse(JSON.parse(stdout));
  const found = targetsIn({ stackName: 'Payments', outputs: stacks['Payments'] ?? {} });
  const deployed = (name: string): Target => {
    const target = stackOutputs.Target.parse(found.get(name));
    return { ...target, api_url: localApiUrl(target.api_url, outputs.endpoint) };
  };
  payments = deployed('payments');
  orders = deployed('orders');
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
