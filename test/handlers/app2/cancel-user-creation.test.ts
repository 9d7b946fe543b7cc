import { DescribeExecutionCommand, SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { cancelUserCreation } from '../../../handlers/app2/cancel-user-creation.ts';
import { api } from '../../../handlers/shared/api.ts';
import { authorizedRequest, MACHINE_OWNER, ORIGIN } from '../../support/api-events.ts';
import { fakeClock } from '../../support/clock.ts';
import { execution, failedAs, notFound } from '../../support/executions.ts';
import { expectProblem } from '../../support/problems.ts';
import { sdkError } from '../../support/sdk-errors.ts';
import { ENCRYPTED, PROVISIONING_ID, subject, TRACE_ID } from '../../support/subject.ts';

const stepFunctions = mockClient(SFNClient);
const machines = {
  STATE_MACHINE_ARN: 'arn:aws:states:eu-central-1:111122223333:stateMachine:CreateServiceUser',
  ROLL_BACK_STATE_MACHINE_ARN: 'arn:aws:states:eu-central-1:111122223333:stateMachine:RollBackServiceUser',
};
const creationArn = `arn:aws:states:eu-central-1:111122223333:execution:CreateServiceUser:${PROVISIONING_ID}`;
const rollBackArn = `arn:aws:states:eu-central-1:111122223333:execution:RollBackServiceUser:${PROVISIONING_ID}`;
const input = { ...subject, owner: MACHINE_OWNER, encrypted_password: ENCRYPTED };
const rollBackInput = { ...subject, owner: MACHINE_OWNER };
const cancelled = { provisioning_id: PROVISIONING_ID, owner: MACHINE_OWNER, cancelled: true };

let clock: ReturnType<typeof fakeClock>;
const del = (headers: Record<string, string> = {}, id = PROVISIONING_ID) =>
  api(cancelUserCreation({ stepFunctions: new SFNClient({}), environment: machines, clock }))(
    authorizedRequest({ method: 'DELETE', id, headers }),
  );
const creation = () => stepFunctions.on(DescribeExecutionCommand, { executionArn: creationArn });
const rollBack = () => stepFunctions.on(DescribeExecutionCommand, { executionArn: rollBackArn });
const started = () =>
  stepFunctions.commandCalls(StartExecutionCommand).map(({ args: [{ input: asked }] }) => ({
    machine: asked.stateMachineArn,
    name: asked.name,
    input: JSON.parse(asked.input ?? ''),
  }));

beforeEach(() => {
  clock = fakeClock();
  stepFunctions.reset();
  stepFunctions.on(DescribeExecutionCommand).rejects(notFound());
  stepFunctions.on(StartExecutionCommand).resolves({});
});

describe('DELETE /admin/create-user/{provisioning_id}', () => {
  it.each(['RUNNING', 'SUCCEEDED', 'ABORTED', 'TIMED_OUT'] as const)(
    'starts the roll-back of a creation that is %s',
    async (status) => {
      creation().resolves(execution(input, { status }));

      const answer = await del();

      expect(answer.statusCode).toBe(202);
      expect(JSON.parse(answer.body)).toMatchObject({ status, user: 'being_removed' });
      expect(started()).toEqual([
        {
          machine: machines.ROLL_BACK_STATE_MACHINE_ARN,
          name: PROVISIONING_ID,
          input: { ...rollBackInput, ...ORIGIN },
        },
      ]);
    },
  );

  it('answers 204 when the removal ends in the time that the client waits', async () => {
    creation().resolves(execution(input, { status: 'SUCCEEDED' }));
    rollBack()
      .rejectsOnce(notFound())
      .resolvesOnce(execution(rollBackInput))
      .resolves(execution(rollBackInput, { status: 'SUCCEEDED' }));

    expect(await del({ Prefer: 'wait=10' })).toMatchObject({ statusCode: 204, body: '' });
  });

  it('answers 202 when the time is over', async () => {
    creation().resolves(execution(input, { status: 'SUCCEEDED' }));
    rollBack().resolves(execution(rollBackInput));
    const before = clock.now();

    expect(await del({ Prefer: 'wait=10' })).toMatchObject({ statusCode: 202 });
    expect(clock.now() - before).toBe(10_000);
  });

  it('answers 204 and starts nothing when the user was removed before', async () => {
    creation().resolves(execution(input, { status: 'SUCCEEDED' }));
    rollBack().resolves(execution(rollBackInput, { status: 'SUCCEEDED' }));

    expect(await del()).toMatchObject({ statusCode: 204, body: '' });
    expect(started()).toEqual([]);
  });

  it('does not answer 204 when the roll-back failed', async () => {
    creation().resolves(execution(input, { status: 'SUCCEEDED' }));
    rollBack().resolves(execution(rollBackInput, failedAs('RollBackFailed', 'DeleteUser', 'StepFailed')));

    const answer = await del({ Prefer: 'wait=10' });

    expect(answer.statusCode).toBe(202);
    expect(JSON.parse(answer.body)).toMatchObject({ user: 'being_removed' });
  });

  it('can be repeated: a roll-back that was started before goes on', async () => {
    creation().resolves(execution(input, { status: 'SUCCEEDED' }));
    stepFunctions.on(StartExecutionCommand).rejects(sdkError('ExecutionAlreadyExists'));
    rollBack().resolves(execution(rollBackInput, { status: 'SUCCEEDED' }));

    expect(await del()).toMatchObject({ statusCode: 204 });
  });

  it.each(['UserCreationRejected', 'UserCreationRolledBack', 'Cancelled'])(
    'has nothing to do after %s, an end that left no user',
    async (error) => {
      creation().resolves(execution(input, failedAs(error, 'CreateUser', 'UserAlreadyExists')));

      expect(await del()).toMatchObject({ statusCode: 204 });
      expect(started()).toEqual([]);
    },
  );

  it('takes the name of a creation that it cannot see, so that none can begin', async () => {
    expect(await del()).toMatchObject({ statusCode: 204 });
    expect(started()).toEqual([
      {
        machine: machines.STATE_MACHINE_ARN,
        name: PROVISIONING_ID,
        input: { ...cancelled, trace_id: TRACE_ID },
      },
    ]);
  });

  it('promises nothing when the name was taken but cannot be seen', async () => {
    stepFunctions.on(StartExecutionCommand).rejects(sdkError('ExecutionAlreadyExists'));

    expectProblem(await del(), 'SERVICE_UNAVAILABLE');
  });

  it('has nothing to do when it was cancelled before it arrived', async () => {
    creation().resolves(execution(cancelled));

    expect(await del()).toMatchObject({ statusCode: 204 });
    expect(started()).toEqual([]);
  });

  it('touches nothing of another client', async () => {
    creation().resolves(execution({ ...input, owner: 'another-client' }));

    expectProblem(await del(), 'NOT_FOUND');
    expect(started()).toEqual([]);
  });

  it('starts nothing for an id that is no UUID', async () => {
    expectProblem(await del({}, 'no-uuid'), 'NOT_FOUND');
    expect(started()).toEqual([]);
  });
});
