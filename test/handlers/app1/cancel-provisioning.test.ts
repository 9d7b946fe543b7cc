import { DynamoDBClient, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { DescribeExecutionCommand, SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { cancelProvisioning } from '../../../handlers/app1/cancel-provisioning.ts';
import { api } from '../../../handlers/shared/api.ts';
import { CALLER, CALLERS_OWNER, ORIGIN, signedRequest } from '../../support/api-events.ts';
import { highRates } from '../../support/caller-rates.ts';
import { fakeClock } from '../../support/clock.ts';
import { execution, failedAs, notFound } from '../../support/executions.ts';
import { expectNoLeak, watchLog } from '../../support/leaks.ts';
import { expectProblem } from '../../support/problems.ts';
import { sdkError } from '../../support/sdk-errors.ts';
import {
  INTAKE_CIPHERTEXT,
  PROVISIONING_ID,
  ROLL_BACK,
  stood,
  subject,
  subjectInStatus,
} from '../../support/subject.ts';
import { REGISTRY } from '../../support/targets.ts';

const stepFunctions = mockClient(SFNClient);
const dynamoDb = mockClient(DynamoDBClient);
const log = watchLog();
const machines = {
  STATE_MACHINE_ARN: 'arn:aws:states:eu-central-1:111122223333:stateMachine:ProvisionServiceUser',
  ROLL_BACK_STATE_MACHINE_ARN: 'arn:aws:states:eu-central-1:111122223333:stateMachine:RollBackProvisioning',
};
const executions = 'arn:aws:states:eu-central-1:111122223333:execution';
const provisioningArn = `${executions}:ProvisionServiceUser:${PROVISIONING_ID}`;
const rollBackArn = `${executions}:RollBackProvisioning:${ROLL_BACK}.1`;
const input = {
  ...subject,
  owner: CALLERS_OWNER,
  targets: ['app2'],
  intake_ciphertext: INTAKE_CIPHERTEXT,
  request_mac: 'canary-mac',
};
const rollBackInput = { ...subject, owner: CALLERS_OWNER, ...stood };

let clock: ReturnType<typeof fakeClock>;
interface Sent {
  id?: string;
  headers?: Record<string, string>;
  caller?: string;
}
const del = ({ id = PROVISIONING_ID, headers = {}, caller = CALLER.caller }: Sent = {}) =>
  api(
    cancelProvisioning({
      stepFunctions: new SFNClient({}),
      dynamoDb: new DynamoDBClient({}),
      environment: { ...machines, ...highRates, TARGETS: REGISTRY },
      clock,
    }),
  )(signedRequest({ method: 'DELETE', id, headers }, { ...CALLER, caller }));
const provisioning = () => stepFunctions.on(DescribeExecutionCommand, { executionArn: provisioningArn });
const rollBack = () => stepFunctions.on(DescribeExecutionCommand, { executionArn: rollBackArn });
const describedArns = () =>
  stepFunctions.commandCalls(DescribeExecutionCommand).map(({ args }) => args[0].input.executionArn);
const started = () =>
  stepFunctions.commandCalls(StartExecutionCommand).map(({ args: [{ input: request }] }) => ({
    machine: request.stateMachineArn,
    name: request.name,
    input: JSON.parse(request.input ?? ''),
  }));
const theRollBack = {
  machine: machines.ROLL_BACK_STATE_MACHINE_ARN,
  name: `${ROLL_BACK}.1`,
  input: {
    ...rollBackInput,
    ...ORIGIN,
    targets: ['app2'],
    had_succeeded: expect.any(Boolean),
    failure: expect.any(Object),
  },
};

beforeEach(() => {
  clock = fakeClock();
  stepFunctions.reset();
  dynamoDb.reset();
  dynamoDb.on(UpdateItemCommand).resolves({});
  stepFunctions.on(DescribeExecutionCommand).rejects(notFound());
  stepFunctions.on(StartExecutionCommand).resolves({});
});

describe('DELETE /create-service-user/{provisioning_id}', () => {
  it.each([
    ['RUNNING', { status: 'RUNNING' }],
    ['SUCCEEDED', { status: 'SUCCEEDED' }],
    ['ABORTED', { status: 'ABORTED' }],
    ['TIMED_OUT', { status: 'TIMED_OUT' }],
    ['FAILED', failedAs('RollBackFailed', 'RequestUserCreation', 'TargetUnavailable')],
  ] as const)('starts the roll-back of a provisioning that is %s', async (status, seen) => {
    provisioning().resolves(execution(input, seen));

    const response = await del();

    expect(response).toMatchObject({ statusCode: 202, headers: { 'Retry-After': '6' } });
    expect(JSON.parse(response.body)).toMatchObject({ ...subjectInStatus, status, user: 'being_removed' });
    expect(started()).toEqual([theRollBack]);
    expect(started()[0]?.input.had_succeeded).toBe(status === 'SUCCEEDED');
    expect(clock.sleeps).toEqual([]);
    expectNoLeak(INTAKE_CIPHERTEXT, response, started(), log());
  });

  it('waits for the removal with Prefer: wait and returns 204', async () => {
    provisioning().resolves(execution(input, { status: 'SUCCEEDED' }));
    rollBack()
      .rejectsOnce(notFound())
      .rejectsOnce(notFound())
      .resolvesOnce(execution(rollBackInput))
      .resolves(execution(rollBackInput, { status: 'SUCCEEDED' }));

    const response = await del({ headers: { Prefer: 'wait=10' } });

    expect(response).toMatchObject({ statusCode: 204, body: '', headers: { 'Cache-Control': 'no-store' } });
  });

  it('returns 202 after the preferred wait', async () => {
    provisioning().resolves(execution(input, { status: 'SUCCEEDED' }));
    rollBack().resolves(execution(rollBackInput));
    const before = clock.now();

    expect(await del({ headers: { Prefer: 'wait=10' } })).toMatchObject({ statusCode: 202 });
    expect(clock.now() - before).toBe(10_000);
  });

  it('returns 202 after a failed roll-back, because another one follows', async () => {
    provisioning().resolves(execution(input, { status: 'SUCCEEDED' }));
    rollBack().resolves(
      execution(rollBackInput, failedAs('RollBackFailed', 'CancelUserCreation', 'StepFailed')),
    );

    const response = await del({ headers: { Prefer: 'wait=10' } });

    expect(response.statusCode).toBe(202);
    expect(JSON.parse(response.body)).toMatchObject({ user: 'being_removed' });
  });

  it.each([
    ['throttled', sdkError('ThrottlingException')],
    ['without an response', sdkError('TimeoutError')],
    ['not allowed', sdkError('AccessDeniedException')],
  ])('returns 202 when every poll after the start of the roll-back is %s', async (_what, error) => {
    provisioning().resolves(execution(input, { status: 'SUCCEEDED' }));
    rollBack().rejectsOnce(notFound()).rejects(error);

    const response = await del({ headers: { Prefer: 'wait=10' } });

    expect(response.statusCode).toBe(202);
    expect(JSON.parse(response.body)).toMatchObject({ user: 'being_removed' });
  });

  it('does not poll a roll-back that it started, unless it waits', async () => {
    provisioning().resolves(execution(input, { status: 'SUCCEEDED' }));

    await del();

    expect(describedArns()).toEqual([provisioningArn, rollBackArn]);
  });

  it('is idempotent during the removal', async () => {
    provisioning().resolves(execution(input, { status: 'SUCCEEDED' }));
    rollBack().resolves(execution(rollBackInput));
    stepFunctions.on(StartExecutionCommand).rejects(sdkError('ExecutionAlreadyExists'));

    expect(await del()).toMatchObject({ statusCode: 202 });
  });

  it('returns 204 and starts nothing when the user was removed before', async () => {
    provisioning().resolves(execution(input, { status: 'SUCCEEDED' }));
    rollBack().resolves(execution(rollBackInput, { status: 'SUCCEEDED' }));

    expect(await del()).toMatchObject({ statusCode: 204, body: '' });
    expect(started()).toEqual([]);
  });

  it.each(['ProvisioningFailed', 'OutcomeNotPublished'])(
    'returns 204 and starts nothing after the clean outcome %s',
    async (error) => {
      provisioning().resolves(execution(input, failedAs(error, 'RequestUserCreation', 'PasswordRejected')));

      expect(await del()).toMatchObject({ statusCode: 204 });
      expect(started()).toEqual([]);
    },
  );

  describe('of a target that is registered as gone', () => {
    const atGone = { ...input, targets: ['old'] };
    const unchecked = { user: 'unknown', targets: [{ target: 'old', user: 'gone' }] };

    it('returns 200 with the status after a clean outcome, because no pool is checked', async () => {
      provisioning().resolves(
        execution(atGone, failedAs('ProvisioningFailed', 'RequestUserCreation', 'PasswordRejected')),
      );

      const response = await del();

      expect(response.statusCode).toBe(200);
      expect(JSON.parse(response.body)).toMatchObject({ status: 'FAILED', ...unchecked });
      expect(started()).toEqual([]);
    });

    it('starts the roll-back of a user that was created, and then returns 200 with the status', async () => {
      provisioning().resolves(execution(atGone, { status: 'SUCCEEDED' }));

      expect(await del()).toMatchObject({ statusCode: 202 });

      rollBack().resolves(execution(rollBackInput, { status: 'SUCCEEDED' }));
      const response = await del();

      expect(response.statusCode).toBe(200);
      expect(JSON.parse(response.body)).toMatchObject({ status: 'SUCCEEDED', ...unchecked });
      expect(started()).toHaveLength(1);
    });
  });

  it('finds a provisioning that DescribeExecution does not find immediately', async () => {
    provisioning().rejectsOnce(notFound()).rejectsOnce(notFound()).resolves(execution(input));

    expect(await del()).toMatchObject({ statusCode: 202 });
    expect(started()).toEqual([theRollBack]);
    expect(clock.sleeps).toHaveLength(2);
  });

  it("returns the same 404 after the same time for an unknown id and for another owner's", async () => {
    const unknown = await del();
    const [describedForUnknown, timeForUnknown] = [describedArns(), clock.sleeps];
    stepFunctions.resetHistory();
    clock = fakeClock();
    provisioning().resolves(execution(input));
    const strangers = await del({ caller: 'AROASTRANGER:session' });

    expectProblem(unknown, 'NOT_FOUND');
    expect(strangers).toEqual(unknown);
    expect(describedArns()).toEqual(describedForUnknown);
    expect(describedArns()).toHaveLength(3);
    expect(timeForUnknown).toEqual([500, 2_500]);
    expect(clock.sleeps).toEqual(timeForUnknown);
    expect(started()).toEqual([]);
  });

  it('returns the same 404 for an invalid id, without a call', async () => {
    const unknown = await del();
    stepFunctions.resetHistory();

    expect(await del({ id: 'no-uuid' })).toEqual(unknown);
    expect(describedArns()).toEqual([]);
  });

  it('accepts another session of the same role', async () => {
    provisioning().resolves(execution(input));

    expect(await del({ caller: 'AROAROLEID:another-session' })).toMatchObject({ statusCode: 202 });
  });

  it('returns a 5xx when the roll-back cannot be started', async () => {
    provisioning().resolves(execution(input));
    stepFunctions.on(StartExecutionCommand).rejects(sdkError('ThrottlingException'));

    expectProblem(await del(), 'SERVICE_UNAVAILABLE');
  });
});
