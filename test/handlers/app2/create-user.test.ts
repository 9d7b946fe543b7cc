import {
  AdminCreateUserCommand,
  AdminGetUserCommand,
  CognitoIdentityProviderClient,
} from '@aws-sdk/client-cognito-identity-provider';
import { DescribeExecutionCommand, SFNClient } from '@aws-sdk/client-sfn';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { handler } from '../../../handlers/app2/create-user.ts';
import { execution, failedAs, notFound } from '../../support/executions.ts';
import { sdkError } from '../../support/sdk-errors.ts';
import { ENCRYPTED, OTHER_PROVISIONING_ID, PROVISIONING_ID, SUB, subject } from '../../support/subject.ts';

const cognito = mockClient(CognitoIdentityProviderClient);
const stepFunctions = mockClient(SFNClient);
const account = 'arn:aws:states:eu-central-1:111122223333:execution';
const otherCreation = `${account}:Machine:${OTHER_PROVISIONING_ID}`;
const otherRollBack = `${account}:RollBackMachine:${OTHER_PROVISIONING_ID}`;
const others = { ...subject, provisioning_id: OTHER_PROVISIONING_ID, owner: 'machine' };
const othersInput = { ...others, encrypted_password: ENCRYPTED };
const userOf = (stamp: string | undefined) => [
  { Name: 'sub', Value: SUB },
  ...(stamp === undefined ? [] : [{ Name: 'custom:provisioning_id', Value: stamp }]),
];

/** The name belongs to a user with this stamp. */
function taken(stamp: string | undefined) {
  cognito.on(AdminCreateUserCommand).rejects(sdkError('UsernameExistsException'));
  cognito.on(AdminGetUserCommand).resolves({ UserAttributes: userOf(stamp) });
}

beforeEach(() => {
  cognito.reset();
  stepFunctions.reset();
  stepFunctions.on(DescribeExecutionCommand).rejects(notFound());
});

describe('CreateUser', () => {
  it('makes the user with its stamp, without a password and without a message to anybody', async () => {
    cognito.on(AdminCreateUserCommand).resolves({ User: { Attributes: userOf(PROVISIONING_ID) } });

    await expect(handler(subject)).resolves.toEqual({ sub: SUB });
    expect(cognito.commandCalls(AdminCreateUserCommand).map(({ args }) => args[0].input)).toEqual([
      {
        UserPoolId: 'eu-central-1_Pool',
        Username: 'alice',
        MessageAction: 'SUPPRESS',
        UserAttributes: [
          { Name: 'custom:provisioning_id', Value: PROVISIONING_ID },
          { Name: 'custom:human_user_id', Value: 'h-42' },
        ],
      },
    ]);
  });

  it('goes on with the user that an earlier attempt made', async () => {
    cognito.on(AdminCreateUserCommand).rejects(sdkError('UsernameExistsException'));
    cognito.on(AdminGetUserCommand, { UserPoolId: 'eu-central-1_Pool', Username: 'alice' }).resolves({
      UserAttributes: userOf(PROVISIONING_ID),
    });

    await expect(handler(subject)).resolves.toEqual({ sub: SUB });
  });

  it.each([
    ['another provisioning', OTHER_PROVISIONING_ID],
    ['somebody who stamps otherwise', 'imported-by-hand'],
    ['nobody we know', undefined],
  ])('ends as UserAlreadyExists when the name belongs to %s', async (_whose, stamp) => {
    taken(stamp);

    await expect(handler(subject)).rejects.toMatchObject({ name: 'UserAlreadyExists' });
  });

  it('looks for no execution under a stamp that is no provisioning_id', async () => {
    taken('imported-by-hand');

    await expect(handler(subject)).rejects.toMatchObject({ name: 'UserAlreadyExists' });
    expect(stepFunctions.calls()).toHaveLength(0);
  });

  it.each([
    ['ended badly, and its roll-back has not begun', { status: 'TIMED_OUT' }, undefined],
    ['could not undo what it did', failedAs('RollBackFailed', 'SetPassword', 'StepFailed'), undefined],
    ['succeeded and is being rolled back', { status: 'SUCCEEDED' }, { status: 'RUNNING' }],
  ] as const)(
    'asks to come back when the name belongs to another provisioning that %s',
    async (_what, creation, rollBack) => {
      taken(OTHER_PROVISIONING_ID);
      stepFunctions
        .on(DescribeExecutionCommand, { executionArn: otherCreation })
        .resolves(execution(othersInput, creation));
      if (rollBack !== undefined)
        stepFunctions
          .on(DescribeExecutionCommand, { executionArn: otherRollBack })
          .resolves(execution(others, rollBack));

      await expect(handler(subject)).rejects.toMatchObject({ name: 'UserBeingRemoved' });
    },
  );

  it('ends as UserAlreadyExists when the other provisioning succeeded and nobody removes its user', async () => {
    taken(OTHER_PROVISIONING_ID);
    stepFunctions
      .on(DescribeExecutionCommand, { executionArn: otherCreation })
      .resolves(execution(othersInput, { status: 'SUCCEEDED' }));

    await expect(handler(subject)).rejects.toMatchObject({ name: 'UserAlreadyExists' });
  });

  it('refuses to make again what was rolled back, when the execution is redriven', async () => {
    await expect(handler({ ...subject, redrive_count: 1 })).rejects.toMatchObject({ name: 'RedriveRefused' });
    expect(cognito.calls()).toHaveLength(0);
  });

  it.each([{ redrive_count: 0 }, {}])('makes the user in the first run, told by %j', async (told) => {
    cognito.on(AdminCreateUserCommand).resolves({ User: { Attributes: userOf(PROVISIONING_ID) } });

    await expect(handler({ ...subject, ...told })).resolves.toEqual({ sub: SUB });
  });

  it('asks to be repeated when the name is taken by a user that cannot be seen', async () => {
    cognito.on(AdminCreateUserCommand).rejects(sdkError('UsernameExistsException'));
    cognito.on(AdminGetUserCommand).rejects(sdkError('UserNotFoundException'));

    await expect(handler(subject)).rejects.toMatchObject({ name: 'ServiceUnavailable' });
  });

  it.each([
    ['TooManyRequestsException', 400, 'ServiceThrottled'],
    ['InternalErrorException', 500, 'ServiceUnavailable'],
    ['InvalidParameterException', 400, 'InvalidParameterException'],
  ])('passes %s on as %3$s', async (name, status, seen) => {
    cognito.on(AdminCreateUserCommand).rejects(sdkError(name, { status }));

    await expect(handler(subject)).rejects.toMatchObject({ name: seen });
    expect(cognito.commandCalls(AdminGetUserCommand)).toHaveLength(0);
  });

  it('refuses an answer without the sub by which the user is addressed from then on', async () => {
    cognito.on(AdminCreateUserCommand).resolves({ User: { Attributes: [] } });

    await expect(handler(subject)).rejects.toThrow();
  });

  it('calls nothing when its input is not understood', async () => {
    await expect(handler({ ...subject, username: 7 })).rejects.toMatchObject({ name: 'InvalidStepInput' });
    expect(cognito.calls()).toHaveLength(0);
  });
});
