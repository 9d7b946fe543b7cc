import { randomUUID } from 'node:crypto';
import { CognitoIdentityProviderClient } from '@aws-sdk/client-cognito-identity-provider';
import { PutSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type * as z from 'zod';
import { stepClient } from '../shared/aws-clients.ts';
import { readEnvironment } from '../shared/environment.ts';
import { type Clock, systemClock } from '../shared/executions.ts';
import { type CustomResource, customResource } from './lib/custom-resource.ts';
import { deploymentRetries } from './lib/deployment-retries.ts';
import { environments } from './lib/environments.ts';
import { createMachineUser, deleteMachineUser, newCredentials, readIssued } from './lib/machine-user.ts';
import { findUser } from './lib/pool-user.ts';

interface Services {
  cognito: Pick<CognitoIdentityProviderClient, 'send'>;
  secretsManager: Pick<SecretsManagerClient, 'send'>;
  environment: z.infer<(typeof environments)['issue-machine-user']>;
  clock: Clock;
}

/**
 * Custom resource that creates App1's machine user at the deployment, and stores its credentials in the secret. The
 * rotation creates the later machine users. The physical id is constant, so that CloudFormation deletes the resource only
 * with the stack; then the users of the current and the previous credentials are deleted.
 * docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-requesttypes.html
 */
export const issueMachineUser = ({
  cognito,
  secretsManager,
  environment,
  clock,
}: Services): CustomResource => {
  const { USER_POOL_ID, MACHINE_CLIENT_ID, SECRET_ARN } = environment;
  const read = (VersionStage: 'AWSCURRENT' | 'AWSPREVIOUS') =>
    readIssued(secretsManager, SECRET_ARN, { VersionStage });

  return {
    async put(properties) {
      const retry = deploymentRetries(properties, clock);
      const issued = await retry(() => read('AWSCURRENT'));
      const exists =
        issued !== undefined &&
        (await retry(() => findUser(cognito, USER_POOL_ID, issued.credentials.username))) !== undefined;
      const credentials = exists
        ? issued.credentials
        : await retry(() => newCredentials(cognito, USER_POOL_ID, MACHINE_CLIENT_ID));
      // Completes an earlier deployment that failed, and adds the user to new groups.
      await retry(() => createMachineUser(cognito, environment, credentials));
      const version = { ClientRequestToken: randomUUID(), SecretString: JSON.stringify(credentials) };
      if (!exists)
        await retry(() =>
          secretsManager.send(new PutSecretValueCommand({ SecretId: SECRET_ARN, ...version })),
        );
      return PHYSICAL_ID;
    },

    async remove(properties) {
      const retry = deploymentRetries(properties, clock);
      for (const stage of ['AWSPREVIOUS', 'AWSCURRENT'] as const) {
        const issued = await retry(() => read(stage));
        if (issued !== undefined)
          await retry(() => deleteMachineUser(cognito, USER_POOL_ID, issued.credentials.username));
      }
    },
  };
};

const PHYSICAL_ID = 'machine-user-of-app1';

export const handler = customResource(
  issueMachineUser({
    cognito: stepClient(CognitoIdentityProviderClient),
    secretsManager: stepClient(SecretsManagerClient),
    environment: readEnvironment(environments['issue-machine-user']),
    clock: systemClock,
  }),
);
