import { randomBytes } from 'node:crypto';
import {
  AdminAddUserToGroupCommand,
  AdminCreateUserCommand,
  AdminDeleteUserCommand,
  AdminSetUserPasswordCommand,
  CognitoIdentityProviderClient,
  DescribeUserPoolClientCommand,
} from '@aws-sdk/client-cognito-identity-provider';
import {
  GetSecretValueCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import type { CloudFormationCustomResourceEvent } from 'aws-lambda';
import type * as z from 'zod';
import { groups, type MachineCredentials, machineCredentials } from '../../contracts/app2-api.ts';
import { stepClient } from '../shared/aws-clients.ts';
import { customResource } from '../shared/custom-resource.ts';
import { readEnvironment } from '../shared/environment.ts';
import { isNamed } from '../shared/errors.ts';
import { environments } from './environments.ts';
import { findUser } from './pool-user.ts';

interface Services {
  cognito: Pick<CognitoIdentityProviderClient, 'send'>;
  secretsManager: Pick<SecretsManagerClient, 'send'>;
  environment: z.infer<(typeof environments)['issue-machine-user']>;
}

/**
 * Issues App1's machine user at deploy: makes the user and keeps its credentials in the secret, where App1 reads
 * them. Nobody sees them on the way, and CloudFormation gets only the user's name.
 * The name has a random part: five wrong passwords lock a user, so nobody must be able to guess it.
 * docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-requesttypes.html
 */
export const issueMachineUser =
  ({ cognito, secretsManager, environment }: Services) =>
  async (event: CloudFormationCustomResourceEvent): Promise<string> => {
    const { USER_POOL_ID: UserPoolId, MACHINE_CLIENT_ID: ClientId, SECRET_ARN: SecretId } = environment;

    if (event.RequestType === 'Delete') {
      await cognito
        .send(new AdminDeleteUserCommand({ UserPoolId, Username: event.PhysicalResourceId }))
        .catch((error: unknown) => {
          if (!isNamed(error, 'UserNotFoundException', 'ResourceNotFoundException')) throw error;
        });
      return event.PhysicalResourceId;
    }

    const issued = await readIssued(secretsManager, SecretId);
    if (issued !== undefined && (await findUser(cognito, UserPoolId, issued.username)) !== undefined)
      return issued.username;

    const username = `app1-api-client-${randomBytes(6).toString('hex')}`;
    // Cognito wants one of each class; 32 random bytes may miss a symbol or a digit.
    const password = `${randomBytes(32).toString('base64url')}-aA1`;
    await cognito.send(
      new AdminCreateUserCommand({ UserPoolId, Username: username, MessageAction: 'SUPPRESS' }),
    );
    await cognito.send(
      new AdminSetUserPasswordCommand({
        UserPoolId,
        Username: username,
        Password: password,
        Permanent: true,
      }),
    );
    await cognito.send(
      new AdminAddUserToGroupCommand({ UserPoolId, Username: username, GroupName: groups.apiClient }),
    );
    const { UserPoolClient } = await cognito.send(
      new DescribeUserPoolClientCommand({ UserPoolId, ClientId }),
    );
    const credentials = machineCredentials.parse({
      username,
      password,
      client_secret: UserPoolClient?.ClientSecret,
    });
    await secretsManager.send(
      new PutSecretValueCommand({ SecretId, SecretString: JSON.stringify(credentials) }),
    );
    return username;
  };

/** The credentials that an earlier deploy issued; a new secret holds a random string instead. */
async function readIssued(
  secretsManager: Pick<SecretsManagerClient, 'send'>,
  SecretId: string,
): Promise<MachineCredentials | undefined> {
  const { SecretString } = await secretsManager.send(new GetSecretValueCommand({ SecretId }));
  try {
    return machineCredentials.parse(JSON.parse(SecretString ?? ''));
  } catch {
    return undefined;
  }
}

export const handler = customResource(
  issueMachineUser({
    cognito: stepClient(CognitoIdentityProviderClient),
    secretsManager: stepClient(SecretsManagerClient),
    environment: readEnvironment(environments['issue-machine-user']),
  }),
);
