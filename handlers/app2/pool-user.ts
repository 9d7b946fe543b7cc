import {
  AdminGetUserCommand,
  type AttributeType,
  type CognitoIdentityProviderClient,
} from '@aws-sdk/client-cognito-identity-provider';
import { isNamed, StepError } from '../shared/errors.ts';

/**
 * The ownership fence. A user that a provisioning makes carries its provisioning_id, which no client can write; and
 * is addressed by its `sub`, which is never used again: a late call cannot hit a namesake.
 */

/** Attributes with which a user is made. Custom attributes are immutable and not writable by any app client. */
export const STAMP = 'custom:provisioning_id';
export const HUMAN_USER_ID = 'custom:human_user_id';

/** A user of the pool, as far as the fence needs to know it. */
export interface PoolUser {
  sub: string;
  /** The provisioning that made it; absent for a user that was made otherwise. */
  stamp: string | undefined;
}

/** @throws Error when Cognito answers without a `sub`, which each user has */
export function poolUser(attributes: AttributeType[] | undefined): PoolUser {
  const attribute = (name: string) => attributes?.find(({ Name }) => Name === name)?.Value;
  const sub = attribute('sub');
  if (sub === undefined) throw new Error('Cognito answered with a user that has no sub.');
  return { sub, stamp: attribute(STAMP) };
}

/**
 * Looks a user up by name or `sub`; `undefined` when there is none, or none yet.
 * docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_AdminGetUser.html
 */
export async function findUser(
  cognito: Pick<CognitoIdentityProviderClient, 'send'>,
  userPoolId: string,
  nameOrSub: string,
): Promise<PoolUser | undefined> {
  try {
    const { UserAttributes } = await cognito.send(
      new AdminGetUserCommand({ UserPoolId: userPoolId, Username: nameOrSub }),
    );
    return poolUser(UserAttributes);
  } catch (error) {
    if (isNamed(error, 'UserNotFoundException')) return undefined;
    throw error;
  }
}

/** What a call on the user that was just created failed with: the user being gone (or not there yet) has a name. */
export function orVanished(error: unknown): unknown {
  return isNamed(error, 'UserNotFoundException')
    ? new StepError('UserVanished', 'The user that was just created cannot be found.')
    : error;
}
