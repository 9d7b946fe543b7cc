import {
  CognitoIdentityProviderClient,
  InitiateAuthCommand,
} from '@aws-sdk/client-cognito-identity-provider';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import {
  DescribeSecretCommand,
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
  createMachineUser,
  listMachineUsers,
  newCredentials,
  readIssued,
  revokeMachineUsers,
} from './lib/machine-user.ts';

/** Event with which Secrets Manager invokes a rotation function, once per step. */
export const rotationEvent = z.object({
  Step: z.enum(['createSecret', 'setSecret', 'testSecret', 'finishSecret']),
  SecretId: z.string(),
  /** Id of the new version. */
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
 * Rotates the credentials of App1's machine user without an interruption: each version has a user of its own, and the
 * previous user stays valid until the next rotation. A warm function of App1 can continue with the previous credentials;
 * both users have the same owner. The last step deletes every machine user without a version in use: older ones, and
 * those of abandoned rotations. Each step is idempotent, because Secrets Manager retries it. A version without its
 * staging label is not continued: its credentials were revoked, or another rotation has started. So a late createSecret
 * does not take AWSPENDING from the version of that other rotation.
 *
 * When the schedule is set, Secrets Manager invokes only testSecret, for a version without a value, which is ignored
 * (API_RotateSecret, RotateImmediately).
 * docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda-functions.html
 */
export const rotateMachineUser =
  ({ cognito, secretsManager, eventBridge, now, environment }: Services) =>
  async ({ Step, SecretId, ClientRequestToken }: z.infer<typeof rotationEvent>): Promise<void> => {
    const { SERVICE, USER_POOL_ID, MACHINE_CLIENT_ID, EVENT_BUS_NAME } = environment;
    const pending = await readIssued(secretsManager, SecretId, { VersionId: ClientRequestToken });
    if (Step === 'createSecret') {
      if (pending !== undefined) return;
      const { VersionIdsToStages = {} } = await secretsManager.send(new DescribeSecretCommand({ SecretId }));
      refuseUnlessPending(Step, VersionIdsToStages[ClientRequestToken] ?? []);
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
      logger.info('No credentials to test', { version_id: ClientRequestToken });
      return;
    }
    if (pending === undefined)
      throw new Error(`${Step} needs a pending version of the secret, which createSecret creates.`);

    refuseUnlessPending(Step, pending.stages);

    switch (Step) {
      case 'setSecret': {
        await createMachineUser(cognito, environment, pending.credentials);
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
        // Also if the label was moved before, because the response of that call may have been lost.
        const name = 'MachineCredentialsRotated';
        const { sequence, version } = events[name];
        await publish(eventBridge, { service: SERVICE, busName: EVENT_BUS_NAME }, name, {
          metadata: {
            event_id: eventId(SERVICE, name, pending.versionId),
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
        // Listed before the labels are read: a user that the next rotation creates in between is either not listed, or its
        // version, which is pending before the user is created, is read.
        const machineUsers = await listMachineUsers(cognito, USER_POOL_ID);
        const inUse = new Set([pending.credentials.username]);
        for (const VersionStage of ['AWSCURRENT', 'AWSPENDING', 'AWSPREVIOUS'] as const) {
          const issued = await readIssued(secretsManager, SecretId, { VersionStage });
          if (issued !== undefined) inUse.add(issued.credentials.username);
        }
        await revokeMachineUsers(
          cognito,
          USER_POOL_ID,
          machineUsers.filter((username) => !inUse.has(username)),
        );
      }
    }
  };

/** AWSCURRENT, because the rotation may have finished in an earlier attempt whose response was lost. */
function refuseUnlessPending(step: string, stages: readonly string[]): void {
  if (!stages.some((stage) => stage === 'AWSPENDING' || stage === 'AWSCURRENT'))
    throw new Error(`The version is not pending any more, so ${step} is refused.`);
}

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
