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

/** Milliseconds between two polls of the rotation, which takes seconds. */
const POLL_INTERVAL = 1_000;

/** Milliseconds that are reserved for the deletion of the earlier users after the rotation. */
const DELETION_TIME = 30_000;

/**
 * Revokes all present credentials of App1: rotates the secret, then deletes all machine users except the new one. App1
 * reads the new credentials when a sign-in with the earlier ones is refused. An operator invokes it; it is idempotent, and
 * cancels an abandoned rotation first.
 * @throws Error if the rotation does not finish in time, or another rotation has replaced it; then no user is deleted
 */
export const revokeMachineCredentials =
  ({ cognito, secretsManager, clock, environment }: Services) =>
  async (): Promise<RevokedCredentials> => {
    const { USER_POOL_ID, SECRET_ARN: SecretId } = environment;
    const deadline = clock.now() + timeLimits.revocationFunction * 1000 - DELETION_TIME;

    const stagesOf = async (): Promise<[version: string, stages: string[]][]> => {
      const { VersionIdsToStages = {} } = await secretsManager.send(new DescribeSecretCommand({ SecretId }));
      return Object.entries(VersionIdsToStages);
    };

    /** Pending credentials must not become current; and while a version is pending, no rotation can start. */
    const cancelPending = async (): Promise<void> => {
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
        await cancelPending();
        try {
          const { VersionId } = await secretsManager.send(new RotateSecretCommand({ SecretId }));
          if (VersionId === undefined) throw new Error('RotateSecret returned no version id.');
          return VersionId;
        } catch (error) {
          // Another rotation is in progress; it fails, because its version is not pending any more.
          if (!hasErrorName(error, 'InvalidRequestException') || clock.now() >= deadline) throw error;
        }
        await clock.sleep(POLL_INTERVAL);
      }
    };

    // Listed before the rotation, which deletes some of them.
    const before = await listMachineUsers(cognito, USER_POOL_ID);
    const version = await startRotation();
    const isCurrent = async () =>
      (await stagesOf()).some(([id, stages]) => id === version && stages.includes('AWSCURRENT'));
    while (!(await isCurrent())) {
      if (clock.now() >= deadline)
        throw new Error('The rotation has not finished: the earlier users are not deleted.');
      await clock.sleep(POLL_INTERVAL);
    }

    const issued = await readIssued(secretsManager, SecretId, { VersionStage: 'AWSCURRENT' });
    if (issued?.versionId !== version)
      throw new Error('Another rotation has replaced it: the earlier users are not deleted.');
    const earlier = (await listMachineUsers(cognito, USER_POOL_ID)).filter(
      (username) => username !== issued.credentials.username,
    );
    await revokeMachineUsers(cognito, USER_POOL_ID, earlier);
    const removed = new Set([...before, ...earlier]);
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
