import {
  AdminGetUserCommand,
  CognitoIdentityProviderClient,
} from '@aws-sdk/client-cognito-identity-provider';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { findUser, poolUser } from '../../../handlers/app2/pool-user.ts';
import { sdkError } from '../../support/sdk-errors.ts';
import { PROVISIONING_ID, SUB } from '../../support/subject.ts';

const cognito = mockClient(CognitoIdentityProviderClient);
const find = () => findUser(new CognitoIdentityProviderClient({}), 'pool', 'alice');

beforeEach(() => {
  cognito.reset();
});

describe('findUser', () => {
  it('reads sub and stamp of the user of this name', async () => {
    cognito.on(AdminGetUserCommand, { UserPoolId: 'pool', Username: 'alice' }).resolves({
      UserAttributes: [
        { Name: 'custom:provisioning_id', Value: PROVISIONING_ID },
        { Name: 'sub', Value: SUB },
      ],
    });

    await expect(find()).resolves.toEqual({ sub: SUB, stamp: PROVISIONING_ID });
  });

  it('finds nobody when Cognito knows nobody of this name, and fails when it cannot say', async () => {
    cognito.on(AdminGetUserCommand).rejects(sdkError('UserNotFoundException'));
    await expect(find()).resolves.toBeUndefined();

    cognito.on(AdminGetUserCommand).rejects(sdkError('InternalErrorException', { status: 500 }));
    await expect(find()).rejects.toMatchObject({ name: 'InternalErrorException' });
  });
});

describe('poolUser', () => {
  it('does not make up a sub', () => {
    expect(() => poolUser([{ Name: 'custom:provisioning_id', Value: PROVISIONING_ID }])).toThrow('no sub');
  });
});
