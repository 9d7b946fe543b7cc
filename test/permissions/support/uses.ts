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
import { completionNotification } from '../../../contracts/notification.ts';
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
import type { Bearer, Right } from './permissions.ts';

/**
 * For each function and each machine: something that works only while it has all its permissions. Functions are called
 * themselves where that is possible, so that nothing else can fail.
 */

const lambda = new LambdaClient(configuration);
const { stepFunctions, cognito, logs } = system.clients;

/** Calls a function; an error that it throws is thrown, under its own name. */
async function call(FunctionName: string, event: unknown): Promise<unknown> {
  const { FunctionError, Payload } = await lambda.send(
    new InvokeCommand({ FunctionName, Payload: JSON.stringify(event) }),
  );
  const answer: unknown = JSON.parse(Payload?.transformToString() ?? 'null');
  if (FunctionError !== undefined) throw new Error(`${FunctionName} failed: ${JSON.stringify(answer)}`);
  return answer;
}

async function startAt(machine: Machine, name: string, input: object): Promise<void> {
  await stepFunctions.send(
    new StartExecutionCommand({ stateMachineArn: machineArn(machine), name, input: JSON.stringify(input) }),
  );
}

const stop = (machine: Machine, name: string) =>
  stepFunctions.send(new StopExecutionCommand({ executionArn: executionArn(machine, name) }));

/** What the roll-backs of a provisioning are started with, and more. */
const subjectOf = (provisioning_id: string = randomUUID()) => ({
  provisioning_id,
  creation_id: randomUUID() as string,
  username: newName('right'),
  human_user_id: 'h-1',
  owner: 'the-owner',
});

async function sealForApp1(id: string, username: string): Promise<string> {
  const { CiphertextBlob } = await new KMSClient(configuration).send(
    new EncryptCommand({
      KeyId: 'alias/app1-intake-key',
      Plaintext: Buffer.from(newPassword()),
      EncryptionContext: encryptionContext({ provisioning_id: id, username }, 'app1'),
    }),
  );
  return Buffer.from(CiphertextBlob ?? []).toString('base64');
}

/** Inputs of the two machines that make users. */
const inputs = {
  async ProvisionServiceUser() {
    const subject = subjectOf();
    const intake_ciphertext = await sealForApp1(subject.provisioning_id, subject.username);
    return { ...subject, intake_ciphertext, request_mac: 'bWFj' };
  },
  async CreateServiceUser() {
    const subject = subjectOf();
    const encrypted_password = await encryptFor(subject.provisioning_id, subject.username, newPassword());
    return { ...subject, encrypted_password };
  },
};
type Maker = keyof typeof inputs;
const rollBackOf = {
  ProvisionServiceUser: 'RollBackProvisioning',
  CreateServiceUser: 'RollBackServiceUser',
} as const;

/** An execution that runs, of which nobody has heard. */
async function running(machine: Maker) {
  const input = await inputs[machine]();
  await startAt(machine, input.provisioning_id, input);
  return input;
}

/** An execution that was stopped. One that ends before the stop arrives makes room for another. */
const aborted = (machine: Maker) =>
  eventually(async () => {
    const input = await running(machine);
    await stop(machine, input.provisioning_id);
    return input;
  });

/** A provisioning that has ended well. */
async function provisioned(): Promise<string> {
  const id = await start(newRequest());
  expect(await waitForCompletion(id)).toMatchObject({ status: 'SUCCEEDED' });
  return id;
}

/** A provisioning that was refused before anything was made. */
async function rejected(): Promise<string> {
  const id = await start(newRequest({ password: passwordWithoutSymbol() }));
  expect(await waitForCompletion(id)).toMatchObject({ status: 'FAILED' });
  return id;
}

let token: Promise<string> | undefined;
const withToken = () => {
  token ??= machineToken();
  return token;
};

/** Asks App2 for a user, as App1 does, and waits for the end. */
async function createdAtApp2(username = newName('right')) {
  const { id, ask } = await requestAtApp2(username);
  const { status } = await ask('wait=15');
  expect(status).not.toBe('RUNNING');
  return { id, username, status };
}

/** A request to App2 that can be sent again and again. */
async function requestAtApp2(username = newName('right')) {
  const id = randomUUID();
  const body = {
    username,
    encrypted_password: await encryptFor(id, username, newPassword()),
    human_user_id: 'h-1',
  };
  const ask = async (Prefer: string) => {
    const headers = { 'Idempotency-Key': id, Prefer };
    const answer = await system.app2('POST', '/admin/create-user', await withToken(), body, headers);
    expect([200, 202]).toContain(answer.status);
    return provisioningStatus.parse(answer.body);
  };
  return { id, ask };
}

/** What a state's error is called when the machine had no right to do it. */
const DENIED = ['Lambda.AWSLambdaException', 'EventBridge.EventBridgeException'];

/** Waits until a machine has done a state, or at least called what it is made of. */
async function does(machine: Machine, id: string, state: string): Promise<void> {
  const denied = await eventually(async () => {
    const states = await system.states(machine, id);
    const refused = states.find(({ errors }) => errors.some((error) => DENIED.includes(error)));
    if (refused !== undefined) return refused.name;
    const done = states.find(({ name }) => name === state);
    if (done?.exitedAt === undefined && !done?.errors.length)
      throw new Error(`${machine} ${id} has not come to ${state}.`);
    return undefined;
  }, 20_000);
  if (denied !== undefined) throw new Error(`${machine} may not do ${denied}.`);
}

/** How an execution stood when its roll-back was started. */
const stood = { had_succeeded: true, failure: { step: 'Execution', error: 'Cancelled' } };

/** A user whose creation ended so long ago that nothing of it can be under way; made again when it was removed. */
let old: Promise<{ id: string; username: string }> | undefined;
async function oldUser() {
  old ??= (async () => {
    const id = await start(newRequest());
    const { username = '' } = await waitForCompletion(id);
    await setTimeout((IN_FLIGHT_SECONDS + 1) * 1000);
    return { id, username };
  })();
  const { id, username } = await old;
  const creation_id = (await system.generationOf('CreateServiceUser', id)) ?? '';
  if ((await system.user(username)) === undefined)
    await stamped({ provisioning_id: id, creation_id, username });
  return { provisioning_id: id, creation_id, username, human_user_id: 'h-1', owner: 'the-owner', ...stood };
}

interface Stamped {
  provisioning_id: string;
  creation_id: string;
  username: string;
}

/** A user as CreateUser makes it. */
async function stamped({ provisioning_id, creation_id, username: Username }: Stamped): Promise<string> {
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

/** Calls the function behind a custom resource; what it answers to CloudFormation. */
async function customResource(FunctionName: string, RequestType: 'Create' | 'Delete'): Promise<void> {
  const told: string[] = [];
  const server = createServer((request, response) => {
    request.on('data', (part: Buffer) => told.push(part.toString('utf8')));
    request.on('end', () => response.end());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const { port } = server.address() as AddressInfo; // a server that listens on a port has one
    await call(FunctionName, {
      RequestType,
      ResponseURL: `http://127.0.0.1:${port}/`,
      StackId: 's',
      RequestId: 'r',
      LogicalResourceId: 'l',
      // A right that is taken away stays away.
      ResourceProperties: { RetrySeconds: '1' },
      PhysicalResourceId: 'machine-user-of-app1',
    });
  } finally {
    server.close();
  }
  expect(JSON.parse(told.join(''))).toMatchObject({ Status: 'SUCCESS' });
}

const dynamoDb = new DynamoDBClient(configuration);
const CALLBACKS = 'app1-callbacks';
const LIMITS = 'app2-rate-limits';
const reservedStart = z.object({ start_at: z.iso.datetime() });

/** Runs something while the next free start of these limits is so far away, in seconds. */
async function whileExhausted<Result>(
  limits: readonly RateLimit[],
  seconds: number,
  run: () => Promise<Result>,
): Promise<Result> {
  const restore = await Promise.all(limits.map((limit) => exhaustRateLimit(outputs, limit, seconds)));
  try {
    return await run();
  } finally {
    await Promise.all(restore.map((one) => one()));
  }
}

/** Above the limit of polls App1 waits for a notification; and the rules are off, so none arrives. */
const unnotified = <Result>(run: () => Promise<Result>): Promise<Result> =>
  whileExhausted(['status-polls'], 3_600, run);

/** Waits until the task of a provisioning is registered, and its creation has finished. */
async function waitingTask(id: string): Promise<void> {
  const Key = { provisioning_id: { S: id } };
  await eventually(async () => {
    const { Item } = await dynamoDb.send(new GetItemCommand({ TableName: CALLBACKS, Key }));
    if (Item?.['task_token']?.B === undefined) throw new Error(`${id} does not wait.`);
    if ((await system.executionStatus('CreateServiceUser', id)) === 'RUNNING')
      throw new Error(`${id} is running at App2.`);
  }, 20_000);
}

/** Provisionings that wait for a notification: one whose creation succeeds, and one whose name is taken. */
async function waitingOnes(): Promise<string[]> {
  const taken = newRequest();
  await waitForCompletion(await start(taken));
  return unnotified(async () => {
    const ids = [await start(newRequest()), await start(newRequest({ username: taken.username }))];
    await Promise.all(ids.map(waitingTask));
    return ids;
  });
}

/** Waits until two provisionings have ended, one well and one not. */
async function bothEnd([good = '', bad = '']: string[]): Promise<void> {
  expect(await waitForCompletion(good)).toMatchObject({ status: 'SUCCEEDED' });
  expect(await waitForCompletion(bad)).toMatchObject({ status: 'FAILED' });
}

/** Waits for what App1 has counted of its caller's looks: the limiter fails open, and nothing else would show it. */
async function countsLooks(run: () => Promise<unknown>): Promise<void> {
  const limit = { TableName: 'app1-rate-limits', Key: { name: { S: 'describes' } } };
  await dynamoDb.send(new DeleteItemCommand(limit));
  await run();
  expect((await dynamoDb.send(new GetItemCommand(limit))).Item).toBeDefined();
}

/** Has App1 know when the end of a provisioning that waits is to be expected, and looks for it in an answer. */
async function tellsEstimate(id: string, ask: () => Promise<ApiResponse>): Promise<void> {
  const estimate = new Date().toISOString();
  await dynamoDb.send(
    new UpdateItemCommand({
      TableName: CALLBACKS,
      Key: { provisioning_id: { S: id } },
      UpdateExpression: 'SET estimated_end_at = :at',
      ExpressionAttributeValues: { ':at': { S: estimate } },
    }),
  );
  expect((await ask()).body).toMatchObject({ estimated_end_at: estimate });
}

const stopping = (FunctionName: string, machine: Maker) => async () => {
  const input = await running(machine);
  const entered_at = new Date().toISOString();
  expect(await call(FunctionName, { ...input, ...stood, entered_at })).toMatchObject({
    had_succeeded: false,
  });
};

const sweepFound = z.object({ known_clean: z.int() });

/** Table of the sweep of a function's service. */
const sweepTableOf = (FunctionName: string) => `${FunctionName.slice(0, 4)}-sweep`;

/** What the function of the rule does with an execution that was stopped, and with one that failed clean. */
const watching = (FunctionName: string, machine: Maker) => async () => {
  const { provisioning_id: name } = await aborted(machine);
  const event = { detail: { name, status: 'ABORTED' } };
  expect(await call(FunctionName, event)).toEqual({ finding: 'started' });
  const [error] = cleanOutcomes[machine === 'ProvisionServiceUser' ? 'app1' : 'app2'];
  const clean = { name: randomUUID(), status: 'FAILED', error, stopDate: Date.now() };
  await call(FunctionName, { detail: clean });
  const { Item } = await dynamoDb.send(
    new GetItemCommand({ TableName: sweepTableOf(FunctionName), Key: { id: { S: clean.name } } }),
  );
  expect(Item).toMatchObject({ stopped_at: { N: String(clean.stopDate) } });
};

/** An execution that has failed clean, recorded as such: what it was asked to unseal cannot be unsealed. */
async function failedClean(FunctionName: string, machine: Maker): Promise<void> {
  const input = {
    ...(await inputs[machine]()),
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

/** A sweep that finds an execution without a roll-back, a roll-back that was stopped, and one that failed clean. */
const sweeping = (FunctionName: string, machine: Maker) => async () => {
  await failedClean(FunctionName, machine);
  const { provisioning_id: missed } = await aborted(machine);
  const rollBack = rollBackOf[machine];
  const input = { ...subjectOf(), ...stood };
  const first = rollBackName(input, 1);
  await startAt(rollBack, first, input);
  await stop(rollBack, first);
  expect(sweepFound.parse(await call(FunctionName, {})).known_clean).toBeGreaterThan(0);
  for (const name of [missed, rollBackName(input, 2)])
    expect([name, await system.executionStatus(rollBack, name)]).toEqual([name, expect.any(String)]);
};

/** The timeline of a status tells of these workflows, if not of all of them. */
function expectWorkflows(status: unknown, workflows: string[]): void {
  const { timeline = [] } = provisioningStatus.parse(status);
  expect(timeline.map(({ workflow }) => workflow)).toEqual(expect.arrayContaining(workflows));
}

/** What a function does, by its name; nothing for one that needs no right but that to write its log. */
const functions: Record<string, () => Promise<unknown>> = {
  'app1-call-app2': async () => {
    // A warm one has its token.
    await restart('app1-call-app2');
    expect(await call('app1-call-app2', { action: 'Authenticate' })).toHaveProperty('expires_at');
    const waiting = await waitingOnes();
    for (const provisioning_id of waiting)
      await call('app1-call-app2', {
        source: completionNotification.source,
        'detail-type': completionNotification.detailType,
        detail: { provisioning_id },
      });
    await bothEnd(waiting);
  },
  'app1-encrypt-credentials': async () =>
    call('app1-encrypt-credentials', await inputs.ProvisionServiceUser()),
  'app1-start-provisioning': async () => {
    const request = newRequest();
    const key = { 'Idempotency-Key': randomUUID() };
    await waitForCompletion(await start(request, key));
    await countsLooks(() => system.provision(request, key));
    const { status, body } = await system.provision(request, key);
    expect([status, body]).toEqual([202, expect.objectContaining({ status: 'SUCCEEDED' })]);
    // Whether the user is still there is told only to a repeat that waits.
    const told = await system.provision(request, { ...key, Prefer: 'wait=1' });
    expect([told.status, told.body]).toEqual([200, expect.objectContaining({ user: 'present' })]);
    const another = newRequest();
    const itsKey = { 'Idempotency-Key': randomUUID() };
    const id = await unnotified(() => start(another, itsKey));
    await tellsEstimate(id, () => system.provision(another, itsKey));
    await system.deprovision(id);
  },
  'app1-retry-provisioning': async () => {
    const failed = await rejected();
    await countsLooks(() => system.retry(randomUUID()));
    const first = await system.retry(failed);
    expect(first.status).toBe(202);
    const again = await system.retry(failed);
    expect([again.status, again.body]).toEqual([
      202,
      expect.objectContaining({ provisioning_id: provisioningAccepted.parse(first.body).provisioning_id }),
    ]);
    const queued = await rejected();
    const second = await unnotified(() => system.retry(queued));
    await tellsEstimate(provisioningAccepted.parse(second.body).provisioning_id, () => system.retry(queued));
    // One that had to be rolled back: the roll-back is looked at, too.
    const removed = await provisioned();
    await eventually(async () => {
      expect((await system.deprovision(removed, { Prefer: 'wait=20' })).status).toBe(204);
    }, 120_000);
    expect((await system.retry(removed)).status).toBe(202);
  },
  'app1-get-provisioning': async () => {
    const id = await provisioned();
    await system.deprovision(id);
    await countsLooks(() => system.status(id));
    const { status, body } = await system.status(id, {}, '?include=timeline');
    expect(status).toBe(200);
    expectWorkflows(body, ['ProvisionServiceUser', 'RollBackProvisioning', 'CreateServiceUser']);
    const waiting = await unnotified(() => start(newRequest()));
    await tellsEstimate(waiting, () => system.status(waiting));
    await system.deprovision(waiting);
  },
  'app1-cancel-provisioning': async () => {
    const id = await provisioned();
    await countsLooks(() => system.deprovision(randomUUID()));
    expect([202, 204]).toContain((await system.deprovision(id)).status);
  },
  'app1-stop-provisioning': stopping('app1-stop-provisioning', 'ProvisionServiceUser'),
  'app1-start-roll-back': watching('app1-start-roll-back', 'ProvisionServiceUser'),
  'app1-sweep-provisionings': sweeping('app1-sweep-provisionings', 'ProvisionServiceUser'),

  'app2-start-user-creation': async () => {
    const first = await requestAtApp2();
    expect(await first.ask('wait=15')).toMatchObject({ status: 'SUCCEEDED' });
    expect(await first.ask('wait=15')).toMatchObject({ status: 'SUCCEEDED' });
    const queued = await requestAtApp2();
    expect(
      await whileExhausted(['creations', 'express-creations'], 60, () => queued.ask('respond-async')),
    ).toMatchObject({
      status: 'RUNNING',
      estimated_end_at: expect.any(String),
    });
    const notified = await requestAtApp2();
    expect(
      await whileExhausted(['status-polls'], 60, () => notified.ask('respond-async, wait=15')),
    ).toMatchObject({ status: 'RUNNING' });
  },
  'app2-notify-completion': async () => {
    const input = await inputs.CreateServiceUser();
    await call('app2-notify-completion', { detail: { input: JSON.stringify(input) } });
  },
  'app2-get-user-creation': async () => {
    const { id } = await createdAtApp2();
    const path = `/admin/create-user/${id}`;
    await system.app2('DELETE', path, await withToken());
    const { status, body } = await system.app2('GET', `${path}?include=timeline`, await withToken());
    expect(status).toBe(200);
    expectWorkflows(body, ['CreateServiceUser', 'RollBackServiceUser']);
    const finished = await createdAtApp2();
    const byName = `/admin/create-user/${finished.id}?username=${finished.username}`;
    expect((await system.app2('GET', byName, await withToken())).body).toMatchObject({ user: 'present' });
  },
  'app2-cancel-user-creation': async () => {
    const cancel = async (id: string) =>
      (await system.app2('DELETE', `/admin/create-user/${id}?username=nobody`, await withToken())).status;
    expect([202, 204]).toContain(await cancel(randomUUID()));
    expect([202, 204]).toContain(await cancel((await createdAtApp2()).id));
  },
  // The limiter fails open, so a right that is missing shows in the start that is reserved.
  'app2-decrypt-credentials': async () => {
    const input = await inputs.CreateServiceUser();
    await whileExhausted(['creations', 'express-creations'], 60, async () => {
      const first = await call('app2-decrypt-credentials', input);
      expect(Date.parse(reservedStart.parse(first).start_at)).toBeGreaterThan(Date.now() + 20_000);
      expect(await call('app2-decrypt-credentials', input)).toEqual(first);
    });
  },
  'app2-create-user': async () => {
    const run = { on_behalf_of: null, redrive_count: 0 };
    expect(await call('app2-create-user', { ...subjectOf(), ...run })).toHaveProperty('sub');
    const { username } = await createdAtApp2();
    await expect(call('app2-create-user', { ...subjectOf(), ...run, username })).rejects.toThrow(
      'UserAlreadyExists',
    );
  },
  'app2-set-password': async () => {
    const input = await inputs.CreateServiceUser();
    const sub = await stamped(input);
    await call('app2-set-password', { ...input, sub });
  },
  'app2-add-to-group': async () => {
    const subject = subjectOf();
    const input = { provisioning_id: subject.provisioning_id, sub: await stamped(subject) };
    await call('app2-add-to-group', input);
    const busy = whileExhausted(['group-changes'], 3_600, () => call('app2-add-to-group', input));
    await expect(busy).rejects.toThrow('ServiceThrottled');
  },
  'app2-delete-user': async () => {
    const subject = subjectOf();
    const sub = await stamped(subject);
    const entered_at = new Date().toISOString();
    await call('app2-delete-user', { ...subject, sub, creation_in_flight: false, entered_at });
  },
  'app2-stop-user-creation': async () => {
    const input = await running('CreateServiceUser');
    const { creation_id, owner } = input;
    const start_at = { N: String(Date.now() + 60_000) };
    const name = { S: `reservation:${creation_id}` };
    const caller = { S: `${owner}-${creation_id}` };
    await dynamoDb.send(new PutItemCommand({ TableName: LIMITS, Item: { name, start_at, caller } }));
    const entered_at = new Date().toISOString();
    expect(await call('app2-stop-user-creation', { ...input, ...stood, entered_at })).toMatchObject({
      had_succeeded: false,
    });
    const itemOf = async (key: string) =>
      (await dynamoDb.send(new GetItemCommand({ TableName: LIMITS, Key: { name: { S: key } } }))).Item;
    expect(await itemOf(name.S)).toBeUndefined();
    expect(await itemOf(`caller:${caller.S}`)).toBeDefined();
  },
  'app2-start-roll-back': watching('app2-start-roll-back', 'CreateServiceUser'),
  'app2-sweep-user-creations': sweeping('app2-sweep-user-creations', 'CreateServiceUser'),
  'app2-revoke-machine-credentials': async () => {
    // A rotation that was abandoned, which is given up first.
    const abandoned = { SecretId: outputs.app2.credentials_secret_arn, ClientRequestToken: randomUUID() };
    await call('app2-rotate-machine-user', { ...abandoned, Step: 'createSecret' });
    await call('app2-revoke-machine-credentials', {});
  },
  'app2-issue-machine-user': async () => {
    await customResource('app2-issue-machine-user', 'Create');
    await customResource('app2-issue-machine-user', 'Delete');
    await customResource('app2-issue-machine-user', 'Create');
  },
  'app2-rotate-machine-user': async () => {
    const rotation = { SecretId: outputs.app2.credentials_secret_arn, ClientRequestToken: randomUUID() };
    for (const turn of [rotation, { ...rotation, ClientRequestToken: randomUUID() }])
      for (const Step of ['createSecret', 'setSecret', 'testSecret', 'finishSecret'])
        await call('app2-rotate-machine-user', { ...turn, Step });
  },
};

const machines: Record<Machine, () => Promise<unknown>> = {
  ProvisionServiceUser: async () => {
    await does('ProvisionServiceUser', await start(newRequest()), 'PublishProvisioned');
  },
  CreateServiceUser: async () => {
    const made = await running('CreateServiceUser');
    await does('CreateServiceUser', made.provisioning_id, 'PublishUserCreated');
    const second = randomUUID();
    const encrypted_password = await encryptFor(second, made.username, newPassword());
    await startAt('CreateServiceUser', second, { ...made, provisioning_id: second, encrypted_password });
    await does('CreateServiceUser', second, 'DeleteUser');
  },
  RollBackProvisioning: async () => {
    const name = randomUUID();
    await startAt('RollBackProvisioning', name, await oldUser());
    await does('RollBackProvisioning', name, 'PublishDeprovisioned');
  },
  RollBackServiceUser: async () => {
    const name = randomUUID();
    await startAt('RollBackServiceUser', name, await oldUser());
    await does('RollBackServiceUser', name, 'PublishUserRemoved');
  },
};

/** A function writes a log of each of its calls, whatever comes of it. */
async function writesItsLog(FunctionName: string): Promise<void> {
  const startTime = Date.now();
  await lambda.send(new InvokeCommand({ FunctionName, Payload: '{}' }));
  const { events = [] } = await logs.send(
    new FilterLogEventsCommand({ logGroupName: `/aws/lambda/${FunctionName}`, startTime }),
  );
  expect(events.length).toBeGreaterThan(0);
}

/** What a function cannot handle when it is called later goes to the dead-letter queue of its service. */
async function handsOn(FunctionName: string): Promise<void> {
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
    new GetQueueUrlCommand({ QueueName: `${FunctionName.slice(0, 4)}-undelivered` }),
  );
  const { Messages: [message] = [] } = await sqs.send(
    new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 3 }),
  );
  await dynamoDb.send(new DeleteItemCommand(state));
  expect(message?.Body).toContain(event.sent);
  expect(message?.Body).toContain(`:function:${FunctionName}`);
  await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: message?.ReceiptHandle }));
}

/** The delivery of a machine's log is set up when the machine is made or changed. */
async function setsUpItsLog(machine: Machine): Promise<void> {
  const stateMachineArn = machineArn(machine);
  const { loggingConfiguration, roleArn } = await stepFunctions.send(
    new DescribeStateMachineCommand({ stateMachineArn }),
  );
  await stepFunctions.send(new UpdateStateMachineCommand({ stateMachineArn, roleArn, loggingConfiguration }));
}

/** What needs this right of this bearer. @throws an error when something of it does not work */
export async function use({ bearer, action }: Pick<Right, 'bearer' | 'action'>): Promise<void> {
  if ('machine' in bearer)
    return action.startsWith('logs:')
      ? setsUpItsLog(bearer.machine)
      : void (await machines[bearer.machine]());
  const name = bearer.function;
  if (action.startsWith('logs:')) return writesItsLog(name);
  if (action === 'sqs:SendMessage') return handsOn(name);
  const run = functions[name];
  if (run === undefined) throw new Error(`Nothing is known that ${name} does.`);
  await run();
}

/** Brings back what a function could not finish because it had lost a right. */
export async function repair(bearer: Bearer): Promise<void> {
  if ('function' in bearer && bearer.function === 'app2-issue-machine-user')
    await customResource('app2-issue-machine-user', 'Create');
}
