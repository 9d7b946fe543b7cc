import {
  AdminListGroupsForUserCommand,
  type CognitoIdentityProviderClient,
} from '@aws-sdk/client-cognito-identity-provider';
import type { ProvisioningStatus } from '../../../contracts/status.ts';
import { isMeant } from './generation.ts';
import { findUser, statusOfUser } from './pool-user.ts';

interface Services {
  cognito: Pick<CognitoIdentityProviderClient, 'send'>;
  userPoolId: string;
  /** Group of the service users. */
  group: string;
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
  { cognito, userPoolId: UserPoolId, group }: Services,
  { provisioning_id, creation_id, owner }: Creation,
  username: string,
): Promise<ProvisioningStatus | undefined> {
  const user = await findUser(cognito, UserPoolId, username);
  if (user === undefined || !user.confirmed || !user.enabled) return undefined;
  const { sub, stamps, created_at = new Date() } = user;
  if (stamps?.provisioning_id !== provisioning_id || stamps.owner !== owner) return undefined;
  if (!isMeant(creation_id, stamps)) return undefined;
  const { Groups } = await cognito.send(new AdminListGroupsForUserCommand({ UserPoolId, Username: sub }));
  if (!Groups?.some(({ GroupName }) => GroupName === group)) return undefined;
  return statusOfUser(stamps, username, created_at);
}
