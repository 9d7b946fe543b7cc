import {
  AdminGetUserCommand,
  CognitoIdentityProviderClient,
} from '@aws-sdk/client-cognito-identity-provider';
import { DescribeExecutionCommand, SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { provisioningStatus } from '../../../contracts/status.ts';
import { cancelUserCreation } from '../../../handlers/app2/cancel-user-creation.ts';
import { api } from '../../../handlers/shared/api.ts';
import { authorizedRequest, MACHINE_OWNER, ORIGIN } from '../../support/api-events.ts';
import { fakeClock } from '../../support/clock.ts';
import { execution, failedAs, notFound } from '../../support/executions.ts';
import { attributesOf, stamps, withoutStamps } from '../../support/pool-users.ts';
import { expectProblem } from '../../support/problems.ts';
import { sdkError } from '../../support/sdk-errors.ts';
import {
  CREATION_ID,
  ENCRYPTED,
  OTHER_CREATION_ID,
  OTHER_PROVISIONING_ID,
  PROVISIONING_ID,
  ROLL_BACK,
  subject,
  TRACE_ID,
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
const CANCELLED = { step: 'Execution', error: 'Cancelled' };
const rollBackInput = { ...subject, owner: MACHINE_OWNER, had_succeeded: true, failure: CANCELLED };
const cancelled = {
  provisioning_id: PROVISIONING_ID,
  creation_id: CREATION_ID,
  owner: MACHINE_OWNER,
  cancelled: true,
};

let clock: ReturnType<typeof fakeClock>;
const cancel = (request: Parameters<typeof authorizedRequest>[0]) =>
  api(
    cancelUserCreation({
      stepFunctions: new SFNClient({}),
      cognito: new CognitoIdentityProviderClient({}),
      environment: { USER_POOL_ID: 'pool', ...machines },
      clock,
    }),
  )(authorizedRequest({ method: 'DELETE', id: PROVISIONING_ID, ...request }));

/** A request as App1 sends it. */
const del = (
  headers: Record<string, string> = {},
  query: Record<string, string[]> = { username: ['alice'] },
) => cancel({ headers: { 'Creation-Id': CREATION_ID, ...headers }, query });
const creation = () => stepFunctions.on(DescribeExecutionCommand, { executionArn: creationArn });
const rollBack = () => stepFunctions.on(DescribeExecutionCommand, { executionArn: rollBackArn });
/** A user with the name in the pool. */
const poolHas = (UserAttributes = attributesOf(), UserCreateDate = new Date('2025-09-01T00:00:00Z')) =>
  cognito
    .on(AdminGetUserCommand, { UserPoolId: 'pool', Username: 'alice' })
    .resolves({ UserAttributes, UserCreateDate });
const poolReads = () => cognito.commandCalls(AdminGetUserCommand).length;
const started = () =>
  stepFunctions.commandCalls(StartExecutionCommand).map(({ args: [{ input: request }] }) => ({
    machine: request.stateMachineArn,
    name: request.name,
    input: JSON.parse(request.input ?? ''),
  }));

beforeEach(() => {
  clock = fakeClock();
  stepFunctions.reset();
  cognito.reset();
  cognito.on(AdminGetUserCommand).rejects(sdkError('UserNotFoundException'));
  stepFunctions.on(DescribeExecutionCommand).rejects(notFound());
  stepFunctions.on(StartExecutionCommand).resolves({});
});

describe('DELETE /admin/create-user/{provisioning_id}', () => {
  it.each(['RUNNING', 'SUCCEEDED', 'ABORTED', 'TIMED_OUT'] as const)(
    'starts the roll-back of a creation that is %s',
    async (status) => {
      creation().resolves(execution(input, { status }));

      const response = await del();

      expect(response.statusCode).toBe(202);
      expect(JSON.parse(response.body)).toMatchObject({ status, user: 'being_removed' });
      expect(started()).toEqual([
        {
          machine: machines.ROLL_BACK_STATE_MACHINE_ARN,
          name: `${ROLL_BACK}.1`,
          input: {
            ...rollBackInput,
            ...ORIGIN,
            had_succeeded: status === 'SUCCEEDED',
            failure: expect.any(Object),
          },
        },
      ]);
    },
  );

  it('returns 204 when the removal finishes within the preferred wait', async () => {
    creation().resolves(execution(input, { status: 'SUCCEEDED' }));
    rollBack()
      .rejectsOnce(notFound())
      .resolvesOnce(execution(rollBackInput))
      .resolves(execution(rollBackInput, { status: 'SUCCEEDED' }));

    expect(await del({ Prefer: 'wait=10' })).toMatchObject({ statusCode: 204, body: '' });
  });

  it('returns 202 after the preferred wait', async () => {
    creation().resolves(execution(input, { status: 'SUCCEEDED' }));
    rollBack().resolves(execution(rollBackInput));
    const before = clock.now();

    expect(await del({ Prefer: 'wait=10' })).toMatchObject({ statusCode: 202 });
    expect(clock.now() - before).toBe(10_000);
  });

  it('returns 204 and starts nothing when the user was removed before', async () => {
    creation().resolves(execution(input, { status: 'SUCCEEDED' }));
    rollBack().resolves(execution(rollBackInput, { status: 'SUCCEEDED' }));

    expect(await del()).toMatchObject({ statusCode: 204, body: '' });
    expect(started()).toEqual([]);
  });

  it('does not return 204 when the roll-back failed', async () => {
    creation().resolves(execution(input, { status: 'SUCCEEDED' }));
    rollBack().resolves(execution(rollBackInput, failedAs('RollBackFailed', 'DeleteUser', 'StepFailed')));

    const response = await del({ Prefer: 'wait=10' });

    expect(response.statusCode).toBe(202);
    expect(JSON.parse(response.body)).toMatchObject({ user: 'being_removed' });
  });

  it('is idempotent during a roll-back', async () => {
    creation().resolves(execution(input, { status: 'SUCCEEDED' }));
    stepFunctions.on(StartExecutionCommand).rejects(sdkError('ExecutionAlreadyExists'));
    rollBack().resolves(execution(rollBackInput, { status: 'SUCCEEDED' }));

    expect(await del()).toMatchObject({ statusCode: 204 });
  });

  it.each(['UserCreationRejected', 'UserCreationRolledBack'])(
    'starts nothing after the clean outcome %s',
    async (error) => {
      creation().resolves(execution(input, failedAs(error, 'CreateUser', 'UserAlreadyExists')));

      expect(await del()).toMatchObject({ statusCode: 204 });
      expect(started()).toEqual([]);
      expect(poolReads()).toBe(0);
    },
  );

  it('accepts any generation for a client without Creation-Id', async () => {
    creation().resolves(execution({ ...input, creation_id: OTHER_CREATION_ID }, { status: 'SUCCEEDED' }));

    expect((await cancel({})).statusCode).toBe(202);
    expect(started()).toMatchObject([{ name: `${PROVISIONING_ID}.${OTHER_CREATION_ID}.1` }]);
  });

  it('returns 404 for the creation of another owner', async () => {
    creation().resolves(execution({ ...input, owner: 'another-client' }));

    expectProblem(await del(), 'NOT_FOUND');
    expect(started()).toEqual([]);
  });

  it('starts nothing for an id that is not a UUID', async () => {
    expectProblem(await cancel({ id: 'no-uuid' }), 'NOT_FOUND');
    expect(started()).toEqual([]);
  });
});

/** The execution that reserves the name of a creation without a record. */
const cancellation = {
  machine: machines.STATE_MACHINE_ARN,
  name: PROVISIONING_ID,
  input: { ...cancelled, trace_id: TRACE_ID },
};
const rollBackOfUser = {
  machine: machines.ROLL_BACK_STATE_MACHINE_ARN,
  name: `${ROLL_BACK}.1`,
  input: { ...rollBackInput, ...ORIGIN },
};

describe.each([
  ['that has no record', () => undefined, [cancellation]],
  ['of which a cancellation has the name', () => creation().resolves(execution(cancelled)), []],
  [
    'of which the cancellation of another generation has the name',
    () => creation().resolves(execution({ ...cancelled, creation_id: OTHER_CREATION_ID })),
    [],
  ],
])('DELETE /admin/create-user/{provisioning_id} %s', (_what, given, taken) => {
  beforeEach(() => {
    given();
  });

  it('reserves the name, reads the pool, and returns 204', async () => {
    const inOrder: string[] = [];
    stepFunctions.on(StartExecutionCommand).callsFake(() => inOrder.push('reserve name'));
    cognito.on(AdminGetUserCommand).callsFake(() => {
      inOrder.push('read pool');
      throw sdkError('UserNotFoundException');
    });

    expect(await del()).toMatchObject({ statusCode: 204 });
    expect(started()).toEqual(taken);
    expect(inOrder).toEqual([...taken.map(() => 'reserve name'), 'read pool']);
  });

  it.each([
    ['no provisioning', withoutStamps],
    ['another provisioning', attributesOf({ ...stamps, provisioning_id: OTHER_PROVISIONING_ID })],
    ['another owner', attributesOf({ ...stamps, owner: 'another-client' })],
  ])(
    'returns 204 when the name belongs to a user of %s, which is not changed',
    async (_whose, attributes) => {
      poolHas(attributes);

      expect(await del()).toMatchObject({ statusCode: 204 });
      expect(started()).toEqual(taken);
    },
  );

  it('removes the user of this generation as that of a successful creation', async () => {
    poolHas();

    const response = await del();

    expect(response.statusCode).toBe(202);
    expect(provisioningStatus.parse(JSON.parse(response.body))).toEqual({
      ...{ provisioning_id: PROVISIONING_ID, username: 'alice', human_user_id: subject.human_user_id },
      ...{ status: 'SUCCEEDED', user: 'being_removed', started_at: '2025-09-01T00:00:00.000Z' },
    });
    expect(started()).toEqual([...taken, rollBackOfUser]);
  });

  it('publishes on whose behalf the user was created', async () => {
    poolHas(attributesOf({ ...stamps, on_behalf_of: '111122223333/AROAEXAMPLE' }));

    await del();

    expect(started().at(-1)?.input).toMatchObject({ on_behalf_of: '111122223333/AROAEXAMPLE' });
  });

  it('returns 204 after a removal within the preferred wait', async () => {
    poolHas();
    rollBack().resolves(execution(rollBackInput, { status: 'SUCCEEDED' }));

    expect(await del({ Prefer: 'wait=5' })).toMatchObject({ statusCode: 204 });
  });

  it('returns 202 after a removal that failed within the preferred wait', async () => {
    poolHas();
    rollBack().resolves(execution(rollBackInput, failedAs('RollBackFailed', 'DeleteUser', 'StepFailed')));

    expect(await del({ Prefer: 'wait=5' })).toMatchObject({ statusCode: 202 });
  });

  it('does not change the user of another generation, and returns 409', async () => {
    poolHas(attributesOf({ ...stamps, creation_id: OTHER_CREATION_ID }));

    expectProblem(await del(), 'USER_OF_EARLIER_PROVISIONING');
    expect(started()).toEqual(taken);
  });

  it('removes the user of any generation for a client without Creation-Id', async () => {
    poolHas(attributesOf({ ...stamps, creation_id: OTHER_CREATION_ID }));

    expect((await cancel({ query: { username: ['alice'] } })).statusCode).toBe(202);
    expect(started().at(-1)).toMatchObject({ name: `${PROVISIONING_ID}.${OTHER_CREATION_ID}.1` });
  });

  it('returns a 5xx when the pool is not available', async () => {
    cognito.on(AdminGetUserCommand).rejects(sdkError('TooManyRequestsException'));

    expectProblem(await del(), 'SERVICE_UNAVAILABLE');
  });

  it('needs the username, and reserves nothing without it', async () => {
    expect(expectProblem(await del({}, {}), 'INVALID_REQUEST').errors).toEqual([
      { pointer: 'query username', detail: 'is missing' },
    ]);
    expect(started()).toEqual([]);
    expect(poolReads()).toBe(0);
  });
});

describe('DELETE /admin/create-user/{provisioning_id} of which another generation has the record', () => {
  beforeEach(() => {
    creation().resolves(execution({ ...input, creation_id: OTHER_CREATION_ID }, { status: 'SUCCEEDED' }));
  });

  it.each([
    ['that generation', attributesOf({ ...stamps, creation_id: OTHER_CREATION_ID })],
    ['no provisioning', withoutStamps],
  ])('does not change a user of %s, and returns 409', async (_whose, attributes) => {
    poolHas(attributes);

    expectProblem(await del(), 'USER_OF_EARLIER_PROVISIONING');
    expect(started()).toEqual([]);
    expect(poolReads()).toBe(1);
  });

  it('returns 409 also without a user and without a username', async () => {
    expectProblem(await del(), 'USER_OF_EARLIER_PROVISIONING');
    expectProblem(await del({}, {}), 'USER_OF_EARLIER_PROVISIONING');
    expect(started()).toEqual([]);
  });

  it('removes the user of the requested generation', async () => {
    poolHas();

    expect((await del()).statusCode).toBe(202);
    expect(started()).toEqual([rollBackOfUser]);
  });
});

describe('DELETE /admin/create-user/{provisioning_id}', () => {
  it('returns 503 when the name is in use but not found', async () => {
    stepFunctions.on(StartExecutionCommand).rejects(sdkError('ExecutionAlreadyExists'));

    expectProblem(await del(), 'SERVICE_UNAVAILABLE');
    expect(poolReads()).toBe(0);
  });

  it('generates a creation_id for the cancellation of a client without Creation-Id', async () => {
    await cancel({ query: { username: ['alice'] } });

    const [first] = started();

    expect(first?.input.creation_id).toMatch(/^[0-9a-f-]{36}$/);
    expect(first?.input.creation_id).not.toBe(CREATION_ID);
  });

  it.each([
    ['header Creation-Id', { headers: { 'Creation-Id': 'not-a-uuid' } }],
    ['query username', { query: { username: [''] } }],
    ['query username', { query: { username: ['x'.repeat(129)] } }],
    ['query username', { query: { username: ['alice', 'bob'] } }],
  ])('refuses an invalid %s, and starts nothing', async (pointer, request) => {
    expect(expectProblem(await cancel(request), 'INVALID_REQUEST').errors).toEqual([
      { pointer, detail: expect.any(String) },
    ]);
    expect(stepFunctions.calls()).toHaveLength(0);
  });
});
