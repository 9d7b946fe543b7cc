import {
  AdminGetUserCommand,
  CognitoIdentityProviderClient,
} from '@aws-sdk/client-cognito-identity-provider';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { findUser, poolUser } from '../../../../handlers/app2/lib/pool-user.ts';
import { attributesOf, stamps } from '../../../support/pool-users.ts';
import { sdkError } from '../../../support/sdk-errors.ts';
import { PROVISIONING_ID, SUB } from '../../../support/subject.ts';

const cognito = mockClient(CognitoIdentityProviderClient);
const find = () => findUser(new CognitoIdentityProviderClient({}), 'pool', 'alice');

beforeEach(() => {
  cognito.reset();
});

describe('findUser', () => {
  it('returns sub, stamp, state and creation time of the user', async () => {
    const UserCreateDate = new Date('2026-01-01T00:00:00Z');
    cognito
      .on(AdminGetUserCommand, { UserPoolId: 'pool', Username: 'alice' })
      .resolves({ UserAttributes: attributesOf(), UserCreateDate, Enabled: true, UserStatus: 'CONFIRMED' });

    await expect(find()).resolves.toEqual({
      sub: SUB,
      stamps,
      enabled: true,
      confirmed: true,
      created_at: UserCreateDate,
    });
  });

  it.each([
    [{ Enabled: false }, { enabled: false }],
    [{ Enabled: undefined }, { enabled: false }],
    [{ UserStatus: 'FORCE_CHANGE_PASSWORD' as const }, { confirmed: false }],
    [{ UserStatus: undefined }, { confirmed: false }],
  ])('parses a user of %j as %j', async (state, expected) => {
    cognito.on(AdminGetUserCommand).resolves({ UserAttributes: attributesOf(), ...state });

    await expect(find()).resolves.toMatchObject(expected);
  });

  it.each(Object.keys(stamps))('returns no stamp for a user without %s', async (lacks) => {
    const { [lacks]: _, ...others } = stamps;
    cognito.on(AdminGetUserCommand).resolves({ UserAttributes: attributesOf(others) });

    await expect(find()).resolves.toMatchObject({ sub: SUB, stamps: undefined });
  });

  it('returns undefined for an unknown name, and fails for other errors', async () => {
    cognito.on(AdminGetUserCommand).rejects(sdkError('UserNotFoundException'));

    await expect(find()).resolves.toBeUndefined();

    for (const name of ['InternalErrorException', 'ResourceNotFoundException', 'AccessDeniedException']) {
      cognito.on(AdminGetUserCommand).rejects(sdkError(name));
      await expect(find()).rejects.toMatchObject({ name });
    }
  });
});

describe('poolUser', () => {
  it('fails without a sub', () => {
    expect(() =>
      poolUser({ Attributes: [{ Name: 'custom:provisioning_id', Value: PROVISIONING_ID }] }),
    ).toThrow('no sub');
  });
});
