import {
  AdminAddUserToGroupCommand,
  CognitoIdentityProviderClient,
} from '@aws-sdk/client-cognito-identity-provider';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { handler } from '../../../handlers/app2/add-to-group.ts';
import { sdkError } from '../../support/sdk-errors.ts';
import { PROVISIONING_ID, SUB } from '../../support/subject.ts';

const cognito = mockClient(CognitoIdentityProviderClient);
const input = { provisioning_id: PROVISIONING_ID, sub: SUB };

beforeEach(() => {
  cognito.reset();
});

describe('AddToGroup', () => {
  it('adds the user, addressed by its sub, to the service users', async () => {
    cognito.on(AdminAddUserToGroupCommand).resolves({});

    await expect(handler(input)).resolves.toEqual({});
    expect(cognito.commandCalls(AdminAddUserToGroupCommand).map(({ args }) => args[0].input)).toEqual([
      { UserPoolId: 'eu-central-1_Pool', Username: SUB, GroupName: 'service-user' },
    ]);
  });

  it.each([
    ['UserNotFoundException', 'UserVanished'],
    ['ResourceNotFoundException', 'ResourceNotFoundException'],
    ['TooManyRequestsException', 'ServiceThrottled'],
  ])('answers %s with %s', async (name, seen) => {
    cognito.on(AdminAddUserToGroupCommand).rejects(sdkError(name));

    await expect(handler(input)).rejects.toMatchObject({ name: seen });
  });
});
