import {
  AdminGetUserCommand,
  type CognitoIdentityProviderClient,
  type UserType,
} from '@aws-sdk/client-cognito-identity-provider';
import * as z from 'zod';
import type { ProvisioningStatus } from '../../../contracts/status.ts';
import { storedCreationId, storedProvisioningId, storedText } from '../../../contracts/stored.ts';
import { hasErrorName, StepError } from '../../shared/errors.ts';
import type { Generation } from '../../shared/roll-back-names.ts';

/**
 * The ownership fence. A user that a provisioning makes carries the provisioning_id and the generation (creation_id),
 * which no client can write; and is addressed by its `sub`, which is never used again: a late call cannot hit a
 * namesake. A provisioning_id alone is not enough: when Step Functions has forgotten an execution, another one can have
 * its name.
 *
 * The pool is the record that lasts: what is stamped on a user suffices to remove it when its creation is forgotten.
 */

/** Attributes with which a user is made. Custom attributes are immutable and not writable by any app client. */
export const PROVISIONING_ID_ATTRIBUTE = 'custom:provisioning_id';
export const CREATION_ID_ATTRIBUTE = 'custom:creation_id';
export const HUMAN_USER_ID_ATTRIBUTE = 'custom:human_user_id';
/** For whom it was made: the service whose machine client asked. */
export const OWNER_ATTRIBUTE = 'custom:owner';
/** Whom that client said that it acts for; absent when it said nothing. */
export const ON_BEHALF_OF_ATTRIBUTE = 'custom:on_behalf_of';

/** What a provisioning stamps on the user that it makes. */
const stamps = z.object({
  provisioning_id: storedProvisioningId,
  creation_id: storedCreationId,
  human_user_id: storedText,
  owner: storedText,
  on_behalf_of: storedText.optional(),
});
export type Stamps = z.infer<typeof stamps>;

/** A user of the pool. */
export interface PoolUser {
  sub: string;
  /** Absent for a user that no provisioning has made. */
  stamps: Stamps | undefined;
  /** Whether the pool lets the user sign in. */
  enabled: boolean;
  /** Whether the user has a permanent password (`CONFIRMED`). */
  confirmed: boolean;
  created_at: Date | undefined;
}

/**
 * Reads what Cognito answers about a user.
 * @throws Error when Cognito answers without a `sub`, which each user has
 */
export function poolUser({
  Attributes,
  Enabled,
  UserStatus,
  UserCreateDate,
}: Pick<UserType, 'Attributes' | 'Enabled' | 'UserStatus' | 'UserCreateDate'> = {}): PoolUser {
  const attribute = (name: string) => Attributes?.find(({ Name }) => Name === name)?.Value;
  const sub = attribute('sub');
  if (sub === undefined) throw new Error('Cognito answered with a user that has no sub.');
  const found = stamps.safeParse({
    provisioning_id: attribute(PROVISIONING_ID_ATTRIBUTE),
    creation_id: attribute(CREATION_ID_ATTRIBUTE),
    owner: attribute(OWNER_ATTRIBUTE),
    human_user_id: attribute(HUMAN_USER_ID_ATTRIBUTE),
    on_behalf_of: attribute(ON_BEHALF_OF_ATTRIBUTE),
  });
  return {
    sub,
    stamps: found.data,
    enabled: Enabled === true,
    confirmed: UserStatus === 'CONFIRMED',
    created_at: UserCreateDate,
  };
}

/** Whether a user is the work of this generation of this provisioning. */
export const isMadeBy = ({ stamps }: PoolUser, { provisioning_id, creation_id }: Generation): boolean =>
  stamps?.provisioning_id === provisioning_id && stamps.creation_id === creation_id;

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
    const { UserAttributes = [], ...user } = await cognito.send(
      new AdminGetUserCommand({ UserPoolId: userPoolId, Username: nameOrSub }),
    );
    return poolUser({ ...user, Attributes: UserAttributes });
  } catch (error) {
    if (hasErrorName(error, 'UserNotFoundException')) return undefined;
    throw error;
  }
}

/**
 * The status of a provisioning as its user shows it, for when no execution is consulted: the stamps name what was asked
 * for, and the pool when the user was made.
 */
export const statusOfUser = (
  { provisioning_id, human_user_id }: Stamps,
  username: string,
  createdAt: Date,
): ProvisioningStatus => ({
  provisioning_id,
  status: 'SUCCEEDED',
  user: 'present',
  username,
  human_user_id,
  started_at: createdAt.toISOString(),
});

/** What a call on the user that was just created failed with: the user being gone (or not there yet) has a name. */
export function mapUserNotFound(error: unknown): unknown {
  return hasErrorName(error, 'UserNotFoundException')
    ? new StepError('UserNotFound', 'The user that was just created cannot be found.')
    : error;
}
