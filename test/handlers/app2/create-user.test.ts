import {
  AdminCreateUserCommand,
  AdminGetUserCommand,
  CognitoIdentityProviderClient,
} from '@aws-sdk/client-cognito-identity-provider';
import { DescribeExecutionCommand, SFNClient } from '@aws-sdk/client-sfn';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { handler } from '../../../handlers/app2/create-user.ts';
import { MACHINE_OWNER } from '../../support/api-events.ts';
import { execution, failedAs, notFound } from '../../support/executions.ts';
import { attributesOf, stamps, withoutStamps } from '../../support/pool-users.ts';
import { sdkError } from '../../support/sdk-errors.ts';
import {
  CREATION_ID,
  ENCRYPTED,
  OTHER_CREATION_ID,
  OTHER_PROVISIONING_ID,
  PROVISIONING_ID,
  SUB,
  subject,
} from '../../support/subject.ts';

const cognito = mockClient(CognitoIdentityProviderClient);
const stepFunctions = mockClient(SFNClient);
const account = 'arn:aws:states:eu-central-1:111122223333:execution';
const otherCreation = `${account}:Machine:${OTHER_PROVISIONING_ID}`;
const otherRollBack = `${account}:RollBackMachine:${OTHER_PROVISIONING_ID}.${OTHER_CREATION_ID}.1`;
const input = { ...subject, owner: MACHINE_OWNER, on_behalf_of: null, redrive_count: 0 };
const others = {
  ...subject,
  provisioning_id: OTHER_PROVISIONING_ID,
  creation_id: OTHER_CREATION_ID,
  owner: 'machine',
  had_succeeded: true,
  failure: { step: 'Execution', error: 'Cancelled' },
};
const othersInput = { ...others, encrypted_password: ENCRYPTED };
/** The stamp of another provisioning. */
const othersStamps = {
  ...stamps,
  provisioning_id: OTHER_PROVISIONING_ID,
  creation_id: OTHER_CREATION_ID,
};

/** The name belongs to a user with these attributes. */
function nameInUse(UserAttributes = attributesOf(othersStamps)) {
  cognito.on(AdminCreateUserCommand).rejects(sdkError('UsernameExistsException'));
  cognito.on(AdminGetUserCommand).resolves({ UserAttributes });
}

beforeEach(() => {
  cognito.reset();
  stepFunctions.reset();
  stepFunctions.on(DescribeExecutionCommand).rejects(notFound());
});

describe('CreateUser', () => {
  it('creates the user with its stamp, without a password and without an invitation', async () => {
    cognito.on(AdminCreateUserCommand).resolves({ User: { Attributes: attributesOf() } });

    await expect(handler(input)).resolves.toEqual({ sub: SUB });
    expect(cognito.commandCalls(AdminCreateUserCommand).map(({ args }) => args[0].input)).toEqual([
      {
        UserPoolId: 'eu-central-1_Pool',
        Username: 'alice',
        MessageAction: 'SUPPRESS',
        UserAttributes: [
          { Name: 'custom:provisioning_id', Value: PROVISIONING_ID },
          { Name: 'custom:creation_id', Value: CREATION_ID },
          { Name: 'custom:human_user_id', Value: 'h-42' },
          { Name: 'custom:owner', Value: MACHINE_OWNER },
        ],
      },
    ]);
  });

  it('stamps the caller on whose behalf the client acts', async () => {
    cognito.on(AdminCreateUserCommand).resolves({ User: { Attributes: attributesOf() } });

    await handler({ ...input, on_behalf_of: '111122223333/AROAEXAMPLE' });

    const [{ args } = { args: [] }] = cognito.commandCalls(AdminCreateUserCommand);

    expect(args[0]?.input.UserAttributes).toContainEqual({
      Name: 'custom:on_behalf_of',
      Value: '111122223333/AROAEXAMPLE',
    });
  });

  it('returns the user that an earlier attempt created', async () => {
    cognito.on(AdminCreateUserCommand).rejects(sdkError('UsernameExistsException'));
    cognito.on(AdminGetUserCommand, { UserPoolId: 'eu-central-1_Pool', Username: 'alice' }).resolves({
      UserAttributes: attributesOf(),
    });

    await expect(handler(input)).resolves.toEqual({ sub: SUB });
  });

  it.each([
    ['another provisioning', attributesOf(othersStamps)],
    ['another generation of this provisioning', attributesOf({ ...stamps, creation_id: OTHER_CREATION_ID })],
    [
      'the same generation of another provisioning',
      attributesOf({ ...stamps, provisioning_id: OTHER_PROVISIONING_ID }),
    ],
    ['a client with another stamp', attributesOf({ provisioning_id: PROVISIONING_ID })],
    ['no provisioning', withoutStamps],
  ])('fails with UserAlreadyExists when the name belongs to %s', async (_whose, attributes) => {
    nameInUse(attributes);

    await expect(handler(input)).rejects.toMatchObject({ name: 'UserAlreadyExists' });
  });

  it('describes no execution for a user without a stamp', async () => {
    nameInUse(attributesOf({ provisioning_id: 'imported-by-hand' }));

    await expect(handler(input)).rejects.toMatchObject({ name: 'UserAlreadyExists' });
    expect(stepFunctions.calls()).toHaveLength(0);
  });

  it.each([
    ['failed, and whose roll-back has not started', { status: 'TIMED_OUT' }, undefined],
    ['could not be compensated', failedAs('RollBackFailed', 'SetPassword', 'StepFailed'), undefined],
    ['succeeded and is being rolled back', { status: 'SUCCEEDED' }, { status: 'RUNNING' }],
  ] as const)(
    'fails with UserBeingRemoved when the name belongs to a provisioning that %s',
    async (_what, creation, rollBack) => {
      nameInUse();
      stepFunctions
        .on(DescribeExecutionCommand, { executionArn: otherCreation })
        .resolves(execution(othersInput, creation));
      if (rollBack !== undefined)
        stepFunctions
          .on(DescribeExecutionCommand, { executionArn: otherRollBack })
          .resolves(execution(others, rollBack));

      await expect(handler(input)).rejects.toMatchObject({ name: 'UserBeingRemoved' });
    },
  );

  it.each([
    ['has expired', undefined],
    ['is one of another generation', { ...othersInput, creation_id: CREATION_ID }],
    ['is a cancellation that took the name', { ...others, cancelled: true, username: undefined }],
  ])('reads the roll-back of the user when the record of its creation %s', async (_what, recorded) => {
    nameInUse();
    if (recorded !== undefined)
      stepFunctions
        .on(DescribeExecutionCommand, { executionArn: otherCreation })
        .resolves(execution(recorded, { status: 'SUCCEEDED' }));

    await expect(handler(input)).rejects.toMatchObject({ name: 'UserAlreadyExists' });

    stepFunctions.on(DescribeExecutionCommand, { executionArn: otherRollBack }).resolves(execution(others));

    await expect(handler(input)).rejects.toMatchObject({ name: 'UserBeingRemoved' });
  });

  it('fails with UserAlreadyExists when the other provisioning succeeded and its user is not being removed', async () => {
    nameInUse();
    stepFunctions
      .on(DescribeExecutionCommand, { executionArn: otherCreation })
      .resolves(execution(othersInput, { status: 'SUCCEEDED' }));

    await expect(handler(input)).rejects.toMatchObject({ name: 'UserAlreadyExists' });
  });

  it('refuses a redriven execution', async () => {
    await expect(handler({ ...input, redrive_count: 1 })).rejects.toMatchObject({ name: 'RedriveRefused' });
    expect(cognito.calls()).toHaveLength(0);
  });

  it.each([{ redrive_count: 0 }, { redrive_count: undefined }])(
    'creates the user in the first run, with %j',
    async (redriveCount) => {
      cognito.on(AdminCreateUserCommand).resolves({ User: { Attributes: attributesOf() } });

      await expect(handler({ ...input, ...redriveCount })).resolves.toEqual({ sub: SUB });
    },
  );

  it('fails with ServiceUnavailable when the name is in use by a user that is not found', async () => {
    cognito.on(AdminCreateUserCommand).rejects(sdkError('UsernameExistsException'));
    cognito.on(AdminGetUserCommand).rejects(sdkError('UserNotFoundException'));

    await expect(handler(input)).rejects.toMatchObject({ name: 'ServiceUnavailable' });
  });

  it.each([
    ['TooManyRequestsException', 400, 'ServiceThrottled'],
    ['InternalErrorException', 500, 'ServiceUnavailable'],
    ['InvalidParameterException', 400, 'InvalidParameterException'],
  ])('maps %s to %3$s', async (name, status, seen) => {
    cognito.on(AdminCreateUserCommand).rejects(sdkError(name, { status }));

    await expect(handler(input)).rejects.toMatchObject({ name: seen });
    expect(cognito.commandCalls(AdminGetUserCommand)).toHaveLength(0);
  });

  it('fails without a sub in the response', async () => {
    cognito.on(AdminCreateUserCommand).resolves({ User: { Attributes: [] } });

    await expect(handler(input)).rejects.toThrow();
  });

  it('makes no call for an invalid input', async () => {
    await expect(handler({ ...input, username: 7 })).rejects.toMatchObject({ name: 'InvalidStepInput' });
    expect(cognito.calls()).toHaveLength(0);
  });
});
