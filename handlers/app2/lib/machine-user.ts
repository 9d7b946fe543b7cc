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

/** The machine users of App1: how they are made and removed, and how their credentials are kept. */

type Cognito = Pick<CognitoIdentityProviderClient, 'send'>;
type SecretsManager = Pick<SecretsManagerClient, 'send'>;

/**
 * Credentials of a machine user that is to be made. Its name has a random part: five wrong passwords lock a user, so
 * nobody must be able to guess it.
 */
export async function newCredentials(
  cognito: Cognito,
  UserPoolId: string,
  ClientId: string,
): Promise<MachineCredentials> {
  const { UserPoolClient } = await cognito.send(new DescribeUserPoolClientCommand({ UserPoolId, ClientId }));
  return machineCredentials.parse({
    username: `app1-api-client-${randomBytes(16).toString('hex')}`,
    // One of each kind of character, and longer than any policy can ask for (99).
    password: `${randomBytes(72).toString('base64url')}-aA1`,
    client_secret: UserPoolClient?.ClientSecret,
  });
}

/** Makes the user of these credentials, or what is missing of it: each step can be repeated. */
export async function makeMachineUser(
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

/** Removes a machine user; one that is gone already, with its pool or without, is fine. */
export async function removeMachineUser(
  cognito: Cognito,
  UserPoolId: string,
  Username: string,
): Promise<void> {
  await cognito.send(new AdminDeleteUserCommand({ UserPoolId, Username })).catch((error: unknown) => {
    if (!hasErrorName(error, 'UserNotFoundException', 'ResourceNotFoundException')) throw error;
  });
}

/** Cognito gives at most so many users in one answer. */
const PAGE = 60;

/**
 * Names of all machine users of App1 in the pool, whichever credentials they belong to. A user that a provisioning made
 * is not among them, also if somebody put it into the group: it is not ours to remove.
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
 * Removes machine users. All are disabled before the first is removed, so that none of them signs in while removals,
 * which share a narrow quota with the workflow, wait or fail.
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
  for (const username of usernames) await removeMachineUser(cognito, UserPoolId, username);
}

/** A version of the secret that holds credentials. */
export interface IssuedVersion {
  versionId: string;
  /** Its staging labels. */
  stages: string[];
  credentials: MachineCredentials;
}

/**
 * Reads a version of the secret; `undefined` when there is none, or when it holds no credentials: a new secret holds
 * a random string.
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

/** The message of a SyntaxError quotes the text that is not JSON, so it is not kept. */
function parsedOrUndefined(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? '');
  } catch {
    return undefined;
  }
}
