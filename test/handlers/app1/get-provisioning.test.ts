import { DescribeExecutionCommand, SFNClient } from '@aws-sdk/client-sfn';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { getProvisioning } from '../../../handlers/app1/get-provisioning.ts';
import { api } from '../../../handlers/shared/api.ts';
import { CALLER, CALLERS_OWNER, signedRequest } from '../../support/api-events.ts';
import { fakeClock } from '../../support/clock.ts';
import { execution, failedAs, notFound, STARTED, STOPPED } from '../../support/executions.ts';
import { expectNoLeak } from '../../support/leaks.ts';
import { expectProblem } from '../../support/problems.ts';
import { PROVISIONING_ID, SEALED, subject } from '../../support/subject.ts';

const stepFunctions = mockClient(SFNClient);
const machines = {
  STATE_MACHINE_ARN: 'arn:aws:states:eu-central-1:111122223333:stateMachine:ProvisionServiceUser',
  ROLL_BACK_STATE_MACHINE_ARN: 'arn:aws:states:eu-central-1:111122223333:stateMachine:RollBackProvisioning',
};
const executionArn = `arn:aws:states:eu-central-1:111122223333:execution:ProvisionServiceUser:${PROVISIONING_ID}`;
const rollBackArn = `arn:aws:states:eu-central-1:111122223333:execution:RollBackProvisioning:${PROVISIONING_ID}`;
const input = { ...subject, owner: CALLERS_OWNER, sealed_password: SEALED, request_mac: 'canary-mac' };

let clock: ReturnType<typeof fakeClock>;
const get = ({
  id = PROVISIONING_ID,
  headers = {},
  caller = CALLER.caller,
}: {
  id?: string;
  headers?: Record<string, string>;
  caller?: string;
} = {}) =>
  api(getProvisioning({ stepFunctions: new SFNClient({}), environment: machines, clock }))(
    signedRequest({ method: 'GET', id, headers }, { ...CALLER, caller }),
  );
const look = () => stepFunctions.on(DescribeExecutionCommand, { executionArn });

beforeEach(() => {
  clock = fakeClock();
  stepFunctions.reset();
  stepFunctions.on(DescribeExecutionCommand).rejects(notFound());
});

describe('GET /create-service-user/{provisioning_id}', () => {
  it('shows its owner what became of it, without what is sealed', async () => {
    look().resolves(execution(input, { status: 'SUCCEEDED' }));

    const answer = await get();

    expect(answer.statusCode).toBe(200);
    expect(JSON.parse(answer.body)).toEqual({
      ...subject,
      status: 'SUCCEEDED',
      user: 'present',
      started_at: STARTED.toISOString(),
      stopped_at: STOPPED.toISOString(),
    });
    expectNoLeak(SEALED, answer);
    expectNoLeak('canary-mac', answer);
  });

  it('says which step failed and what to do', async () => {
    look().resolves(
      execution(input, failedAs('ProvisioningFailed', 'RequestUserCreation', 'UserAlreadyExists')),
    );

    expect(JSON.parse((await get()).body)).toMatchObject({
      status: 'FAILED',
      user: 'absent',
      error: { code: 'USER_ALREADY_EXISTS', step: 'RequestUserCreation', retryable: false },
    });
  });

  it.each([
    ['RUNNING', 'being_removed'],
    ['FAILED', 'being_removed'],
    ['SUCCEEDED', 'absent'],
  ] as const)('after a roll-back that is %s says that the user is %s', async (status, user) => {
    look().resolves(execution(input, { status: 'SUCCEEDED' }));
    stepFunctions
      .on(DescribeExecutionCommand, { executionArn: rollBackArn })
      .resolves(execution({ ...subject, owner: CALLERS_OWNER }, { status }));

    expect(JSON.parse((await get()).body)).toMatchObject({ status: 'SUCCEEDED', user });
  });

  it('shows it to another session of the same role', async () => {
    look().resolves(execution(input));

    expect(await get({ caller: 'AROAROLEID:another-session' })).toMatchObject({ statusCode: 200 });
  });

  it('gives everybody else the same 404 as for an unknown or malformed id', async () => {
    look().resolves(execution(input));
    const stranger = await get({ caller: 'AROASTRANGER:session' });
    look().rejects(notFound());

    expectProblem(stranger, 'NOT_FOUND');
    expect(await get()).toEqual(stranger);
    expect(await get({ id: 'no-uuid' })).toEqual(stranger);
  });

  it('waits for the end when it is asked to', async () => {
    look()
      .resolvesOnce(execution(input))
      .resolves(execution(input, { status: 'SUCCEEDED' }));

    const answer = await get({ headers: { Prefer: 'wait=5' } });

    expect(answer.headers).toMatchObject({ 'Preference-Applied': 'wait=5' });
    expect(JSON.parse(answer.body)).toMatchObject({ status: 'SUCCEEDED' });
  });
});
