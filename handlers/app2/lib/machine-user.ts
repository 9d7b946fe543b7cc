import { randomBytes } from 'node:crypto';
import {
  AdminAddUserToGroupCommand,
  AdminCreateUserCommand,
  AdminDeleteUserCommand,
  AdminDisableUserCommand,
  AdminSetUserPasswordCommand,
  type CognitoIdentityProviderClient,
  DescribeUserPoolClientCommand,
  ListUsersInGroupCommand,
} from '@aws-sdk/client-cognito-identity-provider';
import { GetSecretValueCommand, type SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { type MachineCredentials, machineCredentials, ownerGroups } from '../../../contracts/app2-api.ts';
import { hasErrorName } from '../../shared/errors.ts';
import { PROVISIONING_ID_ATTRIBUTE } from './pool-user.ts';

/** Creation and deletion of App1's machine users, and their credentials in the secret. */

type Cognito = Pick<CognitoIdentityProviderClient, 'send'>;
type SecretsManager = Pick<SecretsManagerClient, 'send'>;

/**
 * Generates credentials for a new machine user. The username has a random part, because five wrong passwords lock a user
 * and an attacker must not know it.
 */
export async function newCredentials(
  cognito: Cognito,
  UserPoolId: string,
  ClientId: string,
): Promise<MachineCredentials> {
  const { UserPoolClient } = await cognito.send(new DescribeUserPoolClientCommand({ UserPoolId, ClientId }));
  return machineCredentials.parse({
    username: `app1-api-client-${randomBytes(16).toString('hex')}`,
    // All character classes, and longer than the longest minimum of a policy (99).
    password: `${randomBytes(72).toString('base64url')}-aA1`,
    client_secret: UserPoolClient?.ClientSecret,
  });
}

/** Creates the user of these credentials, with password and groups. Idempotent. */
export async function createMachineUser(
  cognito: Cognito,
  { USER_POOL_ID: UserPoolId, API_CLIENT_GROUP }: { USER_POOL_ID: string; API_CLIENT_GROUP: string },
  { username: Username, password: Password }: MachineCredentials,
): Promise<void> {
  await cognito
    .send(new AdminCreateUserCommand({ UserPoolId, Username, MessageAction: 'SUPPRESS' }))
    .catch((error: unknown) => {
      if (!hasErrorName(error, 'UsernameExistsException')) throw error;
    });
  await cognito.send(new AdminSetUserPasswordCommand({ UserPoolId, Username, Password, Permanent: true }));
  for (const GroupName of [API_CLIENT_GROUP, ownerGroups.app1])
    await cognito.send(new AdminAddUserToGroupCommand({ UserPoolId, Username, GroupName }));
}

/** Deletes a machine user. A deleted user or pool is not an error. */
export async function deleteMachineUser(
  cognito: Cognito,
  UserPoolId: string,
  Username: string,
): Promise<void> {
  await cognito.send(new AdminDeleteUserCommand({ UserPoolId, Username })).catch((error: unknown) => {
    if (!hasErrorName(error, 'UserNotFoundException', 'ResourceNotFoundException')) throw error;
  });
}

/** Most users in one response of ListUsersInGroup. */
const PAGE = 60;

/**
 * Names of all machine users of App1 in the pool. A service user in the group is omitted, so that it is not deleted.
 * docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_ListUsersInGroup.html
 */
export async function listMachineUsers(cognito: Cognito, UserPoolId: string): Promise<string[]> {
  const names: string[] = [];
  let NextToken: string | undefined;
  do {
    const page = await cognito.send(
      new ListUsersInGroupCommand({
        UserPoolId,
        GroupName: ownerGroups.app1,
        Limit: PAGE,
        ...(NextToken === undefined ? {} : { NextToken }),
      }),
    );
    for (const { Username, Attributes = [] } of page.Users ?? [])
      if (Username !== undefined && !Attributes.some(({ Name }) => Name === PROVISIONING_ID_ATTRIBUTE))
        names.push(Username);
    NextToken = page.NextToken;
  } while (NextToken !== undefined);
  return names;
}

/**
 * Deletes machine users. All are disabled first, so that none can sign in while the deletions are throttled or fail; they
 * share a low quota with the workflow.
 * docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_AdminDisableUser.html
 */
export async function revokeMachineUsers(
  cognito: Cognito,
  UserPoolId: string,
  usernames: readonly string[],
): Promise<void> {
  for (const Username of usernames)
    await cognito.send(new AdminDisableUserCommand({ UserPoolId, Username })).catch((error: unknown) => {
      if (!hasErrorName(error, 'UserNotFoundException')) throw error;
    });
  for (const username of usernames) await deleteMachineUser(cognito, UserPoolId, username);
}

/** A version of the secret with credentials. */
export interface IssuedVersion {
  versionId: string;
  /** Its staging labels. */
  stages: string[];
  credentials: MachineCredentials;
}

/**
 * Reads a version of the secret; `undefined` if it does not exist or contains no credentials. A new secret contains a
 * random string.
 */
export async function readIssued(
  secretsManager: SecretsManager,
  SecretId: string,
  version: { VersionId: string } | { VersionStage: 'AWSCURRENT' | 'AWSPENDING' | 'AWSPREVIOUS' },
): Promise<IssuedVersion | undefined> {
  const found = await secretsManager
    .send(new GetSecretValueCommand({ SecretId, ...version }))
    .catch((error: unknown) => {
      if (hasErrorName(error, 'ResourceNotFoundException')) return undefined;
      throw error;
    });
  const credentials = machineCredentials.safeParse(parsedOrUndefined(found?.SecretString));
  if (found?.VersionId === undefined || !credentials.success) return undefined;
  return {
    versionId: found.VersionId,
    stages: found.VersionStages ?? [],
    credentials: credentials.data,
  };
}

/** The message of a SyntaxError would quote the secret, so an invalid text becomes `undefined`. */
function parsedOrUndefined(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? '');
  } catch {
    return undefined;
  }
}
