import { CognitoIdentityProviderClient } from '@aws-sdk/client-cognito-identity-provider';
import { PutSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type { CloudFormationCustomResourceEvent } from 'aws-lambda';
import type * as z from 'zod';
import { stepClient } from '../shared/aws-clients.ts';
import { customResource } from '../shared/custom-resource.ts';
import { readEnvironment } from '../shared/environment.ts';
import { environments } from './environments.ts';
import { makeMachineUser, newCredentials, readIssued, removeMachineUser } from './machine-user.ts';
import { findUser } from './pool-user.ts';

interface Services {
  cognito: Pick<CognitoIdentityProviderClient, 'send'>;
  secretsManager: Pick<SecretsManagerClient, 'send'>;
  environment: z.infer<(typeof environments)['issue-machine-user']>;
}

/**
 * Issues App1's machine user at deploy: makes the user and keeps its credentials in the secret, where App1 reads
 * them. Nobody sees them on the way. Later ones are made by the rotation.
 * The resource's id is the same for ever, so that CloudFormation asks for a deletion only with the stack: then the
 * user of the present credentials and the one before it are removed.
 * docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-requesttypes.html
 */
export const issueMachineUser =
  ({ cognito, secretsManager, environment }: Services) =>
  async ({ RequestType }: CloudFormationCustomResourceEvent): Promise<string> => {
    const { USER_POOL_ID, MACHINE_CLIENT_ID, SECRET_ARN } = environment;

    if (RequestType === 'Delete') {
      for (const VersionStage of ['AWSPREVIOUS', 'AWSCURRENT'] as const) {
        const issued = await readIssued(secretsManager, SECRET_ARN, { VersionStage });
        if (issued !== undefined) await removeMachineUser(cognito, USER_POOL_ID, issued.credentials.username);
      }
      return PHYSICAL_ID;
    }

    const issued = await readIssued(secretsManager, SECRET_ARN, { VersionStage: 'AWSCURRENT' });
    const exists =
      issued !== undefined &&
      (await findUser(cognito, USER_POOL_ID, issued.credentials.username)) !== undefined;
    // What an earlier deploy did not finish is finished, and groups that are new are joined.
    const credentials = exists
      ? issued.credentials
      : await newCredentials(cognito, USER_POOL_ID, MACHINE_CLIENT_ID);
    await makeMachineUser(cognito, USER_POOL_ID, credentials);
    if (!exists)
      await secretsManager.send(
        new PutSecretValueCommand({ SecretId: SECRET_ARN, SecretString: JSON.stringify(credentials) }),
      );
    return PHYSICAL_ID;
  };

const PHYSICAL_ID = 'machine-user-of-app1';

export const handler = customResource(
  issueMachineUser({
    cognito: stepClient(CognitoIdentityProviderClient),
    secretsManager: stepClient(SecretsManagerClient),
    environment: readEnvironment(environments['issue-machine-user']),
  }),
);
