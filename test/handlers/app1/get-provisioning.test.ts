import { DynamoDBClient, GetItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { DescribeExecutionCommand, GetExecutionHistoryCommand, SFNClient } from '@aws-sdk/client-sfn';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { provisioningStatus } from '../../../contracts/status.ts';
import { getProvisioning } from '../../../handlers/app1/get-provisioning.ts';
import { api } from '../../../handlers/shared/api.ts';
import { CALLER, CALLERS_OWNER, signedRequest } from '../../support/api-events.ts';
import { highRates } from '../../support/caller-rates.ts';
import { fakeClock } from '../../support/clock.ts';
import { execution, failedAs, notFound, STARTED, STOPPED } from '../../support/executions.ts';
import { historyOf, iterationHistoryOf } from '../../support/history.ts';
import { expectNoLeak } from '../../support/leaks.ts';
import { expectProblem } from '../../support/problems.ts';
import { sdkError } from '../../support/sdk-errors.ts';
import {
  GENERATION,
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
const lambda = mockClient(LambdaClient);
const machines = {
  STATE_MACHINE_ARN: 'arn:aws:states:eu-central-1:111122223333:stateMachine:ProvisionServiceUser',
  CALLBACKS_TABLE: 'callbacks',
  ROLL_BACK_STATE_MACHINE_ARN: 'arn:aws:states:eu-central-1:111122223333:stateMachine:RollBackProvisioning',
  CALL_TARGET_FUNCTION: 'app1-call-target',
};
const executionArn = `arn:aws:states:eu-central-1:111122223333:execution:ProvisionServiceUser:${PROVISIONING_ID}`;
const rollBackArn = `arn:aws:states:eu-central-1:111122223333:execution:RollBackProvisioning:${ROLL_BACK}.1`;
const input = {
  ...subject,
  owner: CALLERS_OWNER,
  targets: ['app2'],
  intake_ciphertext: INTAKE_CIPHERTEXT,
  request_mac: 'canary-mac',
};

let clock: ReturnType<typeof fakeClock>;
const get = ({
  id = PROVISIONING_ID,
  headers = {},
  caller = CALLER.caller,
  include,
}: {
  id?: string;
  headers?: Record<string, string>;
  caller?: string;
  include?: string[];
} = {}) =>
  api(
    getProvisioning({
      stepFunctions: new SFNClient({}),
      lambda: new LambdaClient({}),
      dynamoDb: new DynamoDBClient({}),
      environment: { ...machines, ...highRates, TARGETS: REGISTRY },
      clock,
    }),
  )(
    signedRequest(
      { method: 'GET', id, headers, ...(include === undefined ? {} : { include }) },
      { ...CALLER, caller },
    ),
  );
const describeCall = () => stepFunctions.on(DescribeExecutionCommand, { executionArn });

beforeEach(() => {
  clock = fakeClock();
  stepFunctions.reset();
  dynamoDb.reset();
  dynamoDb.on(GetItemCommand).resolves({});
  dynamoDb.on(UpdateItemCommand).resolves({});
  lambda.reset();
  stepFunctions.on(DescribeExecutionCommand).rejects(notFound());
});

describe('GET /create-service-user/{provisioning_id}', () => {
  it('returns the status to the owner, without the ciphertext', async () => {
    describeCall().resolves(execution(input, { status: 'SUCCEEDED' }));

    const response = await get();

    expect(response.statusCode).toBe(200);
    expect(JSON.parse(response.body)).toEqual({
      ...subjectInStatus,
      status: 'SUCCEEDED',
      user: 'present',
      targets: [{ target: 'app2', user: 'present' }],
      started_at: STARTED.toISOString(),
      stopped_at: STOPPED.toISOString(),
    });
    expectNoLeak(INTAKE_CIPHERTEXT, response);
    expectNoLeak('canary-mac', response);
    expect(response.headers).not.toHaveProperty('Retry-After');
  });

  describe('of a target that is registered as gone', () => {
    const atGone = { ...input, targets: ['old'] };

    it.each([
      ['has succeeded', { status: 'SUCCEEDED' }, undefined],
      ['has failed cleanly', failedAs('ProvisioningFailed', 'CreateUser', 'StepFailed'), undefined],
      ['has been rolled back', { status: 'ABORTED' }, { status: 'SUCCEEDED' }],
    ] as const)(
      'reports the user as unknown, because no pool is checked, when it %s',
      async (_when, as, itsRollBack) => {
        describeCall().resolves(execution(atGone, as));
        if (itsRollBack !== undefined)
          stepFunctions
            .on(DescribeExecutionCommand, { executionArn: rollBackArn })
            .resolves(
              execution({ ...subject, owner: CALLERS_OWNER, ...stood, targets: ['old'] }, itsRollBack),
            );

        const response = await get();

        expect(JSON.parse(response.body)).toMatchObject({
          status: as.status,
          user: 'unknown',
          targets: [{ target: 'old', user: 'gone' }],
        });
        expect(response.headers).not.toHaveProperty('Retry-After');
      },
    );

    it('reports the user as being_removed until the roll-back has finished', async () => {
      describeCall().resolves(execution(atGone, { status: 'ABORTED' }));

      expect(JSON.parse((await get()).body)).toMatchObject({
        user: 'being_removed',
        targets: [{ target: 'old', user: 'gone' }],
      });
    });
  });

  it('returns Retry-After while the provisioning is running', async () => {
    describeCall().resolves(execution(input, { startDate: new Date(STARTED.getTime() - 8_000) }));

    expect((await get()).headers).toMatchObject({ 'Retry-After': '4' });
  });

  it('returns the condition for which the provisioning waits, and since when', async () => {
    describeCall().resolves(execution(input, { startDate: new Date(clock.now() - 60_000), executionArn }));
    stepFunctions.on(GetExecutionHistoryCommand).resolves({
      events: iterationHistoryOf('ProvisionTargets', {
        step: 'EncryptCredentials',
        from: 0,
        attempts: [{ from: 5, to: 9, error: 'TargetUnavailable' }],
      }).toReversed(),
    });

    const { waiting_for } = provisioningStatus.parse(JSON.parse((await get()).body));

    expect(waiting_for).toMatchObject({
      what: 'target',
      target: 'app2',
      step: 'EncryptCredentials',
      since: new Date(STARTED.getTime() + 5).toISOString(),
      code: 'TARGET_UNAVAILABLE',
    });
  });

  it('returns the condition for which the roll-back waits', async () => {
    describeCall().resolves(execution(input, { status: 'ABORTED' }));
    stepFunctions
      .on(DescribeExecutionCommand, { executionArn: rollBackArn })
      .resolves(
        execution(
          { ...subject, owner: CALLERS_OWNER, ...stood },
          { startDate: new Date(clock.now() - 60_000), executionArn: rollBackArn },
        ),
      );
    stepFunctions.on(GetExecutionHistoryCommand, { executionArn: rollBackArn }).resolves({
      events: iterationHistoryOf('CompensateTargets', {
        step: 'CancelUserCreation',
        from: 0,
        attempts: [{ from: 5, to: 9, error: 'TargetUnavailable' }],
      }).toReversed(),
    });

    expect(JSON.parse((await get()).body)).toMatchObject({
      status: 'ABORTED',
      user: 'being_removed',
      waiting_for: { what: 'target', step: 'CancelUserCreation' },
    });
  });

  it('returns the failed step and the remedy', async () => {
    describeCall().resolves(
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
  ] as const)('after a roll-back that is %s reports the user as %s', async (status, user) => {
    describeCall().resolves(execution(input, { status: 'SUCCEEDED' }));
    stepFunctions
      .on(DescribeExecutionCommand, { executionArn: rollBackArn })
      .resolves(execution({ ...subject, owner: CALLERS_OWNER, ...stood }, { status }));

    expect(JSON.parse((await get()).body)).toMatchObject({ status: 'SUCCEEDED', user });
  });

  it('returns the status to another session of the same role', async () => {
    describeCall().resolves(execution(input));

    expect(await get({ caller: 'AROAROLEID:another-session' })).toMatchObject({ statusCode: 200 });
  });

  it('returns the 404 of an unknown or malformed id to other callers', async () => {
    describeCall().resolves(execution(input));
    const stranger = await get({ caller: 'AROASTRANGER:session' });
    describeCall().rejects(notFound());

    expectProblem(stranger, 'NOT_FOUND');
    expect(await get()).toEqual(stranger);
    expect(await get({ id: 'no-uuid' })).toEqual(stranger);
  });

  it('waits for the outcome with Prefer: wait', async () => {
    describeCall()
      .resolvesOnce(execution(input))
      .resolves(execution(input, { status: 'SUCCEEDED' }));

    const response = await get({ headers: { Prefer: 'wait=5' } });

    expect(response.headers).toMatchObject({ 'Preference-Applied': 'wait=5' });
    expect(JSON.parse(response.body)).toMatchObject({ status: 'SUCCEEDED' });
  });
});

describe('GET /create-service-user/{provisioning_id}?include=timeline', () => {
  const of = { workflow: 'CreateServiceUser', execution: PROVISIONING_ID, attempts: [] };
  const app2Step = { ...of, service: 'app2', step: 'CreateUser', started_at: '2026-01-01T00:00:01.000Z' };
  const app2Returns = (response: object) => {
    const text = JSON.stringify(response);
    const Payload = Object.assign(new Uint8Array(), { transformToString: () => text });
    return lambda.on(InvokeCommand).resolves({ Payload });
  };
  const timelineOf = async () => {
    const response = await get({ include: ['timeline'] });
    const { timeline, timeline_incomplete } = provisioningStatus.parse(JSON.parse(response.body));
    return {
      names: timeline?.map(({ service, step }) => `${service} ${step}`),
      timeline_incomplete,
      response,
    };
  };

  beforeEach(() => {
    describeCall().resolves(execution(input));
    stepFunctions.on(GetExecutionHistoryCommand).resolves({
      events: historyOf(
        { step: 'Authenticate', from: 0, to: 500 },
        { step: 'RequestUserCreation', from: 500 },
        { step: 'PublishProvisioned', from: 3_000 },
      ),
    });
    app2Returns({ timeline: [app2Step] });
  });

  it("contains the steps of both services, App2's read by the function with the token", async () => {
    const { names, timeline_incomplete, response } = await timelineOf();

    expect(names).toEqual([
      'app1 Authenticate',
      'app1 RequestUserCreation',
      'app2 CreateUser',
      'app1 PublishProvisioned',
    ]);
    expect(timeline_incomplete).toBeUndefined();
    expect(lambda.commandCalls(InvokeCommand).map(({ args }) => args[0].input)).toEqual([
      {
        FunctionName: 'app1-call-target',
        Payload: JSON.stringify({ action: 'ReadTimeline', target: 'app2', ...GENERATION }),
      },
    ]);
    expectNoLeak(INTAKE_CIPHERTEXT, response);
  });

  it.each([
    ['does not response in time', () => lambda.on(InvokeCommand).rejects(sdkError('TimeoutError'))],
    ['is not available', () => lambda.on(InvokeCommand).resolves({ FunctionError: 'Unhandled' })],
    ['returns something else', () => app2Returns({ timeline: 'none' })],
  ])('is incomplete with only the steps of App1 when App2 %s', async (_what, happens) => {
    happens();

    const { names, timeline_incomplete } = await timelineOf();

    expect(names).toHaveLength(3);
    expect(timeline_incomplete).toEqual(['app2']);
  });

  it("is incomplete with only the steps of App2 when App1's history cannot be read", async () => {
    stepFunctions.on(GetExecutionHistoryCommand).rejects(sdkError('ThrottlingException'));

    const { names, timeline_incomplete, response } = await timelineOf();

    expect(response.statusCode).toBe(200);
    expect(names).toEqual(['app2 CreateUser']);
    expect(timeline_incomplete).toEqual(['app1']);
  });

  it('reads no history without the parameter', async () => {
    const response = await get();

    expect(JSON.parse(response.body)).not.toHaveProperty('timeline');
    expect(stepFunctions.commandCalls(GetExecutionHistoryCommand)).toHaveLength(0);
    expect(lambda.calls()).toHaveLength(0);
  });

  it('is not returned to another caller', async () => {
    expectProblem(await get({ include: ['timeline'], caller: 'AROAOTHER:session' }), 'NOT_FOUND');
    expect(lambda.calls()).toHaveLength(0);
  });

  it.each([[['everything']], [['timeline', 'everything']], [['']]])(
    'refuses the value %j with the accepted one',
    async (include) => {
      const { errors } = expectProblem(await get({ include }), 'INVALID_REQUEST');

      expect(errors).toEqual([{ pointer: 'query include', detail: 'must be `timeline`' }]);
    },
  );
});
