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
 * The ownership stamp: attributes with the provisioning_id and the generation (creation_id) of a user, which no client
 * can write. Writes and deletions use the `sub`, which is unique for ever, so that a late call cannot affect another user
 * with the same name. The provisioning_id alone is not enough, because it can be used again after the record of the
 * execution has expired.
 *
 * The stamp is permanent: it suffices to remove a user after the record of its creation has expired.
 */

/** Attributes of a new user. Custom attributes are immutable, and no app client can write them. */
export const PROVISIONING_ID_ATTRIBUTE = 'custom:provisioning_id';
export const CREATION_ID_ATTRIBUTE = 'custom:creation_id';
export const HUMAN_USER_ID_ATTRIBUTE = 'custom:human_user_id';
/** The service whose machine client requested the user. */
export const OWNER_ATTRIBUTE = 'custom:owner';
/** The caller for which that client acted, as it stated; absent without `On-Behalf-Of`. */
export const ON_BEHALF_OF_ATTRIBUTE = 'custom:on_behalf_of';

/** The ownership stamp of a user. */
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
  /** Absent for a user that no provisioning created. */
  stamps: Stamps | undefined;
  /** Whether the pool lets the user sign in. */
  enabled: boolean;
  /** Whether the user has a permanent password (`CONFIRMED`). */
  confirmed: boolean;
  created_at: Date | undefined;
}

/**
 * Parses a user of a Cognito response.
 * @throws Error without a `sub`, which every user has
 */
export function poolUser({
  Attributes,
  Enabled,
  UserStatus,
  UserCreateDate,
}: Pick<UserType, 'Attributes' | 'Enabled' | 'UserStatus' | 'UserCreateDate'> = {}): PoolUser {
  const attribute = (name: string) => Attributes?.find(({ Name }) => Name === name)?.Value;
  const sub = attribute('sub');
  if (sub === undefined) throw new Error('The user in the response of Cognito has no sub.');
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

/** Whether this generation of the provisioning created the user. */
export const isCreatedBy = ({ stamps }: PoolUser, { provisioning_id, creation_id }: Generation): boolean =>
  stamps?.provisioning_id === provisioning_id && stamps.creation_id === creation_id;

/**
 * Reads a user by name or `sub`; `undefined` if it does not exist, or does not exist yet.
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
 * The status of a successful provisioning from its user, without its execution.
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

/** Maps UserNotFoundException of Cognito to `UserNotFound`; returns any other error unchanged. */
export function mapUserNotFound(error: unknown): unknown {
  return hasErrorName(error, 'UserNotFoundException')
    ? new StepError('UserNotFound', 'Cognito does not find the user that was just created.')
    : error;
}
