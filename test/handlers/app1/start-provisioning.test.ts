import {
  ConditionalCheckFailedException,
  DynamoDBClient,
  GetItemCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { EncryptCommand, GenerateMacCommand, KMSClient } from '@aws-sdk/client-kms';
import { DescribeExecutionCommand, SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import type { ProblemCode } from '../../../contracts/problems.ts';
import { startProvisioning } from '../../../handlers/app1/start-provisioning.ts';
import { api } from '../../../handlers/shared/api.ts';
import { POLL_PAUSES } from '../../../handlers/shared/executions.ts';
import { CALLER, CALLERS_OWNER, ORIGIN, signedRequest } from '../../support/api-events.ts';
import { highRates } from '../../support/caller-rates.ts';
import { fakeClock } from '../../support/clock.ts';
import { execution, failedAs, notFound } from '../../support/executions.ts';
import { expectNoLeak, watchLog } from '../../support/leaks.ts';
import { expectProblem } from '../../support/problems.ts';
import { sdkError } from '../../support/sdk-errors.ts';
import { CREATION_ID, INTAKE_CIPHERTEXT, PASSWORD } from '../../support/subject.ts';
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
const body = { username: 'alice', password: PASSWORD, human_user_id: 'h-42' };
const MAC = Buffer.from('the-mac').toString('base64');

let clock: ReturnType<typeof fakeClock>;

interface Sent {
  headers?: Record<string, string | string[]>;
  body?: unknown;
  identity?: Parameters<typeof signedRequest>[1];
}
const post = ({ headers = {}, body: content = body, identity = CALLER }: Sent = {}) =>
  api(
    startProvisioning({
      kms: new KMSClient({}),
      stepFunctions: new SFNClient({}),
      dynamoDb: new DynamoDBClient({}),
      environment,
      clock,
    }),
  )(signedRequest({ path: '/create-service-user', headers, body: content }, identity));

const starts = () =>
  stepFunctions.commandCalls(StartExecutionCommand).map(({ args: [{ input }] }) => ({
    machine: input.stateMachineArn,
    name: input.name,
    input: JSON.parse(input.input ?? ''),
  }));

/** The name of the execution of a request. */
async function nameOf(sent: Sent): Promise<string | undefined> {
  await post(sent);
  return starts().at(-1)?.name;
}

/** The input of an execution with this ARN, by a request with this MAC. */
const startedAs = (executionArn: string, request_mac = MAC) => ({
  provisioning_id: executionArn.split(':').at(-1),
  creation_id: CREATION_ID,
  username: 'alice',
  human_user_id: 'h-42',
  owner: CALLERS_OWNER,
  targets: ['app2'],
  ...ORIGIN,
  intake_ciphertext: INTAKE_CIPHERTEXT,
  request_mac,
});

/** An earlier execution with the name, by a request with this MAC. */
function earlier(request_mac: string, seen: Parameters<typeof execution>[1] = {}) {
  stepFunctions.on(StartExecutionCommand).rejects(sdkError('ExecutionAlreadyExists'));
  stepFunctions.on(DescribeExecutionCommand).callsFake(async ({ executionArn }: { executionArn: string }) => {
    if (!executionArn.includes(':ProvisionServiceUser:')) throw notFound();
    return execution(startedAs(executionArn, request_mac), seen);
  });
}

/** The caller's rate of DescribeExecution calls is used up for an hour. */
function useUpCallerRate() {
  dynamoDb.on(UpdateItemCommand).rejects(
    new ConditionalCheckFailedException({
      message: 'the condition does not hold',
      $metadata: {},
      Item: { next_at: { N: String(clock.now() + 3_600_000) } },
    }),
  );
}

beforeEach(() => {
  clock = fakeClock();
  kms.reset();
  stepFunctions.reset();
  dynamoDb.reset();
  dynamoDb.on(GetItemCommand).resolves({});
  dynamoDb.on(UpdateItemCommand).resolves({});
  kms.on(EncryptCommand).resolves({ CiphertextBlob: Buffer.from(INTAKE_CIPHERTEXT, 'base64') });
  kms.on(GenerateMacCommand).resolves({ Mac: Buffer.from(MAC, 'base64') });
  stepFunctions.on(StartExecutionCommand).resolves({});
  stepFunctions.on(DescribeExecutionCommand).rejects(notFound());
});

describe('POST /create-service-user', () => {
  it.each([
    ['X-Forwarded-Proto', 'javascript'],
    ['X-Forwarded-Proto', 'http'],
    ['X-Forwarded-Host', 'attacker.example'],
    ['X-Forwarded-Port', '8080'],
    ['X-Forwarded-Prefix', '/attacker'],
    ['Forwarded', 'host=attacker.example;proto=http'],
    ['Host', 'attacker.example'],
    ['X-Original-URL', '/attacker'],
  ])('ignores %s in the URL of the status: %s', async (name, value) => {
    const response = await post({ headers: { [name]: value } });

    const address = `https://api.example/v1/create-service-user/${starts()[0]?.name}`;

    expect(response.headers).toMatchObject({ Location: address });
    expect(JSON.parse(response.body)).toMatchObject({ status_url: address });
  });

  it.each([
    ['Idempotency-Key', ['key-1', 'key-2']],
    ['Content-Type', ['application/json', 'text/plain']],
  ])('refuses a %s that is sent with different values, and starts nothing', async (name, values) => {
    const { errors } = expectProblem(await post({ headers: { [name]: values } }), 'INVALID_REQUEST');

    expect(errors).toEqual([{ pointer: `header ${name}`, detail: 'must not be sent with different values' }]);
    expect(stepFunctions.calls()).toEqual([]);
    expect(kms.calls()).toEqual([]);
  });

  it('refuses two keys under names of different case', async () => {
    const headers = { 'Idempotency-Key': 'key-1', 'idempotency-key': 'key-2' };

    expectProblem(await post({ headers }), 'INVALID_REQUEST');
    expect(stepFunctions.calls()).toEqual([]);
  });

  it('accepts a key that is sent twice with the same value', async () => {
    expect(await nameOf({ headers: { 'Idempotency-Key': ['key-1', 'key-1'] } })).toBe(
      await nameOf({ headers: { 'Idempotency-Key': 'key-1' } }),
    );
  });

  it('reads a preference at any position of the list', async () => {
    const response = await post({ headers: { Prefer: ['respond-async', 'wait=2'] } });

    expect(response.headers).toMatchObject({ 'Preference-Applied': 'wait=2' });
  });

  it('accepts a request and returns the URL of its status', async () => {
    const response = await post();

    const [start] = starts();

    expect(response).toMatchObject({
      statusCode: 202,
      headers: {
        Location: `https://api.example/v1/create-service-user/${start?.name}`,
        'Content-Type': 'application/json',
        'Cache-Control': 'no-store',
        'Retry-After': '1',
      },
    });
    expect(JSON.parse(response.body)).toEqual({
      provisioning_id: start?.name,
      status: 'RUNNING',
      status_url: `https://api.example/v1/create-service-user/${start?.name}`,
    });
  });

  it('starts the workflow with everything but the password in it', async () => {
    await post();

    const [start] = starts();

    expect(start).toEqual({
      machine: environment.STATE_MACHINE_ARN,
      name: expect.stringMatching(/^[0-9a-f-]{36}$/),
      input: {
        provisioning_id: start?.name,
        creation_id: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-/),
        username: 'alice',
        human_user_id: 'h-42',
        owner: CALLERS_OWNER,
        targets: ['app2'],
        ...ORIGIN,
        intake_ciphertext: INTAKE_CIPHERTEXT,
        request_mac: MAC,
      },
    });
    expectNoLeak(PASSWORD, starts());
  });

  it('encrypts the password for this user, provisioning and service', async () => {
    await post();

    expect(kms.commandCalls(EncryptCommand).map(({ args }) => args[0].input)).toEqual([
      {
        KeyId: 'intake-key',
        Plaintext: Buffer.from(PASSWORD),
        EncryptionContext: { provisioning_id: starts()[0]?.name, username: 'alice', target: 'app1' },
      },
    ]);
  });

  it('starts no execution when the password is not encrypted', async () => {
    kms.on(EncryptCommand).rejects(sdkError('KMSInternalException', { status: 500 }));

    await post();

    expect(starts()).toEqual([]);
  });

  it('converts the username to lower case before it derives anything from it', async () => {
    for (const username of ['Alice', 'ALICE', 'alice']) await post({ body: { ...body, username } });

    const usernames = starts().map(({ input }) => input.username);
    const contexts = kms
      .commandCalls(EncryptCommand)
      .map(({ args }) => args[0].input.EncryptionContext?.['username']);

    expect([...usernames, ...contexts]).toEqual(Array.from({ length: 6 }, () => 'alice'));
  });

  it.each([
    ['short', 'short', 4],
    ['without an upper-case letter', 'correct-horse-7-battery', 1],
    ['without a lower-case letter', 'CORRECT-HORSE-7-BATTERY', 1],
    ['without a digit', 'Correct-Horse-Battery', 1],
    ['without a symbol', 'CorrectHorse7Battery', 1],
    ['of nothing but letters of another alphabet', '\u5bc6\u78bc\u5bc6\u78bc', 5],
    ['broken in several ways', 'x\ud83d\n', 7],
  ])(
    'refuses a password that is %s with every broken rule, and makes no call',
    async (_what, password, count) => {
      const response = await post({ body: { ...body, password } });

      const { errors = [] } = expectProblem(response, 'INVALID_REQUEST');

      expect(errors).toHaveLength(count);
      for (const { pointer, detail } of errors)
        expect([pointer, detail]).toEqual(['/password', expect.stringMatching(/^must /)]);
      expect([...kms.calls(), ...stepFunctions.calls(), ...dynamoDb.calls()]).toEqual([]);
      expectNoLeak(password, response, log());
    },
  );

  it('reports broken rules of the policy together with all other invalid fields', async () => {
    const response = await post({ body: { username: '..', password: 'short', admin: true } });

    const { errors = [] } = expectProblem(response, 'INVALID_REQUEST');

    expect(new Set(errors.map(({ pointer }) => pointer))).toEqual(
      new Set(['/username', '/password', '/human_user_id', '/admin']),
    );
  });

  describe('if only the policy refuses a request with an Idempotency-Key', () => {
    const headers = { 'Idempotency-Key': 'key-1' };
    const weak = { headers, body: { ...body, password: 'correct-horse-7-battery' } };
    const called = () => [...kms.calls(), ...stepFunctions.calls()].map(({ args }) => args[0].constructor);

    it('returns the status of the first request, which an earlier policy accepted', async () => {
      earlier(MAC, { status: 'SUCCEEDED' });

      const response = await post(weak);

      expect(response.statusCode).toBe(202);
      expect(JSON.parse(response.body)).toMatchObject({ status: 'SUCCEEDED' });
      expect(called()).toEqual([DescribeExecutionCommand, GenerateMacCommand].toReversed());
      expectNoLeak(weak.body.password, response, log());
    });

    it('waits for the outcome of the first request', async () => {
      earlier(MAC);
      const waiting = post({ ...weak, headers: { ...headers, Prefer: 'wait=20' } });
      stepFunctions
        .on(DescribeExecutionCommand)
        .callsFake(async ({ executionArn }) =>
          executionArn.includes(':ProvisionServiceUser:')
            ? execution(startedAs(executionArn), clock.sleeps.length < 2 ? {} : { status: 'SUCCEEDED' })
            : Promise.reject(notFound()),
        );

      const response = await waiting;

      expect([response.statusCode, clock.sleeps.length]).toEqual([200, 2]);
    });

    it.each([
      ['the first was another request', () => earlier('bWFjIG9mIGFub3RoZXI=')],
      ['there is no first', () => {}],
    ])('refuses the request with its broken rules when %s, and starts nothing', async (_what, prepare) => {
      prepare();

      const { errors } = expectProblem(await post(weak), 'INVALID_REQUEST');

      expect(errors).toEqual([{ pointer: '/password', detail: expect.stringMatching(/upper-case/) }]);
      expect(called()).not.toContain(StartExecutionCommand);
      expect(called()).not.toContain(EncryptCommand);
    });

    it('counts the DescribeExecution call for the caller', async () => {
      await post(weak);

      expect(dynamoDb.commandCalls(UpdateItemCommand)).toHaveLength(2);
      expect(stepFunctions.commandCalls(DescribeExecutionCommand)).toHaveLength(1);

      useUpCallerRate();

      expectProblem(await post(weak), 'THROTTLED');
      expect(stepFunctions.commandCalls(DescribeExecutionCommand)).toHaveLength(1);
    });

    it('makes no call when another field is invalid, too', async () => {
      await post({ ...weak, body: { ...weak.body, username: '..' } });

      expect([...called(), ...dynamoDb.calls()]).toEqual([]);
    });
  });

  it('makes the same MAC for a repeated request with the username in another case', async () => {
    const headers = { 'Idempotency-Key': 'key-1' };
    await post({ headers });
    await post({ headers, body: { ...body, username: 'Alice' } });

    const [first, repeat] = kms
      .commandCalls(GenerateMacCommand)
      .map(({ args }) => Buffer.from(args[0].input.Message ?? []).toString());

    expect(repeat).toBe(first);
  });

  it('makes a MAC over every field of the request and the name', async () => {
    const macs = async (content: object) => {
      kms.resetHistory();
      await post({ headers: { 'Idempotency-Key': 'k' }, body: content });
      return Buffer.from(kms.commandCalls(GenerateMacCommand)[0]?.args[0].input.Message ?? []).toString(
        'hex',
      );
    };
    const messages = [
      await macs(body),
      await macs({ ...body, username: 'bob' }),
      await macs({ ...body, password: 'another-Passw0rd' }),
      await macs({ ...body, human_user_id: 'h-43' }),
    ];

    expect(new Set(messages).size).toBe(4);
    expect(await macs(body)).toBe(messages[0]);
    expect(kms.commandCalls(GenerateMacCommand)[0]?.args[0].input).toMatchObject({
      KeyId: 'mac-key',
      MacAlgorithm: 'HMAC_SHA_256',
    });
  });

  describe('with an Idempotency-Key', () => {
    const headers = { 'Idempotency-Key': 'key-1' };

    it('gives the same owner and key the same name, also in another session of the role', async () => {
      const name = await nameOf({ headers });

      expect(await nameOf({ headers: { 'idempotency-key': 'key-1' } })).toBe(name);
      expect(await nameOf({ headers, identity: { ...CALLER, caller: 'AROAROLEID:other' } })).toBe(name);
    });

    it('generates a new creation_id for each request, independent of the key', async () => {
      await post({ headers });
      await post({ headers });

      const [one, two] = starts();

      expect(one?.name).toBe(two?.name);
      expect(one?.input.creation_id).not.toBe(two?.input.creation_id);
    });

    it('gives another owner, another key and no key another name', async () => {
      const names = [
        await nameOf({ headers }),
        await nameOf({ headers: { 'Idempotency-Key': 'key-2' } }),
        await nameOf({ headers, identity: { ...CALLER, caller: 'AROAOTHER:s' } }),
        await nameOf({ headers, identity: { ...CALLER, accountId: '777788889999' } }),
        await nameOf({}),
        await nameOf({}),
      ];

      expect(new Set(names).size).toBe(6);
    });

    it('returns the status of the first request to a repeated one', async () => {
      earlier(MAC, { status: 'SUCCEEDED' });

      const response = await post({ headers });

      expect(response.statusCode).toBe(202);
      expect(JSON.parse(response.body)).toMatchObject({ status: 'SUCCEEDED' });
    });

    it('returns 409 when the key was used for another request', async () => {
      earlier('bWFjIG9mIGFub3RoZXI=');

      expectProblem(await post({ headers }), 'IDEMPOTENCY_CONFLICT');
    });

    it('returns 503 while DescribeExecution does not find the first request', async () => {
      stepFunctions.on(StartExecutionCommand).rejects(sdkError('ExecutionAlreadyExists'));

      expectProblem(await post({ headers }), 'SERVICE_UNAVAILABLE');
    });

    it.each([
      ['a space', 'a b'],
      ['more than 255 characters', 'k'.repeat(256)],
      ['nothing', ''],
    ])('refuses a key with %s', async (_what, key) => {
      const { errors } = expectProblem(
        await post({ headers: { 'Idempotency-Key': key } }),
        'INVALID_REQUEST',
      );

      expect(errors?.map(({ pointer }) => pointer)).toEqual(['header Idempotency-Key']);
    });
  });

  describe('with Prefer: wait', () => {
    const headers = { Prefer: 'wait=10', 'Idempotency-Key': 'key-1' };

    it('returns 200 with the outcome within the preferred wait', async () => {
      earlier(MAC, failedAs('ProvisioningFailed', 'RequestUserCreation', 'PasswordRejected'));

      const response = await post({ headers });

      expect(response).toMatchObject({ statusCode: 200, headers: { 'Preference-Applied': 'wait=10' } });
      expect(JSON.parse(response.body)).toMatchObject({
        status: 'FAILED',
        user: 'absent',
        error: { code: 'PASSWORD_REJECTED' },
      });
    });

    it('returns 202 after the preferred wait', async () => {
      earlier(MAC);
      const before = clock.now();

      expect(await post({ headers })).toMatchObject({ statusCode: 202 });
      expect(clock.now() - before).toBe(10_000);
    });
  });

  describe('after the workflow was started', () => {
    const unseen: [string, Error][] = [
      ['cannot be seen yet', notFound()],
      ['is throttled', sdkError('ThrottlingException')],
      ['finds the service unavailable', sdkError('InternalServiceError', { status: 500 })],
      ['is not allowed', sdkError('AccessDeniedException')],
    ];

    it.each(unseen)('returns 202 when every poll of Prefer: wait %s', async (_what, error) => {
      stepFunctions.on(DescribeExecutionCommand).rejects(error);

      const response = await post({ headers: { Prefer: 'wait=10' } });

      expect(response.statusCode).toBe(202);
      expect(JSON.parse(response.body)).toMatchObject({
        provisioning_id: starts()[0]?.name,
        status: 'RUNNING',
      });
    });

    it.each(unseen.slice(1))('returns 202 when the read of its roll-back %s', async (_what, error) => {
      stepFunctions
        .on(DescribeExecutionCommand)
        .callsFake(async ({ executionArn }: { executionArn: string }) => {
          if (!executionArn.includes(':ProvisionServiceUser:')) throw error;
          return execution(startedAs(executionArn), { status: 'SUCCEEDED' });
        });

      const response = await post({ headers: { Prefer: 'wait=10' } });

      expect(response.statusCode).toBe(202);
      expect(JSON.parse(response.body)).toMatchObject({ status: 'SUCCEEDED' });
    });

    it('returns 202 without a key also when a retried call has started it', async () => {
      stepFunctions.on(StartExecutionCommand).rejects(sdkError('ExecutionAlreadyExists'));

      expect(await post()).toMatchObject({ statusCode: 202 });
      expect(await post({ headers: { Prefer: 'wait=1' } })).toMatchObject({ statusCode: 202 });
    });
  });

  describe('of a caller that has used up its rate', () => {
    beforeEach(useUpCallerRate);

    it('starts the provisioning and returns 202 without a wait', async () => {
      const response = await post({ headers: { Prefer: 'wait=20' } });

      expect(response.statusCode).toBe(202);
      expect(starts()).toHaveLength(1);
      expect(clock.sleeps).toEqual([POLL_PAUSES[0] * 1000]);
      expect(stepFunctions.commandCalls(DescribeExecutionCommand)).toHaveLength(0);
    });

    it('returns 429 for a repeated request, which needs DescribeExecution', async () => {
      earlier(MAC);

      const response = await post({ headers: { 'Idempotency-Key': 'key-1' } });

      expectProblem(response, 'THROTTLED');
      expect(response.headers).toMatchObject({ 'Retry-After': '1' });
    });
  });

  it('does not call the rate limiter without DescribeExecution', async () => {
    await post();

    expect(dynamoDb.commandCalls(UpdateItemCommand)).toHaveLength(0);
  });

  it('describes only the provisioning for a repeated request', async () => {
    earlier(MAC, { status: 'SUCCEEDED' });
    await post({ headers: { 'Idempotency-Key': 'key-1' } });

    expect(stepFunctions.commandCalls(DescribeExecutionCommand)).toHaveLength(1);
  });

  const tooLong = 'a'.repeat(129);
  it.each<[string, Sent, ProblemCode, string[] | undefined]>([
    ['no username', { body: { ...body, username: undefined } }, 'INVALID_REQUEST', ['/username']],
    ['no password', { body: { ...body, password: undefined } }, 'INVALID_REQUEST', ['/password']],
    [
      'no human_user_id',
      { body: { ...body, human_user_id: undefined } },
      'INVALID_REQUEST',
      ['/human_user_id'],
    ],
    ['a number as password', { body: { ...body, password: 7 } }, 'INVALID_REQUEST', ['/password']],
    ['an unknown field', { body: { ...body, role: 'admin' } }, 'INVALID_REQUEST', ['/role']],
    ['a password as the name of a field', { body: { ...body, [PASSWORD]: 1 } }, 'INVALID_REQUEST', ['']],
    ['a username with a space', { body: { ...body, username: 'al ice' } }, 'INVALID_REQUEST', ['/username']],
    [
      'a username that is too long',
      { body: { ...body, username: tooLong } },
      'INVALID_REQUEST',
      ['/username'],
    ],
    [
      'a username like a UUID',
      { body: { ...body, username: '0B54A0A5-91d2-4f21-9a5d-6a1c2f7f7d01' } },
      'INVALID_REQUEST',
      ['/username'],
    ],
    ['an empty password', { body: { ...body, password: '' } }, 'INVALID_REQUEST', ['/password']],
    ['a list', { body: [body] }, 'INVALID_REQUEST', ['']],
    ['null', { body: 'null' }, 'INVALID_REQUEST', ['']],
    ['no JSON', { body: `{"password": "${PASSWORD}"` }, 'INVALID_REQUEST', ['']],
    ['an empty body', { body: '' }, 'INVALID_REQUEST', ['']],
    [
      'several faults at once',
      { headers: { 'Idempotency-Key': 'a b' }, body: { username: 'a b', password: PASSWORD, role: 1 } },
      'INVALID_REQUEST',
      ['header Idempotency-Key', '/username', '/human_user_id', '/role'],
    ],
    [
      'a body of 1 MB',
      { body: { ...body, password: 'x'.repeat(1_048_576) } },
      'PAYLOAD_TOO_LARGE',
      undefined,
    ],
    [
      'another content type',
      { headers: { 'Content-Type': 'text/plain' } },
      'UNSUPPORTED_MEDIA_TYPE',
      undefined,
    ],
    ['an unsigned request', { identity: {} }, 'FORBIDDEN', undefined],
  ])('refuses %s with the pointer of the field, and starts nothing', async (_what, sent, code, pointers) => {
    const response = await post(sent);

    const { errors } = expectProblem(response, code);

    expect(errors?.map(({ pointer }) => pointer)).toEqual(pointers);
    expect(stepFunctions.calls()).toHaveLength(0);
    expect(kms.calls()).toHaveLength(0);
    expectNoLeak(PASSWORD, response, log());
  });

  it.each([
    ['AccessDeniedException', 400, 'INTERNAL_ERROR'],
    ['ThrottlingException', 400, 'SERVICE_UNAVAILABLE'],
    ['KMSInternalException', 500, 'SERVICE_UNAVAILABLE'],
  ] as const)(
    'returns a problem for %s of KMS without the password in its message',
    async (name, status, code) => {
      const error = sdkError(name, { status, message: `cannot seal ${PASSWORD}` });

      for (const arrange of [
        () => kms.on(EncryptCommand).rejects(error),
        () => kms.on(GenerateMacCommand).rejects(error),
      ]) {
        arrange();
        const response = await post();
        expectProblem(response, code);
        expectNoLeak(PASSWORD, response, log());
      }
      expect(starts()).toEqual([]);
    },
  );

  it('logs the start without the ciphertext', async () => {
    await post();

    expect(log()).toContain('Provisioning started');
    expectNoLeak(PASSWORD, log());
    expectNoLeak(INTAKE_CIPHERTEXT, log());
  });
});

describe('the targets of a request', () => {
  const ACTIVE = 'must be an active target; the active ones are app2, payments';

  it('are those that it names', async () => {
    await post({ body: { ...body, password: 'C@nary-Passw0rd-9f3b-long', targets: ['payments'] } });

    expect(starts()[0]?.input).toMatchObject({ targets: ['payments'] });
  });

  it('are the default targets when it names none', async () => {
    await post();

    expect(starts()[0]?.input).toMatchObject({ targets: ['app2'] });
  });

  it('have a password policy each', async () => {
    const { errors } = expectProblem(
      await post({ body: { ...body, password: 'Sh0rt-of-20-chars', targets: ['payments'] } }),
      'INVALID_REQUEST',
    );

    expect(errors).toEqual([{ pointer: '/password', detail: 'must have at least 20 characters' }]);
    expect(starts()).toEqual([]);
  });

  it.each(['unknown', 'orders', 'old'])(
    'cannot be %s, which is reported with all other errors at once',
    async (target) => {
      const { errors = [] } = expectProblem(
        await post({ body: { username: '', password: 'short', human_user_id: 'h-42', targets: [target] } }),
        'INVALID_REQUEST',
      );

      expect(errors).toContainEqual({ pointer: '/targets/0', detail: ACTIVE });
      expect(errors.map(({ pointer }) => pointer)).toContain('/username');
      expect(starts()).toEqual([]);
    },
  );

  it.each([
    ['an empty list', [], '/targets'],
    ['six names', ['app2', 'payments', 'a1', 'a2', 'a3', 'a4'], '/targets'],
    ['the same name twice', ['app2', 'payments', 'app2'], '/targets'],
    ['a name with another form', ['App 2'], '/targets/0'],
    ['App1 itself', ['app1'], '/targets/0'],
  ])('cannot be %s', async (_what, targets, pointer) => {
    const { errors = [] } = expectProblem(await post({ body: { ...body, targets } }), 'INVALID_REQUEST');

    expect(errors.map((error) => error.pointer)).toEqual([pointer]);
  });

  it('are retired before a repeat: it still returns the status', async () => {
    earlier(MAC, { status: 'SUCCEEDED' });

    const response = await post({
      headers: { 'Idempotency-Key': 'k' },
      body: { ...body, targets: ['orders'] },
    });

    expect(response.statusCode).toBe(202);
    expect(starts()).toEqual([]);
  });

  it('are retired, and another request has used the key', async () => {
    earlier('another MAC', { status: 'SUCCEEDED' });

    const response = await post({
      headers: { 'Idempotency-Key': 'k' },
      body: { ...body, targets: ['orders'] },
    });

    expect(expectProblem(response, 'INVALID_REQUEST').errors).toEqual([
      { pointer: '/targets/0', detail: ACTIVE },
    ]);
  });

  it('are in the MAC as they were sent', async () => {
    await post();
    await post({ body: { ...body, targets: ['app2'] } });

    const messages = kms
      .commandCalls(GenerateMacCommand)
      .map(({ args }) => JSON.parse(Buffer.from(args[0].input.Message ?? []).toString()).at(-1));

    expect(messages).toEqual([null, ['app2']]);
  });
});
