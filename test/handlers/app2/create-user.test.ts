import {
  AdminCreateUserCommand,
  AdminGetUserCommand,
  CognitoIdentityProviderClient,
} from '@aws-sdk/client-cognito-identity-provider';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { handler } from '../../../handlers/app2/create-user.ts';
import { sdkError } from '../../support/sdk-errors.ts';
import { OTHER_PROVISIONING_ID, PROVISIONING_ID, SUB, subject } from '../../support/subject.ts';

const cognito = mockClient(CognitoIdentityProviderClient);
const userOf = (stamp: string | undefined) => [
  { Name: 'sub', Value: SUB },
  ...(stamp === undefined ? [] : [{ Name: 'custom:provisioning_id', Value: stamp }]),
];

beforeEach(() => {
  cognito.reset();
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
    ['nobody we know', undefined],
  ])('ends as UserAlreadyExists when the name belongs to %s', async (_whose, stamp) => {
    cognito.on(AdminCreateUserCommand).rejects(sdkError('UsernameExistsException'));
    cognito.on(AdminGetUserCommand).resolves({ UserAttributes: userOf(stamp) });

    await expect(handler(subject)).rejects.toMatchObject({ name: 'UserAlreadyExists' });
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
