import {
  DescribeExecutionCommand,
  type DescribeExecutionCommandOutput,
  GetExecutionHistoryCommand,
  SFNClient,
  StopExecutionCommand,
} from '@aws-sdk/client-sfn';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { anyCreationInput } from '../../../contracts/executions.ts';
import { IN_FLIGHT_SECONDS } from '../../../contracts/time-limits.ts';
import { handler as stopProvisioning } from '../../../handlers/app1/stop-provisioning.ts';
import { handler as stopUserCreation } from '../../../handlers/app2/stop-user-creation.ts';
import { stopExecution } from '../../../handlers/shared/stop-execution.ts';
import { execution, failedAs, notFound } from '../../support/executions.ts';
import { sdkError } from '../../support/sdk-errors.ts';
import {
  ENCRYPTED,
  INTAKE_CIPHERTEXT,
  OTHER_CREATION_ID,
  PROVISIONING_ID,
  subject,
} from '../../support/subject.ts';

const stepFunctions = mockClient(SFNClient);
const NOW = Date.parse('2026-01-01T00:00:00Z');
const stateMachineArn = 'arn:aws:states:eu-central-1:111122223333:stateMachine:CreateServiceUser';
const executionArn = `arn:aws:states:eu-central-1:111122223333:execution:CreateServiceUser:${PROVISIONING_ID}`;
const input = { ...subject, owner: 'machine', encrypted_password: ENCRYPTED };

/** Input of the roll-back's step, which was entered `ago` seconds ago. */
const stepInput = (ago = 0, over: object = {}) => ({
  provisioning_id: PROVISIONING_ID,
  creation_id: subject.creation_id,
  had_succeeded: true,
  failure: { step: 'Execution', error: 'ExecutionTimedOut' },
  entered_at: new Date(NOW - ago * 1000).toISOString(),
  ...over,
});

const stop = (startedWith = stepInput()) =>
  stopExecution({
    stepFunctions: new SFNClient({}),
    stateMachineArn,
    inputSchema: anyCreationInput,
    now: () => NOW,
  })(startedWith);

/** The execution that is stopped; it finished `ago` seconds ago, unless it is running. */
function executionIs(seen: Partial<DescribeExecutionCommandOutput>, endedSecondsAgo = 3600) {
  const stopDate = new Date(NOW - endedSecondsAgo * 1000);
  stepFunctions
    .on(DescribeExecutionCommand, { executionArn })
    .resolves(execution(input, seen.status === 'RUNNING' ? seen : { ...seen, stopDate }));
}

/** The description of the execution after its stop, and the response of StopExecution. */
function whenStopped(seen: Partial<DescribeExecutionCommandOutput>, refusal?: Error) {
  stepFunctions.on(StopExecutionCommand).callsFake(async () => {
    executionIs(seen, 0);
    if (refusal !== undefined) throw refusal;
    return {};
  });
}

const stops = () => stepFunctions.commandCalls(StopExecutionCommand).map(({ args: [{ input }] }) => input);

beforeEach(() => {
  stepFunctions.reset();
  stepFunctions.on(DescribeExecutionCommand).rejects(notFound());
  stepFunctions.on(StopExecutionCommand).resolves({});
});

describe('stopExecution', () => {
  it('stops a running execution with the error Cancelled, and reports a call in flight', async () => {
    executionIs({ status: 'RUNNING' });
    whenStopped({ status: 'ABORTED', error: 'Cancelled' });

    await expect(stop()).resolves.toEqual({
      had_succeeded: false,
      creation_in_flight: true,
      has_record: true,
      failure: { step: 'Execution', error: 'Cancelled' },
    });
    expect(stops()).toMatchObject([{ executionArn, error: 'Cancelled' }]);
  });

  it.each([
    ['returns success', undefined],
    ['reports that nothing is running', sdkError('ValidationException')],
  ])(
    'reads the outcome of an execution that finished during the stop, when Step Functions %s',
    async (_what, refusal) => {
      executionIs({ status: 'RUNNING' });
      whenStopped({ status: 'SUCCEEDED' }, refusal);

      await expect(stop()).resolves.toEqual({
        had_succeeded: true,
        creation_in_flight: true,
        has_record: true,
        failure: { step: 'Execution', error: 'Cancelled' },
      });
    },
  );

  it('fails until the execution is reported as finished', async () => {
    executionIs({ status: 'RUNNING' });

    await expect(stop()).rejects.toMatchObject({ name: 'ServiceUnavailable' });
    expect(stops()).toHaveLength(1);
  });

  it.each(['SUCCEEDED', 'FAILED', 'ABORTED', 'TIMED_OUT'] as const)(
    'does not stop an execution that is %s',
    async (status) => {
      executionIs({ status });

      await stop();

      expect(stops()).toEqual([]);
    },
  );

  it('reports that the execution had succeeded', async () => {
    executionIs({ status: 'SUCCEEDED' });

    await expect(stop()).resolves.toEqual({
      had_succeeded: true,
      creation_in_flight: false,
      has_record: true,
      failure: { step: 'Execution', error: 'Cancelled' },
    });
  });

  it.each([
    [
      'a Fail state of ours',
      failedAs('RollBackFailed', 'SetPassword', 'UserNotFound'),
      'SetPassword',
      'UserNotFound',
    ],
    [
      'Step Functions itself',
      { status: 'FAILED', error: 'States.Runtime', cause: 'free text' },
      'Execution',
      'States.Runtime',
    ],
    ['an operator', { status: 'ABORTED', error: 'Maintenance' }, 'Execution', 'ExecutionAborted'],
    [
      'an earlier attempt of the roll-back',
      { status: 'ABORTED', error: 'Cancelled' },
      'Execution',
      'Cancelled',
    ],
    ['its own time limit', { status: 'TIMED_OUT' }, 'Execution', 'ExecutionTimedOut'],
  ] as const)('returns the failure of an execution that finished by %s', async (_whom, seen, step, error) => {
    executionIs(seen);

    await expect(stop()).resolves.toMatchObject({ had_succeeded: false, failure: { step, error } });
  });

  it.each([
    [IN_FLIGHT_SECONDS - 1, true],
    [IN_FLIGHT_SECONDS, false],
  ])(
    'reports for an execution that finished %i s ago a call in flight: %s',
    async (ago, creation_in_flight) => {
      executionIs({ status: 'ABORTED' }, ago);

      await expect(stop()).resolves.toMatchObject({ creation_in_flight });
    },
  );

  it('fails with AbsenceNotConfirmed for an execution that is not found', async () => {
    await expect(stop()).rejects.toMatchObject({ name: 'AbsenceNotConfirmed' });
  });

  it.each([true, false])(
    'treats an execution as expired when it is not found for long, had_succeeded: %s',
    async (had_succeeded) => {
      await expect(stop(stepInput(IN_FLIGHT_SECONDS - 1))).rejects.toMatchObject({
        name: 'AbsenceNotConfirmed',
      });
      await expect(stop(stepInput(IN_FLIGHT_SECONDS, { had_succeeded }))).resolves.toEqual({
        had_succeeded,
        creation_in_flight: false,
        has_record: false,
        failure: { step: 'Execution', error: 'ExecutionTimedOut' },
      });
    },
  );

  it.each(['RUNNING', 'SUCCEEDED', 'ABORTED'] as const)(
    'ignores an execution of another generation, which is %s',
    async (status) => {
      stepFunctions
        .on(DescribeExecutionCommand, { executionArn })
        .resolves(
          execution({ ...input, creation_id: OTHER_CREATION_ID }, { status, stopDate: new Date(NOW) }),
        );

      await expect(stop(stepInput(0, { had_succeeded: false }))).resolves.toEqual({
        had_succeeded: false,
        creation_in_flight: false,
        has_record: false,
        failure: { step: 'Execution', error: 'ExecutionTimedOut' },
      });
      expect(stops()).toEqual([]);
    },
  );

  it.each(['RUNNING', 'FAILED'] as const)(
    'ignores a cancellation with the name, which is %s',
    async (status) => {
      const { username, human_user_id, ...cancelled } = { ...subject, owner: 'machine', cancelled: true };
      stepFunctions.on(DescribeExecutionCommand, { executionArn }).resolves(execution(cancelled, { status }));

      await expect(stop()).resolves.toMatchObject({ had_succeeded: true, creation_in_flight: false });
      expect(stops()).toEqual([]);
    },
  );

  it('fails with ServiceUnavailable when the record expires during the stop', async () => {
    executionIs({ status: 'RUNNING' });
    stepFunctions.on(StopExecutionCommand).callsFake(async () => {
      stepFunctions.on(DescribeExecutionCommand, { executionArn }).rejects(notFound());
      return {};
    });

    await expect(stop()).rejects.toMatchObject({ name: 'ServiceUnavailable' });
  });

  it('fails when the execution cannot be stopped', async () => {
    executionIs({ status: 'RUNNING' });
    stepFunctions.on(StopExecutionCommand).rejects(sdkError('ThrottlingException'));

    await expect(stop()).rejects.toMatchObject({ name: 'ThrottlingException' });
  });
});

describe.each([
  [
    'StopProvisioning',
    stopProvisioning,
    { ...subject, owner: 'o', targets: ['app2'], intake_ciphertext: INTAKE_CIPHERTEXT, request_mac: 'm' },
  ],
  ['StopUserCreation', stopUserCreation, input],
])('%s', (_name, handler, startedWith) => {
  it('parses the input of its service', async () => {
    stepFunctions.on(DescribeExecutionCommand).resolves(execution(startedWith, { status: 'SUCCEEDED' }));
    stepFunctions
      .on(GetExecutionHistoryCommand)
      .resolves({ events: [{ id: 1, type: 'ExecutionSucceeded', timestamp: new Date(NOW) }] });

    await expect(handler(stepInput(0, { had_succeeded: false, targets: ['app2'] }))).resolves.toMatchObject({
      had_succeeded: true,
    });
  });
});
