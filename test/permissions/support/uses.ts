import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { FilterLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs';
import { AdminCreateUserCommand } from '@aws-sdk/client-cognito-identity-provider';
import {
  DeleteItemCommand,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { EncryptCommand, KMSClient } from '@aws-sdk/client-kms';
import {
  GetFunctionEventInvokeConfigCommand,
  InvokeCommand,
  LambdaClient,
  PutFunctionEventInvokeConfigCommand,
} from '@aws-sdk/client-lambda';
import {
  DescribeSecretCommand,
  GetSecretValueCommand,
  PutSecretValueCommand,
  RotateSecretCommand,
  SecretsManagerClient,
  UpdateSecretVersionStageCommand,
} from '@aws-sdk/client-secrets-manager';
import {
  DescribeExecutionCommand,
  DescribeStateMachineCommand,
  StartExecutionCommand,
  StopExecutionCommand,
  UpdateStateMachineCommand,
} from '@aws-sdk/client-sfn';
import {
  DeleteMessageCommand,
  GetQueueUrlCommand,
  ReceiveMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { expect } from '@jest/globals';
import * as z from 'zod';
import { provisioningAccepted } from '../../../contracts/app1-api.ts';
import { encryptionContext } from '../../../contracts/encryption-context.ts';
import { cleanOutcomes } from '../../../contracts/outcomes.ts';
import { provisioningStatus } from '../../../contracts/status.ts';
import { IN_FLIGHT_SECONDS } from '../../../contracts/time-limits.ts';
import { HIGH_WATER_MARKS } from '../../../handlers/shared/high-water-marks.ts';
import { rollBackName } from '../../../handlers/shared/roll-back-names.ts';
import { exhaustRateLimit, type RateLimit } from '../../../local/harness/exhaust-rate-limit.ts';
import { passwordWithoutSymbol } from '../../../local/harness/lax-policy.ts';
import type { ApiResponse, Machine } from '../../../local/system.ts';
import {
  configuration,
  encryptFor,
  machineToken,
  newName,
  newPassword,
  newRequest,
  outputs,
  restart,
  start,
  system,
  waitForCompletion,
} from '../../e2e/support/deployed.ts';
import { eventually } from '../../local-aws/support/eventually.ts';
import { executionArn, machineArn } from './machines.ts';
import type { Permission, Principal } from './permissions.ts';
import type { TargetName } from './targets.ts';

/**
 * A use of each function and each state machine that succeeds only with all its permissions. Where possible, the test
 * invokes the function itself, so that no other component can fail.
 */

const lambda = new LambdaClient(configuration);
const { stepFunctions, cognito, logs } = system.clients;

/** Invokes a function; returns its result. @throws Error that contains the name of the function's error */
async function invoke(FunctionName: string, event: unknown): Promise<unknown> {
  const { FunctionError, Payload } = await lambda.send(
    new InvokeCommand({ FunctionName, Payload: JSON.stringify(event) }),
  );
  const result: unknown = JSON.parse(Payload?.transformToString() ?? 'null');
  if (FunctionError !== undefined) throw new Error(`${FunctionName} failed: ${JSON.stringify(result)}`);
  return result;
}

async function startAt(machine: Machine, name: string, input: object): Promise<void> {
  await stepFunctions.send(
    new StartExecutionCommand({ stateMachineArn: machineArn(machine), name, input: JSON.stringify(input) }),
  );
}

const stop = (machine: Machine, name: string) =>
  stepFunctions.send(new StopExecutionCommand({ executionArn: executionArn(machine, name) }));

/** Input of the roll-backs of a provisioning, which the creations extend. */
const newInput = (provisioning_id: string = randomUUID()) => ({
  provisioning_id,
  creation_id: randomUUID() as string,
  username: newName('permission'),
  human_user_id: 'h-1',
  owner: 'the-owner',
});

async function encryptForApp1(id: string, username: string): Promise<string> {
  const { CiphertextBlob } = await new KMSClient(configuration).send(
    new EncryptCommand({
      KeyId: 'alias/app1-intake-key',
      Plaintext: Buffer.from(newPassword()),
      EncryptionContext: encryptionContext({ provisioning_id: id, username }, 'app1'),
    }),
  );
  return Buffer.from(CiphertextBlob ?? []).toString('base64');
}

/** Inputs of the two state machines that create users. */
const inputs = {
  async ProvisionServiceUser() {
    const input = newInput();
    const intake_ciphertext = await encryptForApp1(input.provisioning_id, input.username);
    return { ...input, targets: ['app2'], intake_ciphertext, request_mac: 'bWFj' };
  },
  async CreateServiceUser() {
    const input = newInput();
    const encrypted_password = await encryptFor(input.provisioning_id, input.username, newPassword());
    return { ...input, encrypted_password };
  },
};
type CreatingMachine = keyof typeof inputs;
const rollBackOf = {
  ProvisionServiceUser: 'RollBackProvisioning',
  CreateServiceUser: 'RollBackServiceUser',
} as const;

/** Starts an execution directly, without the APIs; returns its input. */
async function startDirectly(machine: CreatingMachine) {
  const input = await inputs[machine]();
  await startAt(machine, input.provisioning_id, input);
  return input;
}

/** Starts and stops an execution; starts another one if the first has finished before the stop. */
const abortExecution = (machine: CreatingMachine) =>
  eventually(async () => {
    const input = await startDirectly(machine);
    await stop(machine, input.provisioning_id);
    return input;
  });

/** Provisions a user; returns the id. */
async function provisionUser(): Promise<string> {
  const id = await start(newRequest());
  expect(await waitForCompletion(id)).toMatchObject({ status: 'SUCCEEDED' });
  return id;
}

/** Requests a provisioning that fails before its user is created; returns the id. */
async function failProvisioning(): Promise<string> {
  const id = await start(newRequest({ password: passwordWithoutSymbol() }));
  expect(await waitForCompletion(id)).toMatchObject({ status: 'FAILED' });
  return id;
}

let token: Promise<string> | undefined;
const withToken = () => {
  token ??= machineToken();
  return token;
};

/** Creates a user at App2, as App1 does, and waits for the outcome. */
async function createAtApp2(username = newName('permission')) {
  const { id, send } = await requestAtApp2(username);
  const { status } = await send('wait=15');
  expect(status).not.toBe('RUNNING');
  return { id, username, status };
}

/** Prepares a request to App2 that can be sent repeatedly. */
async function requestAtApp2(username = newName('permission')) {
  const id = randomUUID();
  const body = {
    username,
    encrypted_password: await encryptFor(id, username, newPassword()),
    human_user_id: 'h-1',
  };
  const send = async (Prefer: string) => {
    const headers = { 'Idempotency-Key': id, Prefer };
    const response = await system.app2('POST', '/admin/create-user', await withToken(), body, headers);
    expect([200, 202]).toContain(response.status);
    return provisioningStatus.parse(response.body);
  };
  return { id, send };
}

/** Errors of a state whose state machine lacks a permission. */
const DENIED = ['Lambda.AWSLambdaException', 'EventBridge.EventBridgeException'];

/** Waits until an execution has finished a state, or has attempted it. @throws Error if the state machine lacks a permission */
async function waitForAttempt(machine: Machine, id: string, state: string): Promise<void> {
  const denied = await eventually(async () => {
    const states = await system.states(machine, id);
    const deniedState = states.find(({ errors }) => errors.some((error) => DENIED.includes(error)));
    if (deniedState !== undefined) return deniedState.name;
    const run = states.find(({ name }) => name === state);
    if (run?.exitedAt === undefined && !run?.errors.length)
      throw new Error(`${machine} ${id} has not attempted ${state}.`);
    return undefined;
  }, 20_000);
  if (denied !== undefined) throw new Error(`${machine} lacks a permission for ${denied}.`);
}

/** State of an execution when its roll-back starts. */
const stateAtRollBack = { had_succeeded: true, failure: { step: 'Execution', error: 'Cancelled' } };

/** A user whose creation finished so long ago that no call can be in flight; created again after its removal. */
let earlierUser: Promise<{ id: string; username: string }> | undefined;
async function inputOfEarlierUser() {
  earlierUser ??= (async () => {
    const id = await start(newRequest());
    const { username = '' } = await waitForCompletion(id);
    await setTimeout((IN_FLIGHT_SECONDS + 1) * 1000);
    return { id, username };
  })();
  const { id, username } = await earlierUser;
  const creation_id = (await system.generationOf('CreateServiceUser', id)) ?? '';
  if ((await system.user(username)) === undefined)
    await createStampedUser({ provisioning_id: id, creation_id, username });
  return {
    provisioning_id: id,
    creation_id,
    username,
    human_user_id: 'h-1',
    owner: 'the-owner',
    ...stateAtRollBack,
  };
}

interface OwnershipStamp {
  provisioning_id: string;
  creation_id: string;
  username: string;
}

/** Creates a user as CreateUser does; returns its `sub`. */
async function createStampedUser({
  provisioning_id,
  creation_id,
  username: Username,
}: OwnershipStamp): Promise<string> {
  const { User } = await cognito.send(
    new AdminCreateUserCommand({
      UserPoolId: outputs.app2.user_pool_id,
      Username,
      MessageAction: 'SUPPRESS',
      UserAttributes: Object.entries({
        provisioning_id,
        creation_id,
        human_user_id: 'h-1',
        owner: 'the-owner',
      }).map(([name, Value]) => ({ Name: `custom:${name}`, Value })),
    }),
  );
  return User?.Attributes?.find(({ Name }) => Name === 'sub')?.Value ?? '';
}

/** Invokes the function of a custom resource, and expects its success response to CloudFormation. */
async function invokeCustomResource(FunctionName: string, RequestType: 'Create' | 'Delete'): Promise<void> {
  const received: string[] = [];
  const server = createServer((request, response) => {
    request.on('data', (part: Buffer) => received.push(part.toString('utf8')));
    request.on('end', () => response.end());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const { port } = server.address() as AddressInfo; // a server that listens on a port has one
    await invoke(FunctionName, {
      RequestType,
      ResponseURL: `http://127.0.0.1:${port}/`,
      StackId: 's',
      RequestId: 'r',
      LogicalResourceId: 'l',
      // No retry can succeed without the permission.
      ResourceProperties: { RetrySeconds: '1' },
      PhysicalResourceId: 'machine-user-of-app1',
    });
  } finally {
    server.close();
  }
  expect(JSON.parse(received.join(''))).toMatchObject({ Status: 'SUCCESS' });
}

const dynamoDb = new DynamoDBClient(configuration);
const CALLBACKS = 'app1-callbacks';
const LIMITS = 'app2-rate-limits';
const reservedStart = z.object({ start_at: z.iso.datetime() });

/** Runs a function while the next free start of these limits is some seconds ahead. */
async function withExhaustedLimits<Result>(
  limits: readonly RateLimit[],
  seconds: number,
  run: () => Promise<Result>,
): Promise<Result> {
  const restore = await Promise.all(limits.map((limit) => exhaustRateLimit(outputs, limit, seconds)));
  try {
    return await run();
  } finally {
    await Promise.all(restore.map((restoreLimit) => restoreLimit()));
  }
}

/** Above the limit of polls, App1 waits for a notification, which never arrives because the rules are disabled. */
const withoutNotification = <Result>(run: () => Promise<Result>): Promise<Result> =>
  withExhaustedLimits(['status-polls'], 3_600, run);

/** Waits until the task token of a provisioning is registered, and its creation has finished. */
async function waitForRegisteredTask(id: string): Promise<void> {
  const Key = { provisioning_id: { S: id }, target: { S: 'app2' } };
  await eventually(async () => {
    const { Item } = await dynamoDb.send(new GetItemCommand({ TableName: CALLBACKS, Key }));
    if (Item?.['task_token']?.B === undefined) throw new Error(`${id} has no registered task token.`);
    if ((await system.executionStatus('CreateServiceUser', id)) === 'RUNNING')
      throw new Error(`${id} still runs at App2.`);
  }, 20_000);
}

/** Starts provisionings that wait for a notification: one whose creation succeeds, and one whose name is in use. */
async function startWaitingProvisionings(): Promise<string[]> {
  const existing = newRequest();
  await waitForCompletion(await start(existing));
  return withoutNotification(async () => {
    const ids = [await start(newRequest()), await start(newRequest({ username: existing.username }))];
    await Promise.all(ids.map(waitForRegisteredTask));
    return ids;
  });
}

/** Expects the first provisioning to succeed and the second one to fail. */
async function expectOutcomes([succeeding = '', failing = '']: string[]): Promise<void> {
  expect(await waitForCompletion(succeeding)).toMatchObject({ status: 'SUCCEEDED' });
  expect(await waitForCompletion(failing)).toMatchObject({ status: 'FAILED' });
}

/** Expects that App1 counts a call of DescribeExecution. The limiter fails open, so only its table shows the permission. */
async function expectCountedDescribe(run: () => Promise<unknown>): Promise<void> {
  const limit = { TableName: 'app1-rate-limits', Key: { name: { S: 'describes' } } };
  await dynamoDb.send(new DeleteItemCommand(limit));
  await run();
  expect((await dynamoDb.send(new GetItemCommand(limit))).Item).toBeDefined();
}

/** Writes an estimate of a waiting provisioning into App1's table, and expects it in a response. */
async function expectEstimate(id: string, send: () => Promise<ApiResponse>): Promise<void> {
  const estimate = new Date().toISOString();
  await dynamoDb.send(
    new UpdateItemCommand({
      TableName: CALLBACKS,
      Key: { provisioning_id: { S: id }, target: { S: 'app2' } },
      UpdateExpression: 'SET estimated_end_at = :at',
      ExpressionAttributeValues: { ':at': { S: estimate } },
    }),
  );
  expect((await send()).body).toMatchObject({ estimated_end_at: estimate });
}

const stopStep = (FunctionName: string, machine: CreatingMachine) => async () => {
  const input = await startDirectly(machine);
  const entered_at = new Date().toISOString();
  expect(await invoke(FunctionName, { ...input, ...stateAtRollBack, entered_at })).toMatchObject({
    had_succeeded: false,
  });
};

const sweepReport = z.object({ known_clean: z.int() });

/** The table of the sweep of a function's service. */
const sweepTableOf = (FunctionName: string) => `${FunctionName.slice(0, 4)}-sweep`;

/** Handles an execution that was stopped, and one that failed cleanly. */
const handleStatusChanges = (FunctionName: string, machine: CreatingMachine) => async () => {
  const { provisioning_id: name } = await abortExecution(machine);
  const event = { detail: { name, status: 'ABORTED' } };
  expect(await invoke(FunctionName, event)).toEqual({ finding: 'started' });
  const [error] = cleanOutcomes[machine === 'ProvisionServiceUser' ? 'app1' : 'app2'];
  const clean = { name: randomUUID(), status: 'FAILED', error, stopDate: Date.now() };
  await invoke(FunctionName, { detail: clean });
  const { Item } = await dynamoDb.send(
    new GetItemCommand({ TableName: sweepTableOf(FunctionName), Key: { id: { S: clean.name } } }),
  );
  expect(Item).toMatchObject({ stopped_at: { N: String(clean.stopDate) } });
};

/** Leaves an execution that failed cleanly, with its record: its ciphertext cannot be decrypted. */
async function leaveCleanFailure(FunctionName: string, machine: CreatingMachine): Promise<void> {
  const input = {
    ...(await inputs[machine]()),
    targets: ['app2'],
    intake_ciphertext: 'bm9uZQ==',
    encrypted_password: 'bm9uZQ==',
  };
  await startAt(machine, input.provisioning_id, input);
  const stopped = await eventually(async () => {
    const { status, stopDate } = await stepFunctions.send(
      new DescribeExecutionCommand({ executionArn: executionArn(machine, input.provisioning_id) }),
    );
    if (status === 'RUNNING' || stopDate === undefined) throw new Error(`${machine} is still RUNNING.`);
    return stopDate.getTime();
  }, 60_000);
  await dynamoDb.send(
    new PutItemCommand({
      TableName: sweepTableOf(FunctionName),
      Item: { id: { S: input.provisioning_id }, stopped_at: { N: String(stopped) } },
    }),
  );
}

/** Runs a sweep that finds an execution without a roll-back, a stopped roll-back, and a clean failure. */
const runSweep = (FunctionName: string, machine: CreatingMachine) => async () => {
  await leaveCleanFailure(FunctionName, machine);
  const { provisioning_id: missed } = await abortExecution(machine);
  const rollBack = rollBackOf[machine];
  const input = { ...newInput(), ...stateAtRollBack };
  const first = rollBackName(input, 1);
  await startAt(rollBack, first, input);
  await stop(rollBack, first);
  expect(sweepReport.parse(await invoke(FunctionName, {})).known_clean).toBeGreaterThan(0);
  for (const name of [missed, rollBackName(input, 2)])
    expect([name, await system.executionStatus(rollBack, name)]).toEqual([name, expect.any(String)]);
};

/** Expects that the timeline of a status contains these workflows. */
function expectWorkflows(status: unknown, workflows: string[]): void {
  const { timeline = [] } = provisioningStatus.parse(status);
  expect(timeline.map(({ workflow }) => workflow)).toEqual(expect.arrayContaining(workflows));
}

/** Has App1 sign in at a target. A warm function has a cached token. */
async function authenticateAt(target: TargetName): Promise<void> {
  await restart('app1-call-target');
  expect(await invoke('app1-call-target', { action: 'Authenticate', target })).toHaveProperty('expires_at');
}

const secrets = new SecretsManagerClient(configuration);
const SecretId = outputs.app2.credentials_secret_arn;

/** Cancels a rotation that has not finished: it would block the next one. */
async function cancelRotation(): Promise<void> {
  const { VersionIdsToStages = {} } = await secrets.send(new DescribeSecretCommand({ SecretId }));
  for (const [RemoveFromVersionId, stages] of Object.entries(VersionIdsToStages))
    if (stages.includes('AWSPENDING') && !stages.includes('AWSCURRENT'))
      await secrets.send(
        new UpdateSecretVersionStageCommand({ SecretId, VersionStage: 'AWSPENDING', RemoveFromVersionId }),
      );
}

/**
 * Rotates App1's credentials, as the schedule does. The last step is repeated directly, because it continues after the
 * version has become current.
 * @throws Error if a step fails
 */
async function rotate(): Promise<void> {
  await cancelRotation();
  const FunctionName = 'app2-rotate-machine-user';
  const log = { logGroupName: `/aws/lambda/${FunctionName}`, startTime: Date.now() };
  const { VersionId: ClientRequestToken = '' } = await secrets.send(new RotateSecretCommand({ SecretId }));
  const failed = await eventually(async () => {
    const { events = [] } = await logs.send(
      new FilterLogEventsCommand({ ...log, filterPattern: '"Step failed"' }),
    );
    if (events.length > 0) return true;
    const { VersionIdsToStages = {} } = await secrets.send(new DescribeSecretCommand({ SecretId }));
    expect(VersionIdsToStages[ClientRequestToken]).toContain('AWSCURRENT');
    return false;
  }, 20_000);
  if (failed) throw new Error('A step of the rotation has failed.');
  await invoke(FunctionName, { SecretId, ClientRequestToken, Step: 'finishSecret' });
}

/** The use of each function, by its name; a function that only needs to write its log is absent. */
const functionUses: Record<string, (target: TargetName) => Promise<unknown>> = {
  'app1-call-target': async () => {
    await authenticateAt('app2');
    const waiting = await startWaitingProvisionings();
    for (const provisioning_id of waiting)
      await invoke('app1-call-target', {
        action: 'ResumeProvisioning',
        target: 'app2',
        provisioning_id,
      });
    await expectOutcomes(waiting);
  },
  'app1-encrypt-credentials': async (target) =>
    invoke('app1-encrypt-credentials', { ...(await inputs.ProvisionServiceUser()), target }),
  'app1-start-provisioning': async () => {
    const request = newRequest();
    const key = { 'Idempotency-Key': randomUUID() };
    await waitForCompletion(await start(request, key));
    await expectCountedDescribe(() => system.provision(request, key));
    const { status, body } = await system.provision(request, key);
    expect([status, body]).toEqual([202, expect.objectContaining({ status: 'SUCCEEDED' })]);
    // Only a repeat that waits contains the presence of the user.
    const waited = await system.provision(request, { ...key, Prefer: 'wait=1' });
    expect([waited.status, waited.body]).toEqual([200, expect.objectContaining({ user: 'present' })]);
    const other = newRequest();
    const otherKey = { 'Idempotency-Key': randomUUID() };
    const id = await withoutNotification(() => start(other, otherKey));
    await expectEstimate(id, () => system.provision(other, otherKey));
    await system.deprovision(id);
  },
  'app1-retry-provisioning': async () => {
    const failed = await failProvisioning();
    await expectCountedDescribe(() => system.retry(randomUUID()));
    const first = await system.retry(failed);
    expect(first.status).toBe(202);
    const repeated = await system.retry(failed);
    expect([repeated.status, repeated.body]).toEqual([
      202,
      expect.objectContaining({ provisioning_id: provisioningAccepted.parse(first.body).provisioning_id }),
    ]);
    const queued = await failProvisioning();
    const second = await withoutNotification(() => system.retry(queued));
    await expectEstimate(provisioningAccepted.parse(second.body).provisioning_id, () => system.retry(queued));
    // A retry after a roll-back reads the roll-back, too.
    const removed = await provisionUser();
    await eventually(async () => {
      expect((await system.deprovision(removed, { Prefer: 'wait=20' })).status).toBe(204);
    }, 120_000);
    expect((await system.retry(removed)).status).toBe(202);
  },
  'app1-get-provisioning': async () => {
    const id = await provisionUser();
    await system.deprovision(id);
    await expectCountedDescribe(() => system.status(id));
    const { status, body } = await system.status(id, {}, '?include=timeline');
    expect(status).toBe(200);
    expectWorkflows(body, ['ProvisionServiceUser', 'RollBackProvisioning', 'CreateServiceUser']);
    const waiting = await withoutNotification(() => start(newRequest()));
    await expectEstimate(waiting, () => system.status(waiting));
    await system.deprovision(waiting);
  },
  'app1-cancel-provisioning': async () => {
    const id = await provisionUser();
    await expectCountedDescribe(() => system.deprovision(randomUUID()));
    expect([202, 204]).toContain((await system.deprovision(id)).status);
  },
  'app1-stop-provisioning': stopStep('app1-stop-provisioning', 'ProvisionServiceUser'),
  'app1-start-roll-back': handleStatusChanges('app1-start-roll-back', 'ProvisionServiceUser'),
  'app1-sweep-provisionings': runSweep('app1-sweep-provisionings', 'ProvisionServiceUser'),

  'app2-start-user-creation': async () => {
    const first = await requestAtApp2();
    expect(await first.send('wait=15')).toMatchObject({ status: 'SUCCEEDED' });
    expect(await first.send('wait=15')).toMatchObject({ status: 'SUCCEEDED' });
    const queued = await requestAtApp2();
    expect(
      await withExhaustedLimits(['creations', 'express-creations'], 60, () => queued.send('respond-async')),
    ).toMatchObject({
      status: 'RUNNING',
      estimated_end_at: expect.any(String),
    });
    const notified = await requestAtApp2();
    expect(
      await withExhaustedLimits(['status-polls'], 60, () => notified.send('respond-async, wait=15')),
    ).toMatchObject({ status: 'RUNNING' });
  },
  'app2-notify-completion': async () => {
    const input = await inputs.CreateServiceUser();
    await invoke('app2-notify-completion', { detail: { input: JSON.stringify(input) } });
  },
  'app2-get-user-creation': async () => {
    const { id } = await createAtApp2();
    const path = `/admin/create-user/${id}`;
    await system.app2('DELETE', path, await withToken());
    const { status, body } = await system.app2('GET', `${path}?include=timeline`, await withToken());
    expect(status).toBe(200);
    expectWorkflows(body, ['CreateServiceUser', 'RollBackServiceUser']);
    const finished = await createAtApp2();
    const byName = `/admin/create-user/${finished.id}?username=${finished.username}`;
    expect((await system.app2('GET', byName, await withToken())).body).toMatchObject({ user: 'present' });
  },
  'app2-cancel-user-creation': async () => {
    const cancel = async (id: string) =>
      (await system.app2('DELETE', `/admin/create-user/${id}?username=unknown-user`, await withToken()))
        .status;
    expect([202, 204]).toContain(await cancel(randomUUID()));
    expect([202, 204]).toContain(await cancel((await createAtApp2()).id));
  },
  // The limiter fails open, so only the reserved start time shows the permission.
  'app2-decrypt-credentials': async () => {
    const input = await inputs.CreateServiceUser();
    await withExhaustedLimits(['creations', 'express-creations'], 60, async () => {
      const first = await invoke('app2-decrypt-credentials', input);
      expect(Date.parse(reservedStart.parse(first).start_at)).toBeGreaterThan(Date.now() + 20_000);
      expect(await invoke('app2-decrypt-credentials', input)).toEqual(first);
    });
  },
  'app2-create-user': async () => {
    const run = { on_behalf_of: null, redrive_count: 0 };
    expect(await invoke('app2-create-user', { ...newInput(), ...run })).toHaveProperty('sub');
    const { username } = await createAtApp2();
    await expect(invoke('app2-create-user', { ...newInput(), ...run, username })).rejects.toThrow(
      'UserAlreadyExists',
    );
  },
  'app2-set-password': async () => {
    const input = await inputs.CreateServiceUser();
    const sub = await createStampedUser(input);
    await invoke('app2-set-password', { ...input, sub });
  },
  'app2-add-to-group': async () => {
    const created = newInput();
    const input = { provisioning_id: created.provisioning_id, sub: await createStampedUser(created) };
    await invoke('app2-add-to-group', input);
    const throttled = withExhaustedLimits(['group-changes'], 3_600, () => invoke('app2-add-to-group', input));
    await expect(throttled).rejects.toThrow('ServiceThrottled');
  },
  'app2-delete-user': async () => {
    const input = newInput();
    const sub = await createStampedUser(input);
    const entered_at = new Date().toISOString();
    await invoke('app2-delete-user', { ...input, sub, creation_in_flight: false, entered_at });
  },
  'app2-stop-user-creation': async () => {
    const input = await startDirectly('CreateServiceUser');
    const { creation_id, owner } = input;
    const start_at = { N: String(Date.now() + 60_000) };
    const name = { S: `reservation:app2:${creation_id}` };
    const caller = { S: `${owner}-${creation_id}` };
    await dynamoDb.send(new PutItemCommand({ TableName: LIMITS, Item: { name, start_at, caller } }));
    const entered_at = new Date().toISOString();
    expect(
      await invoke('app2-stop-user-creation', { ...input, ...stateAtRollBack, entered_at }),
    ).toMatchObject({
      had_succeeded: false,
    });
    const itemOf = async (key: string) =>
      (await dynamoDb.send(new GetItemCommand({ TableName: LIMITS, Key: { name: { S: key } } }))).Item;
    expect(await itemOf(name.S)).toBeUndefined();
    expect(await itemOf(`caller:${caller.S}`)).toBeDefined();
  },
  'app2-start-roll-back': handleStatusChanges('app2-start-roll-back', 'CreateServiceUser'),
  'app2-sweep-user-creations': runSweep('app2-sweep-user-creations', 'CreateServiceUser'),
  'app2-revoke-machine-credentials': async () => {
    await cancelRotation();
    // The revocation first cancels an abandoned rotation.
    const { SecretString } = await secrets.send(new GetSecretValueCommand({ SecretId }));
    await secrets.send(
      new PutSecretValueCommand({
        SecretId,
        ClientRequestToken: randomUUID(),
        SecretString,
        VersionStages: ['AWSPENDING'],
      }),
    );
    await invoke('app2-revoke-machine-credentials', {});
  },
  'app2-issue-machine-user': async () => {
    await invokeCustomResource('app2-issue-machine-user', 'Create');
    await invokeCustomResource('app2-issue-machine-user', 'Delete');
    await invokeCustomResource('app2-issue-machine-user', 'Create');
  },
  // The second rotation revokes the user of the version before the previous one.
  'app2-rotate-machine-user': async () => {
    await rotate();
    await rotate();
  },
};

const machineUses: Record<Machine, () => Promise<unknown>> = {
  ProvisionServiceUser: async () => {
    await waitForAttempt('ProvisionServiceUser', await start(newRequest()), 'PublishProvisioned');
  },
  CreateServiceUser: async () => {
    const created = await startDirectly('CreateServiceUser');
    await waitForAttempt('CreateServiceUser', created.provisioning_id, 'PublishUserCreated');
    const second = randomUUID();
    const encrypted_password = await encryptFor(second, created.username, newPassword());
    await startAt('CreateServiceUser', second, { ...created, provisioning_id: second, encrypted_password });
    await waitForAttempt('CreateServiceUser', second, 'DeleteUser');
  },
  RollBackProvisioning: async () => {
    const name = randomUUID();
    await startAt('RollBackProvisioning', name, { ...(await inputOfEarlierUser()), targets: ['app2'] });
    await waitForAttempt('RollBackProvisioning', name, 'PublishDeprovisioned');
  },
  RollBackServiceUser: async () => {
    const name = randomUUID();
    await startAt('RollBackServiceUser', name, await inputOfEarlierUser());
    await waitForAttempt('RollBackServiceUser', name, 'PublishUserRemoved');
  },
};

/** Expects that a function writes its log, even if the invocation fails. */
async function expectLog(FunctionName: string): Promise<void> {
  const startTime = Date.now();
  await lambda.send(new InvokeCommand({ FunctionName, Payload: '{}' }));
  const { events = [] } = await logs.send(
    new FilterLogEventsCommand({ logGroupName: `/aws/lambda/${FunctionName}`, startTime }),
  );
  expect(events.length).toBeGreaterThan(0);
}

/** Expects that the event of a failed asynchronous invocation is sent to the dead-letter queue of the service. */
async function expectDeadLetter(FunctionName: string): Promise<void> {
  const latest = { FunctionName, Qualifier: '$LATEST' };
  const { DestinationConfig } = await lambda.send(new GetFunctionEventInvokeConfigCommand(latest));
  await lambda.send(
    new PutFunctionEventInvokeConfigCommand({ ...latest, DestinationConfig, MaximumRetryAttempts: 0 }),
  );
  const state = { TableName: sweepTableOf(FunctionName), Key: { id: { S: HIGH_WATER_MARKS } } };
  await dynamoDb.send(
    new PutItemCommand({ TableName: state.TableName, Item: { ...state.Key, state: { S: 'no state' } } }),
  );
  const event = { sent: randomUUID() };
  await lambda.send(
    new InvokeCommand({ FunctionName, InvocationType: 'Event', Payload: JSON.stringify(event) }),
  );
  const sqs = new SQSClient(configuration);
  const { QueueUrl } = await sqs.send(
    new GetQueueUrlCommand({ QueueName: `${FunctionName.slice(0, 4)}-dead-letter-queue` }),
  );
  const { Messages: [message] = [] } = await sqs.send(
    new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 3 }),
  );
  await dynamoDb.send(new DeleteItemCommand(state));
  expect(message?.Body).toContain(event.sent);
  expect(message?.Body).toContain(`:function:${FunctionName}`);
  await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: message?.ReceiptHandle }));
}

/** Updates a state machine: Step Functions creates the log delivery when a state machine is created or updated. */
async function updateLogging(machine: Machine): Promise<void> {
  const stateMachineArn = machineArn(machine);
  const { loggingConfiguration, roleArn } = await stepFunctions.send(
    new DescribeStateMachineCommand({ stateMachineArn }),
  );
  await stepFunctions.send(new UpdateStateMachineCommand({ stateMachineArn, roleArn, loggingConfiguration }));
}

/** Runs the use of a principal that requires an action. @throws Error if a part of it fails */
export async function use({
  principal,
  action,
  target,
}: Pick<Permission, 'principal' | 'action' | 'target'>): Promise<void> {
  if ('machine' in principal)
    return action.startsWith('logs:')
      ? updateLogging(principal.machine)
      : void (await machineUses[principal.machine]());
  const name = principal.function;
  if (action.startsWith('logs:')) return expectLog(name);
  if (action === 'sqs:SendMessage') return expectDeadLetter(name);
  if (name === 'app1-call-target' && target !== undefined) return authenticateAt(target);
  const run = functionUses[name];
  if (run === undefined) throw new Error(`There is no use of ${name}.`);
  await run(target ?? 'app2');
}

/** Restores the machine user, which a function without a permission may have removed without issuing a new one. */
export async function restore(principal: Principal): Promise<void> {
  if ('function' in principal && principal.function === 'app2-issue-machine-user')
    await invokeCustomResource('app2-issue-machine-user', 'Create');
}
