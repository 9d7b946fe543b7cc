import {
  DescribeExecutionCommand,
  type ExecutionStatus,
  SFNClient,
  StopExecutionCommand,
} from '@aws-sdk/client-sfn';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { IN_FLIGHT_SECONDS } from '../../../contracts/time-limits.ts';
import { stopUserCreation } from '../../../handlers/app2/stop-user-creation.ts';
import { sdkError } from '../../support/sdk-errors.ts';
import { ENCRYPTED, PROVISIONING_ID, subject } from '../../support/subject.ts';

const stepFunctions = mockClient(SFNClient);
const NOW = Date.parse('2026-01-01T00:00:00Z');
const MACHINE = 'arn:aws:states:eu-central-1:111122223333:stateMachine:CreateServiceUser';

const stop = () =>
  stopUserCreation({
    stepFunctions: new SFNClient({}),
    environment: { STATE_MACHINE_ARN: MACHINE },
    now: () => NOW,
  })({ provisioning_id: PROVISIONING_ID });

function creationIs(status: ExecutionStatus, endedSecondsAgo?: number) {
  stepFunctions.on(DescribeExecutionCommand).resolves({
    status,
    input: JSON.stringify({ ...subject, owner: 'machine', encrypted_password: ENCRYPTED }),
    ...(endedSecondsAgo === undefined ? {} : { stopDate: new Date(NOW - endedSecondsAgo * 1000) }),
  });
}

beforeEach(() => {
  stepFunctions.reset();
  stepFunctions.on(StopExecutionCommand).resolves({});
});

describe('StopUserCreation', () => {
  it('stops a running creation, of which a call may still land', async () => {
    creationIs('RUNNING');

    await expect(stop()).resolves.toEqual({ creation_in_flight: true });
    expect(stepFunctions.commandCalls(StopExecutionCommand).map(({ args }) => args[0].input)).toMatchObject([
      {
        executionArn: `arn:aws:states:eu-central-1:111122223333:execution:CreateServiceUser:${PROVISIONING_ID}`,
        error: 'RollBackRequested',
      },
    ]);
  });

  it.each([
    [IN_FLIGHT_SECONDS - 1, true],
    [IN_FLIGHT_SECONDS, false],
  ])('says of a creation that ended %i s ago whether a call may still land: %s', async (ago, inFlight) => {
    creationIs('SUCCEEDED', ago);

    await expect(stop()).resolves.toEqual({ creation_in_flight: inFlight });
    expect(stepFunctions.commandCalls(StopExecutionCommand)).toHaveLength(0);
  });

  it('does not take a creation that cannot be seen for one that does not exist', async () => {
    stepFunctions.on(DescribeExecutionCommand).rejects(sdkError('ExecutionDoesNotExist'));

    await expect(stop()).rejects.toMatchObject({ name: 'ServiceUnavailable' });
  });

  it('fails when the creation cannot be stopped', async () => {
    creationIs('RUNNING');
    stepFunctions.on(StopExecutionCommand).rejects(sdkError('ThrottlingException'));

    await expect(stop()).rejects.toMatchObject({ name: 'ThrottlingException' });
  });
});
