import {
  AdminGetUserCommand,
  CognitoIdentityProviderClient,
} from '@aws-sdk/client-cognito-identity-provider';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { findUser, isEnabled, poolUser } from '../../../../handlers/app2/lib/pool-user.ts';
import { attributesOf, stamps } from '../../../support/pool-users.ts';
import { sdkError } from '../../../support/sdk-errors.ts';
import { PROVISIONING_ID, SUB } from '../../../support/subject.ts';

const cognito = mockClient(CognitoIdentityProviderClient);
const find = () => findUser(new CognitoIdentityProviderClient({}), 'pool', 'alice');

beforeEach(() => {
  cognito.reset();
});

describe('findUser', () => {
  it('reads sub and stamps of the user of this name, and when it was made', async () => {
    const UserCreateDate = new Date('2026-01-01T00:00:00Z');
    cognito
      .on(AdminGetUserCommand, { UserPoolId: 'pool', Username: 'alice' })
      .resolves({ UserAttributes: attributesOf(), UserCreateDate });

    await expect(find()).resolves.toEqual({ sub: SUB, stamps, created_at: UserCreateDate });
  });

  it.each(Object.keys(stamps))('knows nobody as the maker of a user that has no %s', async (lacks) => {
    const { [lacks]: _, ...others } = stamps;
    cognito.on(AdminGetUserCommand).resolves({ UserAttributes: attributesOf(others) });

    await expect(find()).resolves.toMatchObject({ sub: SUB, stamps: undefined });
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

describe('isEnabled', () => {
  const ask = () => isEnabled(new CognitoIdentityProviderClient({}), 'pool', SUB);

  it.each([
    [true, true],
    [false, false],
    [undefined, false],
  ])('is, when Cognito says Enabled %s: %s', async (Enabled, expected) => {
    cognito.on(AdminGetUserCommand, { UserPoolId: 'pool', Username: SUB }).resolves({ Enabled });
    await expect(ask()).resolves.toBe(expected);
  });

  it('is not, when there is no such user', async () => {
    cognito.on(AdminGetUserCommand).rejects(sdkError('UserNotFoundException'));
    await expect(ask()).resolves.toBe(false);
  });

  it.each(['TooManyRequestsException', 'ResourceNotFoundException', 'AccessDeniedException'])(
    'cannot be told on %s',
    async (name) => {
      cognito.on(AdminGetUserCommand).rejects(sdkError(name));
      await expect(ask()).rejects.toMatchObject({ name });
    },
  );
});
