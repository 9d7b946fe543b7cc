import { DynamoDBClient, GetItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { EncryptCommand, GenerateMacCommand, KMSClient, ReEncryptCommand } from '@aws-sdk/client-kms';
import { DescribeExecutionCommand, SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { retryProvisioning } from '../../../handlers/app1/retry-provisioning.ts';
import { startProvisioning } from '../../../handlers/app1/start-provisioning.ts';
import { api } from '../../../handlers/shared/api.ts';
import { CALLER, CALLERS_OWNER, ORIGIN, signedRequest } from '../../support/api-events.ts';
import { highRates } from '../../support/caller-rates.ts';
import { fakeClock } from '../../support/clock.ts';
import { execution, failedAs, notFound } from '../../support/executions.ts';
import { expectNoLeak, watchLog } from '../../support/leaks.ts';
import { expectProblem } from '../../support/problems.ts';
import { sdkError } from '../../support/sdk-errors.ts';
import { INTAKE_CIPHERTEXT, PROVISIONING_ID, ROLL_BACK, stood, subject } from '../../support/subject.ts';
import { REGISTRY } from '../../support/targets.ts';

const kms = mockClient(KMSClient);
const stepFunctions = mockClient(SFNClient);
const dynamoDb = mockClient(DynamoDBClient);
const log = watchLog();
const environment = {
  ...highRates,
  STATE_MACHINE_ARN: 'arn:aws:states:eu-central-1:111122223333:stateMachine:ProvisionServiceUser',
  CALLBACKS_TABLE: 'callbacks',
  ROLL_BACK_STATE_MACHINE_ARN: 'arn:aws:states:eu-central-1:111122223333:stateMachine:RollBackProvisioning',
  INTAKE_KEY_ARN: 'intake-key',
  MAC_KEY_ARN: 'mac-key',
  API_SCHEME: 'https' as const,
  TARGETS: REGISTRY,
  DEFAULT_TARGETS: ['app2'],
};
const executions = 'arn:aws:states:eu-central-1:111122223333:execution';
const formerArn = `${executions}:ProvisionServiceUser:${PROVISIONING_ID}`;
const rollBackArn = `${executions}:RollBackProvisioning:${ROLL_BACK}.1`;
const RE_ENCRYPTED = Buffer.from('canary-sealed-again').toString('base64');
const input = {
  ...subject,
  owner: CALLERS_OWNER,
  targets: ['app2'],
  intake_ciphertext: INTAKE_CIPHERTEXT,
  request_mac: 'mac-of-the-former',
};
const failed = failedAs('ProvisioningFailed', 'RequestUserCreation', 'TargetUnavailable');

let clock: ReturnType<typeof fakeClock>;
interface Sent {
  id?: string;
  headers?: Record<string, string | string[]>;
  caller?: string;
}
const services = () => ({
  kms: new KMSClient({}),
  stepFunctions: new SFNClient({}),
  dynamoDb: new DynamoDBClient({}),
  environment,
  clock,
});
const retry = ({ id = PROVISIONING_ID, headers = {}, caller = CALLER.caller }: Sent = {}) =>
  api(retryProvisioning(services()))(
    signedRequest({ path: `/create-service-user/${id}/retry`, id, headers }, { ...CALLER, caller }),
  );
const former = () => stepFunctions.on(DescribeExecutionCommand, { executionArn: formerArn });
const rollBack = () => stepFunctions.on(DescribeExecutionCommand, { executionArn: rollBackArn });
const starts = () =>
  stepFunctions.commandCalls(StartExecutionCommand).map(({ args: [{ input: request }] }) => ({
    machine: request.stateMachineArn,
    name: request.name,
    input: JSON.parse(request.input ?? ''),
  }));
async function nameOf(sent: Sent): Promise<string | undefined> {
  expect(await retry(sent)).toMatchObject({ statusCode: 202 });
  return starts().at(-1)?.name;
}

beforeEach(() => {
  clock = fakeClock();
  kms.reset();
  stepFunctions.reset();
  dynamoDb.reset();
  dynamoDb.on(GetItemCommand).resolves({});
  dynamoDb.on(UpdateItemCommand).resolves({});
  kms.on(ReEncryptCommand).resolves({ CiphertextBlob: Buffer.from(RE_ENCRYPTED, 'base64') });
  // The MAC is the message itself, so that the tests see what is compared.
  kms.on(GenerateMacCommand).callsFake(async ({ Message }: { Message: Uint8Array }) => ({ Mac: Message }));
  stepFunctions.on(DescribeExecutionCommand).rejects(notFound());
  stepFunctions.on(StartExecutionCommand).resolves({});
  former().resolves(execution(input, failed));
});

describe('POST /create-service-user/{provisioning_id}/retry', () => {
  it('starts a new provisioning from the stored request, and returns the URL of its status', async () => {
    const response = await retry();

    const [start] = starts();
    const status_url = `https://api.example/v1/create-service-user/${start?.name}`;

    expect(start).toEqual({
      machine: environment.STATE_MACHINE_ARN,
      name: expect.stringMatching(/^[0-9a-f-]{36}$/),
      input: {
        ...subject,
        provisioning_id: start?.name,
        creation_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
        owner: CALLERS_OWNER,
        targets: ['app2'],
        ...ORIGIN,
        intake_ciphertext: RE_ENCRYPTED,
        request_mac: expect.any(String),
        retry_of: PROVISIONING_ID,
      },
    });
    expect(start?.name).not.toBe(PROVISIONING_ID);
    expect(start?.input.creation_id).not.toBe(subject.creation_id);
    expect(response).toMatchObject({ statusCode: 202, headers: { Location: status_url } });
    expect(JSON.parse(response.body)).toEqual({
      provisioning_id: start?.name,
      status: 'RUNNING',
      status_url,
    });
  });

  it('re-encrypts the password for the new provisioning without its plaintext', async () => {
    await retry();

    expect(kms.commandCalls(ReEncryptCommand).map(({ args }) => args[0].input)).toEqual([
      {
        CiphertextBlob: Buffer.from(INTAKE_CIPHERTEXT, 'base64'),
        SourceKeyId: 'intake-key',
        SourceEncryptionContext: { provisioning_id: PROVISIONING_ID, username: 'alice', target: 'app1' },
        DestinationKeyId: 'intake-key',
        DestinationEncryptionContext: {
          provisioning_id: starts()[0]?.name,
          username: 'alice',
          target: 'app1',
        },
      },
    ]);
  });

  it.each([
    ['failed', execution(input, failed), undefined],
    [
      'failed without a published event',
      execution(input, failedAs('OutcomeNotPublished', 'X', 'X')),
      undefined,
    ],
    [
      'was stopped and rolled back',
      execution(input, { status: 'ABORTED', error: 'Cancelled' }),
      execution({ ...input, ...stood }, { status: 'SUCCEEDED' }),
    ],
    [
      'had succeeded, and its user was removed',
      execution(input, { status: 'SUCCEEDED' }),
      execution({ ...input, ...stood }, { status: 'SUCCEEDED' }),
    ],
  ])('retries a provisioning that %s', async (_what, provisioning, itsRollBack) => {
    former().resolves(provisioning);
    if (itsRollBack !== undefined) rollBack().resolves(itsRollBack);

    expect(await retry()).toMatchObject({ statusCode: 202 });
  });

  it.each([
    ['is still running', execution(input), undefined],
    ['has its user', execution(input, { status: 'SUCCEEDED' }), undefined],
    [
      'has a user that is just being removed',
      execution(input, { status: 'SUCCEEDED' }),
      execution({ ...input, ...stood }),
    ],
    ['was stopped, and not rolled back yet', execution(input, { status: 'ABORTED' }), undefined],
    [
      'could not be rolled back yet',
      execution(input, failedAs('RollBackFailed', 'CancelUserCreation', 'TargetUnavailable')),
      execution(
        { ...input, ...stood },
        failedAs('RollBackFailed', 'CancelUserCreation', 'TargetUnavailable'),
      ),
    ],
  ])('refuses a provisioning that %s, and starts nothing', async (_what, provisioning, itsRollBack) => {
    former().resolves(provisioning);
    if (itsRollBack !== undefined) rollBack().resolves(itsRollBack);

    expectProblem(await retry(), 'PROVISIONING_IN_PROGRESS');
    expect(starts()).toEqual([]);
    expect(kms.calls()).toEqual([]);
  });

  it.each(['InvalidCiphertextException', 'IncorrectKeyException'])(
    'returns NOT_RETRYABLE when KMS cannot decrypt the password (%s)',
    async (name) => {
      kms.on(ReEncryptCommand).rejects(sdkError(name));

      expectProblem(await retry(), 'NOT_RETRYABLE');
      expect(starts()).toEqual([]);
    },
  );

  it.each([
    ['AccessDeniedException', 400, 'INTERNAL_ERROR'],
    ['KMSInternalException', 500, 'SERVICE_UNAVAILABLE'],
  ] as const)('returns the problem for %s of KMS, and starts nothing', async (name, status, code) => {
    kms.on(ReEncryptCommand).rejects(sdkError(name, { status }));

    expectProblem(await retry(), code);
    expect(starts()).toEqual([]);
  });

  describe('without an Idempotency-Key', () => {
    it('is one retry for repeated requests, also of another session of the role', async () => {
      const name = await nameOf({});

      expect(await nameOf({ id: PROVISIONING_ID.toUpperCase() })).toBe(name);
      expect(await nameOf({ caller: 'AROAROLEID:another-session' })).toBe(name);
    });

    it('returns the status of the first retry to a repeated request', async () => {
      const name = await nameOf({});
      const first = starts()[0]?.input;
      stepFunctions.on(StartExecutionCommand).rejects(sdkError('ExecutionAlreadyExists'));
      stepFunctions
        .on(DescribeExecutionCommand, { executionArn: `${executions}:ProvisionServiceUser:${name}` })
        .resolves(execution(first, { status: 'SUCCEEDED' }));

      const response = await retry();

      expect(response.statusCode).toBe(202);
      expect(JSON.parse(response.body)).toMatchObject({ provisioning_id: name, status: 'SUCCEEDED' });
    });

    it('has a name that no key of a caller derives', async () => {
      const name = await nameOf({});
      kms.on(EncryptCommand).resolves({ CiphertextBlob: Buffer.from(INTAKE_CIPHERTEXT, 'base64') });
      const body = { username: 'alice', password: 'any-Passw0rd', human_user_id: 'h' };
      for (const key of [`retry of ${PROVISIONING_ID}`, `retry-of-${PROVISIONING_ID}`, PROVISIONING_ID])
        await api(startProvisioning(services()))(
          signedRequest({ path: '/create-service-user', headers: { 'Idempotency-Key': key }, body }),
        );

      expect(starts().slice(1)).toHaveLength(2);
      expect(starts().filter((start) => start.name === name)).toHaveLength(1);
    });
  });

  describe('with an Idempotency-Key', () => {
    const headers = { 'Idempotency-Key': 'key-1' };

    it('is another retry than one without a key, or with another key', async () => {
      const names = [
        await nameOf({}),
        await nameOf({ headers }),
        await nameOf({ headers: { 'Idempotency-Key': 'key-2' } }),
      ];

      expect(new Set(names).size).toBe(3);
    });

    it('returns 409 when the key was used for another request', async () => {
      const name = await nameOf({ headers });
      const requestOfThatKey = { ...input, provisioning_id: name, request_mac: 'mac-of-a-request' };
      stepFunctions.on(StartExecutionCommand).rejects(sdkError('ExecutionAlreadyExists'));
      stepFunctions
        .on(DescribeExecutionCommand, { executionArn: `${executions}:ProvisionServiceUser:${name}` })
        .resolves(execution(requestOfThatKey));

      expectProblem(await retry({ headers }), 'IDEMPOTENCY_CONFLICT');
    });

    it('refuses two different keys', async () => {
      const { errors } = expectProblem(
        await retry({ headers: { 'Idempotency-Key': ['key-1', 'key-2'] } }),
        'INVALID_REQUEST',
      );

      expect(errors?.map(({ pointer }) => pointer)).toEqual(['header Idempotency-Key']);
      expect(stepFunctions.calls()).toEqual([]);
    });

    it('refuses an invalid key', async () => {
      const { errors } = expectProblem(
        await retry({ headers: { 'Idempotency-Key': 'a b' } }),
        'INVALID_REQUEST',
      );

      expect(errors?.map(({ pointer }) => pointer)).toEqual(['header Idempotency-Key']);
      expect(stepFunctions.calls()).toEqual([]);
    });
  });

  it("returns the same 404 for an unknown id, another owner's and an invalid one", async () => {
    const strangers = await retry({ caller: 'AROASTRANGER:session' });
    former().rejects(notFound());
    const unknown = await retry();

    expectProblem(unknown, 'NOT_FOUND');
    expect(strangers).toEqual(unknown);
    expect(await retry({ id: 'no-uuid' })).toEqual(unknown);
    expect(starts()).toEqual([]);
    expect(kms.calls()).toEqual([]);
  });

  it('waits for the outcome with Prefer: wait', async () => {
    stepFunctions
      .on(DescribeExecutionCommand)
      .callsFake(async ({ executionArn }: { executionArn: string }) => {
        if (!executionArn.includes(':ProvisionServiceUser:')) throw notFound();
        return executionArn === formerArn
          ? execution(input, failed)
          : execution(starts()[0]?.input, { status: 'SUCCEEDED' });
      });
    former().resolves(execution(input, failed));

    const response = await retry({ headers: { Prefer: 'wait=10' } });

    expect(response).toMatchObject({ statusCode: 200, headers: { 'Preference-Applied': 'wait=10' } });
    expect(JSON.parse(response.body)).toMatchObject({ status: 'SUCCEEDED', user: 'present' });
  });

  it('does not log the ciphertext', async () => {
    await retry();

    expect(log()).toContain('Provisioning started');
    expectNoLeak(INTAKE_CIPHERTEXT, log());
    expectNoLeak(RE_ENCRYPTED, log());
  });
});

describe('a retry whose target accepts no new requests', () => {
  it.each(['orders', 'old', 'unknown'])('is refused (%s)', async (target) => {
    former().resolves(execution({ ...input, targets: [target] }, failed));

    expectProblem(await retry(), 'NOT_RETRYABLE');
    expect(starts()).toEqual([]);
  });

  it('returns the status of a repeated retry that was accepted before', async () => {
    former().resolves(execution(input, failed));
    await retry();
    const [first] = starts();
    const retired = { ...input, targets: ['orders'] };
    former().resolves(execution(retired, failed));
    stepFunctions
      .on(DescribeExecutionCommand, { executionArn: `${executions}:ProvisionServiceUser:${first?.name}` })
      .resolves(execution({ ...first?.input, targets: ['orders'] }, { status: 'SUCCEEDED' }));

    const response = await retry();

    expect(JSON.parse(response.body)).toMatchObject({ provisioning_id: first?.name, status: 'SUCCEEDED' });
    expect(starts()).toHaveLength(1);
  });
});
