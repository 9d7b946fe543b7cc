import {
  AdminGetUserCommand,
  type AdminGetUserCommandOutput,
  AdminListGroupsForUserCommand,
  CognitoIdentityProviderClient,
} from '@aws-sdk/client-cognito-identity-provider';
import { DescribeExecutionCommand, GetExecutionHistoryCommand, SFNClient } from '@aws-sdk/client-sfn';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { provisioningStatus } from '../../../contracts/status.ts';
import { getUserCreation } from '../../../handlers/app2/get-user-creation.ts';
import { api } from '../../../handlers/shared/api.ts';
import { authorizedRequest, MACHINE_OWNER } from '../../support/api-events.ts';
import { fakeClock } from '../../support/clock.ts';
import { execution, failedAs, notFound, STARTED, STOPPED } from '../../support/executions.ts';
import { historyOf } from '../../support/history.ts';
import { expectNoLeak } from '../../support/leaks.ts';
import { attributesOf, stamps } from '../../support/pool-users.ts';
import { expectProblem } from '../../support/problems.ts';
import { sdkError } from '../../support/sdk-errors.ts';
import {
  CREATION_ID,
  ENCRYPTED,
  GENERATION,
  OTHER_CREATION_ID,
  PROVISIONING_ID,
  ROLL_BACK,
  stood,
  subject,
  subjectInStatus,
} from '../../support/subject.ts';

const stepFunctions = mockClient(SFNClient);
const cognito = mockClient(CognitoIdentityProviderClient);
const machines = {
  STATE_MACHINE_ARN: 'arn:aws:states:eu-central-1:111122223333:stateMachine:CreateServiceUser',
  ROLL_BACK_STATE_MACHINE_ARN: 'arn:aws:states:eu-central-1:111122223333:stateMachine:RollBackServiceUser',
};
const creationArn = `arn:aws:states:eu-central-1:111122223333:execution:CreateServiceUser:${PROVISIONING_ID}`;
const rollBackArn = `arn:aws:states:eu-central-1:111122223333:execution:RollBackServiceUser:${ROLL_BACK}.1`;
const input = { ...subject, owner: MACHINE_OWNER, encrypted_password: ENCRYPTED };
const rollBackInput = { ...subject, owner: MACHINE_OWNER, ...stood };

let clock: ReturnType<typeof fakeClock>;
const get = (id = PROVISIONING_ID, headers: Record<string, string> = {}, include?: string[]) =>
  handler()(authorizedRequest({ method: 'GET', id, headers, ...(include === undefined ? {} : { include }) }));
const handler = () =>
  api(
    getUserCreation({
      stepFunctions: new SFNClient({}),
      cognito: new CognitoIdentityProviderClient({}),
      environment: {
        ...machines,
        SERVICE: 'app2',
        USER_POOL_ID: 'pool',
        SERVICE_USER_GROUP: 'service-user',
      },
      clock,
    }),
  );
/** The request of App1 after a notification. */
const getByName = (username: string) =>
  handler()({
    ...authorizedRequest({ method: 'GET', id: PROVISIONING_ID, headers: { 'Creation-Id': CREATION_ID } }),
    multiValueQueryStringParameters: { username: [username] },
  });
const creation = () => stepFunctions.on(DescribeExecutionCommand, { executionArn: creationArn });
const rollBack = () => stepFunctions.on(DescribeExecutionCommand, { executionArn: rollBackArn });

beforeEach(() => {
  clock = fakeClock();
  cognito.reset();
  stepFunctions.reset();
  stepFunctions.on(DescribeExecutionCommand).rejects(notFound());
});

describe('GET /admin/create-user/{provisioning_id}', () => {
  it('returns the condition for which the roll-back waits', async () => {
    creation().resolves(execution(input, { status: 'ABORTED' }));
    rollBack().resolves(
      execution(rollBackInput, {
        startDate: new Date(clock.now() - 60_000),
        executionArn: rollBackArn,
      }),
    );
    stepFunctions.on(GetExecutionHistoryCommand, { executionArn: rollBackArn }).resolves({
      events: historyOf({
        step: 'DeleteUser',
        from: 0,
        attempts: [{ from: 5, to: 9, error: 'ServiceUnavailable' }],
      }).toReversed(),
    });

    expect(provisioningStatus.parse(JSON.parse((await get()).body))).toMatchObject({
      status: 'ABORTED',
      user: 'being_removed',
      waiting_for: { what: 'aws', step: 'DeleteUser', code: 'SERVICE_UNAVAILABLE' },
    });
  });

  it('returns the creation to its client, without the ciphertext', async () => {
    creation().resolves(execution(input, { status: 'SUCCEEDED' }));

    const response = await get();

    expect(response.statusCode).toBe(200);
    expect(JSON.parse(response.body)).toEqual({
      ...subjectInStatus,
      status: 'SUCCEEDED',
      user: 'present',
      started_at: STARTED.toISOString(),
      stopped_at: STOPPED.toISOString(),
    });
    expectNoLeak(ENCRYPTED, response);
    expect(response.headers).not.toHaveProperty('Retry-After');
  });

  it('returns Retry-After while the creation is running', async () => {
    creation().resolves(execution(input));

    expect((await get()).headers).toMatchObject({ 'Retry-After': '1' });
  });

  it.each([
    ['RUNNING', 'being_removed'],
    ['FAILED', 'being_removed'],
    ['SUCCEEDED', 'absent'],
  ] as const)('after a roll-back that is %s reports the user as %s', async (status, user) => {
    creation().resolves(execution(input, { status: 'SUCCEEDED' }));
    rollBack().resolves(execution(rollBackInput, { status }));

    expect(JSON.parse((await get()).body)).toMatchObject({ status: 'SUCCEEDED', user });
  });

  it("returns the same 404 for another client's creation, an unknown id and a malformed id", async () => {
    creation().resolves(execution({ ...input, owner: 'another-client' }));
    const others = await get();
    creation().rejects(notFound());
    const unknown = await get();
    const malformed = await get('no-uuid');

    expectProblem(others, 'NOT_FOUND');
    expect(unknown).toEqual(others);
    expect(malformed).toEqual(others);
  });

  it('returns the same 404 for another generation', async () => {
    creation().resolves(execution(input));

    expect(await get(PROVISIONING_ID, { 'Creation-Id': CREATION_ID })).toMatchObject({ statusCode: 200 });
    expectProblem(await get(PROVISIONING_ID, { 'Creation-Id': OTHER_CREATION_ID }), 'NOT_FOUND');
    expectProblem(await get(PROVISIONING_ID, { 'Creation-Id': 'no-uuid' }), 'INVALID_REQUEST');
  });

  it('reports the user as unknown when the cancellation arrived before the request', async () => {
    const cancelled = { ...GENERATION, owner: MACHINE_OWNER, cancelled: true };
    creation().resolves(execution(cancelled, failedAs('Cancelled', 'DecryptCredentials', 'Cancelled')));

    expect(JSON.parse((await get()).body)).toMatchObject({ status: 'FAILED', user: 'unknown' });
  });

  it('waits for the outcome with Prefer: wait', async () => {
    creation()
      .resolvesOnce(execution(input))
      .resolves(execution(input, { status: 'SUCCEEDED' }));

    const response = await get(PROVISIONING_ID, { prefer: 'wait=5' });

    expect(response.headers).toMatchObject({ 'Preference-Applied': 'wait=5' });
    expect(JSON.parse(response.body)).toMatchObject({ status: 'SUCCEEDED' });
    expect(clock.sleeps).toHaveLength(1);
  });

  it('returns 503 when Step Functions throttles', async () => {
    creation().rejects(sdkError('ThrottlingException'));

    expectProblem(await get(), 'SERVICE_UNAVAILABLE');
  });
});

describe('GET /admin/create-user/{provisioning_id}?include=timeline', () => {
  it('adds the steps of the creation and of its roll-back', async () => {
    creation().resolves(execution(input, { status: 'ABORTED' }));
    rollBack().resolves(execution(rollBackInput));
    stepFunctions
      .on(GetExecutionHistoryCommand, { executionArn: creationArn })
      .resolves({ events: historyOf({ step: 'CreateUser', from: 0 }) });
    stepFunctions
      .on(GetExecutionHistoryCommand, { executionArn: rollBackArn })
      .resolves({ events: historyOf({ step: 'DeleteUser', from: 900 }) });

    const response = await get(PROVISIONING_ID, {}, ['timeline']);

    const { timeline, user } = provisioningStatus.parse(JSON.parse(response.body));

    expect(user).toBe('being_removed');
    expect(timeline?.map(({ service, workflow, step }) => [service, workflow, step])).toEqual([
      ['app2', 'CreateServiceUser', 'CreateUser'],
      ['app2', 'RollBackServiceUser', 'DeleteUser'],
    ]);
  });

  it('refuses another value with the accepted one', async () => {
    expectProblem(await get(PROVISIONING_ID, {}, ['history']), 'INVALID_REQUEST');
  });
});

describe('GET /admin/create-user/{provisioning_id}?username=', () => {
  const user: Partial<AdminGetUserCommandOutput> = {
    UserStatus: 'CONFIRMED',
    Enabled: true,
    UserCreateDate: STARTED,
    UserAttributes: attributesOf({ ...stamps, owner: MACHINE_OWNER }),
  };
  const inPool = (
    over: Partial<AdminGetUserCommandOutput> = {},
    Groups = [{ GroupName: 'service-user' }],
  ) => {
    cognito.on(AdminGetUserCommand).resolves({ ...user, ...over });
    cognito.on(AdminListGroupsForUserCommand).resolves({ Groups });
  };

  const stamped = (over: Partial<typeof stamps>) =>
    attributesOf({ ...stamps, owner: MACHINE_OWNER, ...over });

  it('returns the status of a finished user from the pool, without DescribeExecution', async () => {
    inPool();

    const response = await getByName('alice');

    expect(response.statusCode).toBe(200);
    expect(provisioningStatus.parse(JSON.parse(response.body))).toEqual({
      ...subjectInStatus,
      status: 'SUCCEEDED',
      user: 'present',
      started_at: STARTED.toISOString(),
    });
    expect(stepFunctions.calls()).toEqual([]);
  });

  it.each([
    ['that is not there', () => cognito.on(AdminGetUserCommand).rejects(sdkError('UserNotFoundException'))],
    ['whose password is not set', () => inPool({ UserStatus: 'FORCE_CHANGE_PASSWORD' })],
    ['that is disabled', () => inPool({ Enabled: false })],
    ['that is not in the group', () => inPool({}, [])],
    ['of another provisioning', () => inPool({ UserAttributes: stamped({ provisioning_id: 'another' }) })],
    ['of another generation', () => inPool({ UserAttributes: stamped({ creation_id: 'another' }) })],
    ['of another owner', () => inPool({ UserAttributes: stamped({ owner: 'another' }) })],
  ])('returns the status of the execution for a user %s', async (_what, given) => {
    given();
    creation().resolves(execution(input));

    expect(JSON.parse((await getByName('alice')).body)).toMatchObject({ status: 'RUNNING' });
  });
});
