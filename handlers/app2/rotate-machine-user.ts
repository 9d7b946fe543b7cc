import {
  CognitoIdentityProviderClient,
  InitiateAuthCommand,
} from '@aws-sdk/client-cognito-identity-provider';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import {
  PutSecretValueCommand,
  SecretsManagerClient,
  UpdateSecretVersionStageCommand,
} from '@aws-sdk/client-secrets-manager';
import * as z from 'zod';
import { eventId, events } from '../../contracts/events/catalogue.ts';
import { stepClient } from '../shared/aws-clients.ts';
import { readEnvironment } from '../shared/environment.ts';
import { logger } from '../shared/logger.ts';
import { secretHash } from '../shared/secret-hash.ts';
import { step } from '../shared/step.ts';
import { publish } from './lib/audit-events.ts';
import { environments } from './lib/environments.ts';
import {
  listMachineUsers,
  makeMachineUser,
  newCredentials,
  readIssued,
  revokeMachineUsers,
} from './lib/machine-user.ts';

/** What Secrets Manager calls a rotation function with, once per step. */
export const rotationEvent = z.object({
  Step: z.enum(['createSecret', 'setSecret', 'testSecret', 'finishSecret']),
  SecretId: z.string(),
  /** The version that is being made. */
  ClientRequestToken: z.string(),
});

interface Services {
  cognito: Pick<CognitoIdentityProviderClient, 'send'>;
  secretsManager: Pick<SecretsManagerClient, 'send'>;
  eventBridge: Pick<EventBridgeClient, 'send'>;
  now: () => Date;
  environment: z.infer<(typeof environments)['rotate-machine-user']>;
}

/**
 * Rotates the credentials of App1's machine user without a moment in which none are valid: each version has a user of
 * its own, and the one before stays until the next rotation ends. A function of App1 that is warm with the former
 * credentials goes on with them; App2 sees the same owner, whichever of the two signs in. The last step removes every
 * machine user that belongs to no version in use: older ones, and those of rotations that were abandoned.
 * Each step can be repeated: Secrets Manager calls again what has failed. A version that has lost its label meanwhile is
 * not gone on with, because its credentials were revoked or another rotation has begun.
 *
 * When the schedule is set, Secrets Manager calls testSecret alone, for a version that has no value; there is nothing to
 * test then (API_RotateSecret, RotateImmediately).
 * docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda-functions.html
 */
export const rotateMachineUser =
  ({ cognito, secretsManager, eventBridge, now, environment }: Services) =>
  async ({ Step, SecretId, ClientRequestToken }: z.infer<typeof rotationEvent>): Promise<void> => {
    const { USER_POOL_ID, MACHINE_CLIENT_ID, EVENT_BUS_NAME } = environment;
    const pending = await readIssued(secretsManager, SecretId, { VersionId: ClientRequestToken });
    if (Step === 'createSecret') {
      if (pending !== undefined) return;
      const credentials = await newCredentials(cognito, USER_POOL_ID, MACHINE_CLIENT_ID);
      await secretsManager.send(
        new PutSecretValueCommand({
          SecretId,
          ClientRequestToken,
          SecretString: JSON.stringify(credentials),
          VersionStages: ['AWSPENDING'],
        }),
      );
      return;
    }
    if (pending === undefined && Step === 'testSecret') {
      logger.info('There are no credentials to test', { version_id: ClientRequestToken });
      return;
    }
    if (pending === undefined)
      throw new Error(`There is no pending version of the secret for ${Step}: createSecret comes first.`);

    if (!pending.stages.some((stage) => stage === 'AWSPENDING' || stage === 'AWSCURRENT'))
      throw new Error(`The version is pending no longer, so ${Step} is not done.`);

    switch (Step) {
      case 'setSecret': {
        await makeMachineUser(cognito, environment, pending.credentials);
        return;
      }
      case 'testSecret': {
        const { username, password, client_secret } = pending.credentials;
        await cognito.send(
          new InitiateAuthCommand({
            AuthFlow: 'USER_PASSWORD_AUTH',
            ClientId: MACHINE_CLIENT_ID,
            AuthParameters: {
              USERNAME: username,
              PASSWORD: password,
              SECRET_HASH: secretHash(username, MACHINE_CLIENT_ID, client_secret),
            },
          }),
        );
        return;
      }
      case 'finishSecret': {
        const current = await readIssued(secretsManager, SecretId, { VersionStage: 'AWSCURRENT' });
        if (current?.versionId !== pending.versionId)
          await secretsManager.send(
            new UpdateSecretVersionStageCommand({
              SecretId,
              VersionStage: 'AWSCURRENT',
              MoveToVersionId: pending.versionId,
              ...(current === undefined ? {} : { RemoveFromVersionId: current.versionId }),
            }),
          );
        // Also when the stage was moved before: the call that moved it may have failed to say so.
        const name = 'MachineCredentialsRotated';
        const { sequence, version } = events[name];
        await publish(eventBridge, EVENT_BUS_NAME, name, {
          metadata: {
            event_id: eventId(name, pending.versionId),
            schema_version: version,
            provisioning_id: null,
            creation_id: null,
            sequence,
            occurred_at: now().toISOString(),
            actor: 'secretsmanager.amazonaws.com',
            causation_id: `rotation:${ClientRequestToken}`,
            trace_id: null,
            asserted: [],
          },
          data: { secret_arn: SecretId, version_id: pending.versionId },
        });
        // Listed before the labels are read: a user that the next rotation makes meanwhile is then either not listed, or
        // its version, which is pending before the user is made, is read.
        const all = await listMachineUsers(cognito, USER_POOL_ID);
        const inUse = new Set([pending.credentials.username]);
        for (const VersionStage of ['AWSCURRENT', 'AWSPENDING', 'AWSPREVIOUS'] as const) {
          const issued = await readIssued(secretsManager, SecretId, { VersionStage });
          if (issued !== undefined) inUse.add(issued.credentials.username);
        }
        await revokeMachineUsers(
          cognito,
          USER_POOL_ID,
          all.filter((username) => !inUse.has(username)),
        );
      }
    }
  };

export const handler = step(
  rotationEvent,
  rotateMachineUser({
    cognito: stepClient(CognitoIdentityProviderClient),
    secretsManager: stepClient(SecretsManagerClient),
    eventBridge: stepClient(EventBridgeClient),
    now: () => new Date(),
    environment: readEnvironment(environments['rotate-machine-user']),
  }),
);
