import { CognitoIdentityProviderClient } from '@aws-sdk/client-cognito-identity-provider';
import {
  DescribeSecretCommand,
  RotateSecretCommand,
  SecretsManagerClient,
  UpdateSecretVersionStageCommand,
} from '@aws-sdk/client-secrets-manager';
import * as z from 'zod';
import type { RevokedCredentials } from '../../contracts/app2-operations.ts';
import { timeLimits } from '../../contracts/time-limits.ts';
import { apiClient } from '../shared/aws-clients.ts';
import { readEnvironment } from '../shared/environment.ts';
import { hasErrorName } from '../shared/errors.ts';
import { type Clock, systemClock } from '../shared/executions.ts';
import { step } from '../shared/step.ts';
import { environments } from './lib/environments.ts';
import { listMachineUsers, readIssued, revokeMachineUsers } from './lib/machine-user.ts';

interface Services {
  cognito: Pick<CognitoIdentityProviderClient, 'send'>;
  secretsManager: Pick<SecretsManagerClient, 'send'>;
  clock: Clock;
  environment: z.infer<(typeof environments)['revoke-machine-credentials']>;
}

/** Milliseconds between two looks at the rotation. A rotation takes seconds. */
const PAUSE = 1_000;

/** Milliseconds that are left for the removal when the rotation has taken its time. */
const REMOVAL = 30_000;

/**
 * Makes every credential worthless that App1 had until now: has the secret rotated at once, then removes all machine
 * users but the new one. App1 reads the new credentials when a sign-in with the former ones is refused. An operator calls
 * it, and may call it again: what is done already stays done, and a rotation that was abandoned is given up first.
 * @throws Error when the rotation does not end in time, or another one has taken its place; the former users stay then
 */
export const revokeMachineCredentials =
  ({ cognito, secretsManager, clock, environment }: Services) =>
  async (): Promise<RevokedCredentials> => {
    const { USER_POOL_ID, SECRET_ARN: SecretId } = environment;
    const deadline = clock.now() + timeLimits.revocationFunction * 1000 - REMOVAL;

    const stagesOf = async (): Promise<[version: string, stages: string[]][]> => {
      const { VersionIdsToStages = {} } = await secretsManager.send(new DescribeSecretCommand({ SecretId }));
      return Object.entries(VersionIdsToStages);
    };

    /** Credentials that are pending may be known, too; and while a version is pending, no other one can be made. */
    const giveUpPending = async (): Promise<void> => {
      for (const [RemoveFromVersionId, stages] of await stagesOf())
        if (stages.includes('AWSPENDING') && !stages.includes('AWSCURRENT'))
          await secretsManager.send(
            new UpdateSecretVersionStageCommand({
              SecretId,
              VersionStage: 'AWSPENDING',
              RemoveFromVersionId,
            }),
          );
    };

    const startRotation = async (): Promise<string> => {
      for (;;) {
        await giveUpPending();
        try {
          const { VersionId } = await secretsManager.send(new RotateSecretCommand({ SecretId }));
          if (VersionId === undefined)
            throw new Error('Secrets Manager does not say which version it makes.');
          return VersionId;
        } catch (error) {
          // A rotation is under way; it ends by itself, because its version is pending no longer.
          if (!hasErrorName(error, 'InvalidRequestException') || clock.now() >= deadline) throw error;
        }
        await clock.sleep(PAUSE);
      }
    };

    // The rotation removes some of them itself.
    const known = await listMachineUsers(cognito, USER_POOL_ID);
    const version = await startRotation();
    const isCurrent = async () =>
      (await stagesOf()).some(([id, stages]) => id === version && stages.includes('AWSCURRENT'));
    while (!(await isCurrent())) {
      if (clock.now() >= deadline)
        throw new Error('The rotation has not ended: the former users are not removed.');
      await clock.sleep(PAUSE);
    }

    const issued = await readIssued(secretsManager, SecretId, { VersionStage: 'AWSCURRENT' });
    if (issued?.versionId !== version)
      throw new Error('Another rotation has taken its place: the former users are not removed.');
    const former = (await listMachineUsers(cognito, USER_POOL_ID)).filter(
      (username) => username !== issued.credentials.username,
    );
    await revokeMachineUsers(cognito, USER_POOL_ID, former);
    const removed = new Set([...known, ...former]);
    removed.delete(issued.credentials.username);
    return { version_id: version, removed_users: removed.size };
  };

const revoke = revokeMachineCredentials({
  cognito: apiClient(CognitoIdentityProviderClient),
  secretsManager: apiClient(SecretsManagerClient),
  clock: systemClock,
  environment: readEnvironment(environments['revoke-machine-credentials']),
});

export const handler = step(z.object({}), revoke);
