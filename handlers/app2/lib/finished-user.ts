import {
  AdminListGroupsForUserCommand,
  type CognitoIdentityProviderClient,
} from '@aws-sdk/client-cognito-identity-provider';
import type { ProvisioningStatus } from '../../../contracts/status.ts';
import { isRequested } from './generation.ts';
import { findUser, statusOfUser } from './pool-user.ts';

interface Services {
  cognito: Pick<CognitoIdentityProviderClient, 'send'>;
  userPoolId: string;
  /** Group of the service users. */
  group: string;
}

interface Creation {
  provisioning_id: string;
  /** The generation in the request, if it has one. */
  creation_id: string | undefined;
  owner: string;
}

/**
 * The status of a creation from the pool: succeeded, if the user has the stamp of this creation and its owner, a
 * permanent password, and the group. Otherwise `undefined`, and the execution has the status.
 *
 * AdminGetUser has a higher quota than DescribeExecution. Between AddToGroup and the end of the execution the pool is
 * ahead of the execution: decision 0025 explains the consequences.
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
  if (!isRequested(creation_id, stamps)) return undefined;
  const { Groups } = await cognito.send(new AdminListGroupsForUserCommand({ UserPoolId, Username: sub }));
  if (!Groups?.some(({ GroupName }) => GroupName === group)) return undefined;
  return statusOfUser(stamps, username, created_at);
}
