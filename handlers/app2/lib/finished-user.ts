import {
  AdminGetUserCommand,
  AdminListGroupsForUserCommand,
  type CognitoIdentityProviderClient,
} from '@aws-sdk/client-cognito-identity-provider';
import { groups } from '../../../contracts/app2-api.ts';
import type { ProvisioningStatus } from '../../../contracts/status.ts';
import { hasErrorName } from '../../shared/errors.ts';
import { isMeant } from './generation.ts';
import { poolUser } from './pool-user.ts';

interface Services {
  cognito: Pick<CognitoIdentityProviderClient, 'send'>;
  userPoolId: string;
}

interface Creation {
  provisioning_id: string;
  /** The generation that the client names, if it names one. */
  creation_id: string | undefined;
  owner: string;
}

/**
 * The status of a creation by what is in the pool: succeeded, if the user has the stamps of this creation and of its
 * owner, its password is set, and it is in the group. `undefined` for everything else, of which the execution tells.
 *
 * The pool has wider quotas than DescribeExecution, and it is what a notification is about. Between AddToGroup and the
 * end of the execution the pool is ahead of it: decision 0025 says what that means.
 * docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_AdminGetUser.html
 */
export async function finishedUser(
  { cognito, userPoolId: UserPoolId }: Services,
  { provisioning_id, creation_id, owner }: Creation,
  username: string,
): Promise<ProvisioningStatus | undefined> {
  const user = await cognito
    .send(new AdminGetUserCommand({ UserPoolId, Username: username }))
    .catch((error: unknown) => {
      if (hasErrorName(error, 'UserNotFoundException')) return undefined;
      throw error;
    });
  if (user?.UserStatus !== 'CONFIRMED' || user.Enabled === false) return undefined;
  const { sub, stamps, created_at = new Date() } = poolUser(user.UserAttributes, user.UserCreateDate);
  if (stamps?.provisioning_id !== provisioning_id || stamps.owner !== owner) return undefined;
  if (!isMeant(creation_id, stamps)) return undefined;
  const { Groups } = await cognito.send(new AdminListGroupsForUserCommand({ UserPoolId, Username: sub }));
  if (!Groups?.some(({ GroupName }) => GroupName === groups.serviceUser)) return undefined;
  const { human_user_id } = stamps;
  const started_at = created_at.toISOString();
  return { provisioning_id, status: 'SUCCEEDED', user: 'present', username, human_user_id, started_at };
}
