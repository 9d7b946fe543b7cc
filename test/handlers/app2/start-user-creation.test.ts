import { DescribeExecutionCommand, SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import type { CreationLimiter } from '../../../handlers/app2/lib/creation-limiter.ts';
import { startUserCreation } from '../../../handlers/app2/start-user-creation.ts';
import { api } from '../../../handlers/shared/api.ts';
import type { RateLimiter } from '../../../handlers/shared/rate-limiter.ts';
import { authorizedRequest, MACHINE_OWNER, ORIGIN } from '../../support/api-events.ts';
import { fakeClock } from '../../support/clock.ts';
import { execution, failedAs, notFound } from '../../support/executions.ts';
import { expectNoLeak, watchLog } from '../../support/leaks.ts';
import { expectProblem } from '../../support/problems.ts';
import { sdkError } from '../../support/sdk-errors.ts';
import {
  CREATION_ID,
  ENCRYPTED,
  GENERATION,
  OTHER_CREATION_ID,
  PROVISIONING_ID,
  stood,
} from '../../support/subject.ts';

const stepFunctions = mockClient(SFNClient);
const log = watchLog();
const machines = {
  STATE_MACHINE_ARN: 'arn:aws:states:eu-central-1:111122223333:stateMachine:CreateServiceUser',
  ROLL_BACK_STATE_MACHINE_ARN: 'arn:aws:states:eu-central-1:111122223333:stateMachine:RollBackServiceUser',
};
const creationArn = `arn:aws:states:eu-central-1:111122223333:execution:CreateServiceUser:${PROVISIONING_ID}`;
const body = { username: 'alice', encrypted_password: ENCRYPTED, human_user_id: 'h-42' };
const input = { ...GENERATION, owner: MACHINE_OWNER, ...body };

let clock: ReturnType<typeof fakeClock>;
const creationLimiter = { estimate: jest.fn<CreationLimiter['estimate']>() };
const pollLimiter = { reserve: jest.fn<RateLimiter['reserve']>() };
const handler = () =>
  startUserCreation({
    stepFunctions: new SFNClient({}),
    creationLimiter,
    pollLimiter,
    environment: machines,
    clock,
  });
const started = () => {
  const [start] = stepFunctions.commandCalls(StartExecutionCommand);
  return JSON.parse(start?.args[0].input.input ?? 'null');
};
const post = (headers: Record<string, string | string[]> = {}, content: unknown = body) =>
  api(handler())(
    authorizedRequest({
      path: '/admin/create-user',
      headers: { 'Idempotency-Key': PROVISIONING_ID, 'Creation-Id': CREATION_ID, ...headers },
      body: content,
    }),
  );
const describeCall = () => stepFunctions.on(DescribeExecutionCommand, { executionArn: creationArn });

beforeEach(() => {
  clock = fakeClock();
  jest.resetAllMocks();
  creationLimiter.estimate.mockImplementation(async () => clock.now());
  pollLimiter.reserve.mockImplementation(async () => clock.now());
  stepFunctions.reset();
  stepFunctions.on(DescribeExecutionCommand).rejects(notFound());
  stepFunctions.on(StartExecutionCommand).resolves({});
});

describe('POST /admin/create-user', () => {
  it.each([
    ['Idempotency-Key', [PROVISIONING_ID, '5f7a9b50-14cf-4ab3-a0a0-6f6d3bb1d2c1']],
    ['On-Behalf-Of', ['a-caller', 'another-caller']],
    ['Content-Type', ['application/json', 'text/plain']],
  ])('refuses a %s that is sent with different values, and starts nothing', async (name, values) => {
    const { errors } = expectProblem(await post({ [name]: values }), 'INVALID_REQUEST');

    expect(errors).toEqual([{ pointer: `header ${name}`, detail: 'must not be sent with different values' }]);
    expect(stepFunctions.calls()).toEqual([]);
  });

  it('accepts headers that are sent twice with the same value', async () => {
    const twice = [PROVISIONING_ID, PROVISIONING_ID];
    const response = await post({ 'Idempotency-Key': twice, 'On-Behalf-Of': ['a-caller', 'a-caller'] });

    expect(response.statusCode).toBe(202);
    expect(started()).toMatchObject({ provisioning_id: PROVISIONING_ID, on_behalf_of: 'a-caller' });
  });

  it('starts the creation with the provisioning_id as name and returns the URL of its status', async () => {
    const response = await post();
    const [start] = stepFunctions.commandCalls(StartExecutionCommand);

    expect(response).toMatchObject({
      statusCode: 202,
      headers: {
        Location: `/v1/admin/create-user/${PROVISIONING_ID}`,
        'Cache-Control': 'no-store',
        'Retry-After': '1',
      },
    });
    expect(JSON.parse(response.body)).toMatchObject({
      provisioning_id: PROVISIONING_ID,
      status: 'RUNNING',
      user: 'unknown',
    });
    expect(start?.args[0].input).toMatchObject({
      stateMachineArn: machines.STATE_MACHINE_ARN,
      name: PROVISIONING_ID,
    });
    expect(JSON.parse(start?.args[0].input.input ?? '')).toEqual({ ...input, ...ORIGIN });
  });

  it('converts the username to lower case in new and in repeated requests', async () => {
    describeCall().resolves(execution(input));
    const responses = [await post({}, { ...body, username: 'ALICE' })];
    stepFunctions.on(StartExecutionCommand).rejects(sdkError('ExecutionAlreadyExists'));
    responses.push(await post({}, { ...body, username: 'Alice' }));
    const [start] = stepFunctions.commandCalls(StartExecutionCommand);

    expect(responses.map(({ statusCode }) => statusCode)).toEqual([202, 202]);
    expect(JSON.parse(start?.args[0].input.input ?? '')).toMatchObject({ username: 'alice' });
  });

  it('stores the On-Behalf-Of header beside the verified owner', async () => {
    describeCall().resolves(execution(input));

    await post({ 'On-Behalf-Of': '111122223333/AROAEXAMPLE' });

    const [start] = stepFunctions.commandCalls(StartExecutionCommand);

    expect(JSON.parse(start?.args[0].input.input ?? '')).toEqual({
      ...input,
      ...ORIGIN,
      on_behalf_of: '111122223333/AROAEXAMPLE',
    });
  });

  it.each(['', 'a b', 'a\tb', 'a'.repeat(256), 'ä'])(
    'refuses the On-Behalf-Of header %j',
    async (statement) => {
      const { errors } = expectProblem(await post({ 'On-Behalf-Of': statement }), 'INVALID_REQUEST');

      expect(errors).toEqual([expect.objectContaining({ pointer: 'header On-Behalf-Of' })]);
      expect(stepFunctions.commandCalls(StartExecutionCommand)).toEqual([]);
    },
  );

  it('returns 200 with the outcome within the preferred wait', async () => {
    describeCall()
      .resolvesOnce(execution(input))
      .resolves(execution(input, { status: 'SUCCEEDED' }));
    const finished = await post({ Prefer: 'wait=10' });

    expect(finished).toMatchObject({ statusCode: 200, headers: { 'Preference-Applied': 'wait=10' } });
    expect(JSON.parse(finished.body)).toMatchObject({ status: 'SUCCEEDED', user: 'present' });
  });

  it('returns 202 after the preferred wait', async () => {
    describeCall().resolves(execution(input));
    const before = clock.now();

    const response = await post({ Prefer: 'wait=10' });

    expect(response).toMatchObject({ statusCode: 202 });
    expect(clock.now() - before).toBe(10_000);
  });

  it('returns the status of the first request to a repeated one', async () => {
    stepFunctions.on(StartExecutionCommand).rejects(sdkError('ExecutionAlreadyExists'));
    describeCall().resolves(
      execution(input, failedAs('UserCreationRolledBack', 'SetPassword', 'PasswordRejected')),
    );

    const response = await post();

    expect(response.statusCode).toBe(200);
    expect(JSON.parse(response.body)).toMatchObject({
      status: 'FAILED',
      user: 'absent',
      error: { code: 'PASSWORD_REJECTED', step: 'SetPassword' },
    });
  });

  it.each([
    ['username', { ...body, username: 'bob' }],
    ['encrypted_password', { ...body, encrypted_password: 'b3RoZXI=' }],
    ['human_user_id', { ...body, human_user_id: 'h-43' }],
  ])('returns 409 for the same key with another %s', async (_field, other) => {
    stepFunctions.on(StartExecutionCommand).rejects(sdkError('ExecutionAlreadyExists'));
    describeCall().resolves(execution(input));

    expectProblem(await post({}, other), 'IDEMPOTENCY_CONFLICT');
  });

  it('returns 404 for the creation of another client', async () => {
    stepFunctions.on(StartExecutionCommand).rejects(sdkError('ExecutionAlreadyExists'));
    describeCall().resolves(execution({ ...input, owner: 'another-client' }));

    expectProblem(await post(), 'NOT_FOUND');
  });

  it('returns the status of a cancellation that arrived first', async () => {
    stepFunctions.on(StartExecutionCommand).rejects(sdkError('ExecutionAlreadyExists'));
    describeCall().resolves(
      execution(
        { ...GENERATION, owner: MACHINE_OWNER, cancelled: true },
        failedAs('Cancelled', 'DecryptCredentials', 'Cancelled'),
      ),
    );

    const response = await post();

    expect(JSON.parse(response.body)).toMatchObject({ user: 'unknown', error: { code: 'CANCELLED' } });
  });

  it('generates a creation_id for a client without one, and recognizes its repeated request', async () => {
    const send = () =>
      api(handler())(
        authorizedRequest({
          path: '/admin/create-user',
          headers: { 'Idempotency-Key': PROVISIONING_ID },
          body,
        }),
      );

    expect(await send()).toMatchObject({ statusCode: 202 });
    expect(started().creation_id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4/);

    stepFunctions.on(StartExecutionCommand).rejects(sdkError('ExecutionAlreadyExists'));
    describeCall().resolves(execution({ ...input, creation_id: OTHER_CREATION_ID }));

    expect(await send()).toMatchObject({ statusCode: 202 });
  });

  it('refuses an invalid Creation-Id, and starts nothing', async () => {
    const { errors } = expectProblem(await post({ 'Creation-Id': 'no-uuid' }), 'INVALID_REQUEST');

    expect(errors).toEqual([{ pointer: 'header Creation-Id', detail: 'must be a UUID' }]);
    expect(stepFunctions.calls()).toEqual([]);
  });

  describe('with an id of an earlier generation whose record exists', () => {
    const cancelled = { ...GENERATION, owner: MACHINE_OWNER, cancelled: true };
    const earlier = (seen: Parameters<typeof execution>[1], recorded: object = input) => {
      stepFunctions.on(StartExecutionCommand).rejects(sdkError('ExecutionAlreadyExists'));
      describeCall().resolves(execution({ ...recorded, creation_id: OTHER_CREATION_ID }, seen));
    };

    it.each([
      ['runs', {}, input],
      ['succeeded', { status: 'SUCCEEDED' }, input],
      ['is to be rolled back', { status: 'TIMED_OUT' }, input],
      ['is only a cancellation', failedAs('Cancelled', 'DecryptCredentials', 'Cancelled'), cancelled],
    ] as const)('does not change its user and returns 409 when it %s', async (_what, seen, recorded) => {
      earlier(seen, recorded);

      expectProblem(await post(), 'USER_OF_EARLIER_PROVISIONING');
    });

    it.each([
      [
        'when that ended without a user',
        failedAs('UserCreationRolledBack', 'SetPassword', 'StepFailed'),
        undefined,
      ],
      ['when its user was removed', { status: 'SUCCEEDED' }, { status: 'SUCCEEDED' }],
    ] as const)('returns IDEMPOTENCY_CONFLICT %s', async (_what, seen, rollBack) => {
      earlier(seen);
      if (rollBack !== undefined)
        stepFunctions
          .on(DescribeExecutionCommand, {
            executionArn: `arn:aws:states:eu-central-1:111122223333:execution:RollBackServiceUser:${PROVISIONING_ID}.${OTHER_CREATION_ID}.1`,
          })
          .resolves(execution({ ...input, ...stood }, rollBack));

      expectProblem(await post(), 'IDEMPOTENCY_CONFLICT');
    });
  });

  it.each([
    ['is not found', notFound()],
    ['is throttled', sdkError('ThrottlingException')],
    ['is denied', sdkError('AccessDeniedException')],
  ])('returns 202 for a creation that %s after its start', async (_what, error) => {
    describeCall().rejects(error);

    const response = await post({ Prefer: 'wait=1' });

    expect(response.statusCode).toBe(202);
    expect(JSON.parse(response.body)).toMatchObject({ provisioning_id: PROVISIONING_ID, status: 'RUNNING' });
  });

  it('returns 503 while DescribeExecution does not find an earlier creation', async () => {
    stepFunctions.on(StartExecutionCommand).rejects(sdkError('ExecutionAlreadyExists'));
    const response = await post({ Prefer: 'wait=1' });

    expectProblem(response, 'SERVICE_UNAVAILABLE');
    expect(response.headers).toMatchObject({ 'Retry-After': '1' });
  });

  it.each([
    ['missing', undefined],
    ['not a UUID', 'my-key'],
  ])(
    'reports an Idempotency-Key that is %s together with the invalid fields of the body',
    async (_what, key) => {
      const response = await api(handler())(
        authorizedRequest({
          headers: key === undefined ? {} : { 'Idempotency-Key': key },
          body: { username: 'a b' },
        }),
      );

      const pointers = expectProblem(response, 'INVALID_REQUEST').errors?.map(({ pointer }) => pointer);

      expect(pointers).toEqual([
        'header Idempotency-Key',
        '/username',
        '/encrypted_password',
        '/human_user_id',
      ]);
      expect(stepFunctions.calls()).toHaveLength(0);
    },
  );

  it('converts the key to lower case', async () => {
    describeCall().resolves(execution(input));

    await post({ 'Idempotency-Key': PROVISIONING_ID.toUpperCase() });

    expect(stepFunctions.commandCalls(StartExecutionCommand)[0]?.args[0].input.name).toBe(PROVISIONING_ID);
  });

  it('refuses a request without the context of the authorizer', async () => {
    const run = api(handler());

    expectProblem(await run(authorizedRequest({ body }, {})), 'UNAUTHENTICATED');
    expect(stepFunctions.calls()).toHaveLength(0);
  });

  it('has no ciphertext in responses and logs', async () => {
    stepFunctions.on(StartExecutionCommand).rejects(sdkError('ValidationException', { message: ENCRYPTED }));

    const response = await post();

    expectProblem(response, 'INTERNAL_ERROR');
    expectNoLeak(ENCRYPTED, response, log());
  });
});

describe('POST /admin/create-user, when many users are requested', () => {
  const ASYNC = { Prefer: 'respond-async, wait=10' };
  const inSeconds = (seconds: number) => clock.now() + seconds * 1000;
  const describedCount = () => stepFunctions.commandCalls(DescribeExecutionCommand).length;

  it('returns the estimated end of a queued creation', async () => {
    const start = inSeconds(60);
    creationLimiter.estimate.mockResolvedValue(start);

    const response = await post(ASYNC);

    expect(started()).toMatchObject({ estimated_start_at: new Date(start).toISOString(), notify: true });
    expect(response).toMatchObject({
      statusCode: 202,
      headers: { 'Preference-Applied': 'respond-async', 'Retry-After': '62' },
    });
    expect(JSON.parse(response.body)).toMatchObject({
      status: 'RUNNING',
      estimated_end_at: new Date(start + 2_000).toISOString(),
    });
    expect(describedCount()).toBe(0);
  });

  it('returns no estimate when the start is almost immediate', async () => {
    creationLimiter.estimate.mockResolvedValue(inSeconds(0.4));
    describeCall().resolves(execution(input, { status: 'SUCCEEDED' }));

    expect(await post(ASYNC)).toMatchObject({
      statusCode: 200,
      headers: { 'Preference-Applied': 'wait=10' },
    });
    expect(started()).not.toHaveProperty('estimated_start_at');
    expect(started()).not.toHaveProperty('notify');
    expect(describedCount()).toBe(1);
  });

  it('does not poll a creation above the rate of polls when the client accepts a notification', async () => {
    pollLimiter.reserve.mockResolvedValue(undefined);

    expect(await post(ASYNC)).toMatchObject({
      statusCode: 202,
      headers: { 'Preference-Applied': 'respond-async' },
    });
    expect(started()).toMatchObject({ notify: true });
    expect(describedCount()).toBe(0);
  });

  it('polls for a client that does not accept a notification', async () => {
    pollLimiter.reserve.mockResolvedValue(undefined);
    describeCall().resolves(execution(input, { status: 'SUCCEEDED' }));

    expect(await post({ Prefer: 'wait=10' })).toMatchObject({ statusCode: 200 });
    expect(started()).not.toHaveProperty('notify');
  });

  it('polls from the estimated start', async () => {
    creationLimiter.estimate.mockResolvedValueOnce(inSeconds(5));
    describeCall().resolves(execution(input, { status: 'SUCCEEDED' }));

    expect(await post({ Prefer: 'wait=10' })).toMatchObject({ statusCode: 200 });
    expect(clock.sleeps[0]).toBe(5_000);
  });

  it('does not poll when the estimated start is later than the preferred wait', async () => {
    creationLimiter.estimate.mockResolvedValueOnce(inSeconds(60));
    describeCall().resolves(execution(input, { status: 'SUCCEEDED' }));

    expect(await post({ Prefer: 'wait=10' })).toMatchObject({ statusCode: 202 });
    expect(describedCount()).toBe(0);
  });

  it('responds to a repeated request with a notification after one DescribeExecution', async () => {
    stepFunctions.on(StartExecutionCommand).rejects(sdkError('ExecutionAlreadyExists'));
    describeCall().resolves(execution({ ...input, notify: true }));

    expect(await post(ASYNC)).toMatchObject({
      statusCode: 202,
      headers: { 'Preference-Applied': 'respond-async' },
    });
    expect(describedCount()).toBe(1);
  });

  it('waits for a repeated request without a notification', async () => {
    stepFunctions.on(StartExecutionCommand).rejects(sdkError('ExecutionAlreadyExists'));
    describeCall()
      .resolvesOnce(execution(input))
      .resolves(execution(input, { status: 'SUCCEEDED' }));

    expect(await post(ASYNC)).toMatchObject({ statusCode: 200 });
  });

  it('returns QUEUE_FULL with Retry-After when the queue is full, and starts nothing', async () => {
    creationLimiter.estimate.mockResolvedValue(undefined);

    const response = await post(ASYNC);

    expectProblem(response, 'QUEUE_FULL');
    expect(response.headers).toMatchObject({ 'Retry-After': '60' });
    expect(stepFunctions.commandCalls(StartExecutionCommand)).toEqual([]);
  });

  it.each(['respond-async, wait=10', 'wait=10', ''])(
    'returns the status to a repeated request also while the queue is full (Prefer: %j)',
    async (Prefer) => {
      creationLimiter.estimate.mockResolvedValue(undefined);
      describeCall().resolves(execution(input, { status: 'SUCCEEDED' }));

      const response = await post({ Prefer });

      expect(response.statusCode).toBe(200);
      expect(JSON.parse(response.body)).toMatchObject({ status: 'SUCCEEDED', user: 'present' });
      expect(stepFunctions.commandCalls(StartExecutionCommand)).toEqual([]);
    },
  );

  it('waits for a repeated request also while the queue is full', async () => {
    creationLimiter.estimate.mockResolvedValue(undefined);
    describeCall()
      .resolvesOnce(execution(input))
      .resolves(execution(input, { status: 'SUCCEEDED' }));

    expect(await post({ Prefer: 'wait=10' })).toMatchObject({ statusCode: 200 });
  });

  it('estimates the queue for the caller in On-Behalf-Of, or else for the owner', async () => {
    await post({ 'On-Behalf-Of': 'a-caller' });
    await post();

    expect(creationLimiter.estimate.mock.calls).toEqual([['a-caller'], [MACHINE_OWNER]]);
  });
});
