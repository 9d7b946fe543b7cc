import { setTimeout } from 'node:timers/promises';
import { FilterLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs';
import { CognitoIdentityProviderClient, paginateListUsers } from '@aws-sdk/client-cognito-identity-provider';
import {
  GetSecretValueCommand,
  RotateSecretCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { machineCredentials } from '../../contracts/app2-api.ts';
import { readEvent } from '../../contracts/events/subscriber.ts';
import { type App2Token, app2TokenSource } from '../../handlers/app1/app2-token.ts';
import { eventually } from '../local-aws/support/eventually.ts';
import {
  configuration,
  machineToken,
  newRequest,
  outputs,
  provision,
  restart,
  system,
} from './support/deployed.ts';

/** The credentials of App1's machine user change 20 times while App1 works, and nobody notices. */

const ROTATIONS = 20;
const SecretId = outputs.app2.credentials_secret_arn;
const secrets = new SecretsManagerClient(configuration);

async function version(VersionStage: 'AWSCURRENT' | 'AWSPREVIOUS') {
  const { VersionId, SecretString = '' } = await secrets.send(
    new GetSecretValueCommand({ SecretId, VersionStage }),
  );
  return { VersionId, ...machineCredentials.parse(JSON.parse(SecretString)) };
}

/** Rotates once, as the schedule does, and waits for the end of it. */
async function rotate(): Promise<void> {
  const { VersionId } = await secrets.send(new RotateSecretCommand({ SecretId }));
  await eventually(async () => expect(await rotationsTold()).toContain(VersionId), 20_000);
  expect((await version('AWSCURRENT')).VersionId).toBe(VersionId);
}

/** Versions whose rotation was announced on App2's bus. */
async function rotationsTold(): Promise<string[]> {
  const { events = [] } = await system.clients.logs.send(
    new FilterLogEventsCommand({
      logGroupName: `/aws/events/${outputs.app2.event_bus_name}`,
      filterPattern: '"MachineCredentialsRotated"',
      limit: 10_000,
    }),
  );
  return events.map(({ message = '' }) => {
    const event = readEvent(JSON.parse(message));
    if (event['detail-type'] !== 'MachineCredentialsRotated')
      throw new Error(`It is ${event['detail-type']}.`);
    return event.detail.data.version_id;
  });
}

async function machineUsers(): Promise<string[]> {
  const users: string[] = [];
  for await (const { Users = [] } of paginateListUsers(
    { client: system.clients.cognito },
    { UserPoolId: outputs.app2.user_pool_id, Filter: 'username ^= "app1-api-client-"' },
  ))
    users.push(...Users.map(({ Username = '' }) => Username));
  return users.sort();
}

describe('rotating the machine credentials 20 times under load', () => {
  let before: string;
  const seen = new Set<string>();
  const statuses: string[] = [];
  const signIns = { done: 0, failed: [] as string[] };

  beforeAll(async () => {
    before = (await provision(newRequest())).provisioning_id;
    // App1's functions start cold, so they read the secret and sign in while it changes.
    await restart('app1-call-app2');
    let rotating = true;
    const whileRotating = async (work: () => Promise<unknown>) => {
      while (rotating) await work();
    };
    // What a warm function of App1 has in its memory, asked for a new token again and again.
    const warm = () => {
      const source = app2TokenSource({
        cognito: new CognitoIdentityProviderClient(configuration),
        secretsManager: secrets,
        clientId: outputs.app2.machine_client_id,
        secretArn: SecretId,
        now: Date.now,
      });
      let token: App2Token | undefined;
      return async () => {
        // Cognito allows ten sign-ins per second and user.
        await setTimeout(100);
        try {
          token = await source.get(token);
          signIns.done += 1;
        } catch (error) {
          signIns.failed.push(error instanceof Error ? `${error.name}: ${error.message}` : String(error));
        }
      };
    };
    const provisioning = async () => {
      const { status } = await provision(newRequest());
      statuses.push(status);
    };
    const load = [warm(), warm(), ...Array.from({ length: 4 }, () => provisioning)].map(whileRotating);
    try {
      for (let times = 0; times < ROTATIONS; times++) {
        await rotate();
        seen.add((await version('AWSCURRENT')).username);
        await eventually(async () => expect(statuses.length).toBeGreaterThan(times), 30_000);
      }
    } finally {
      rotating = false;
      await Promise.all(load);
    }
  });

  it('gives new credentials each time', () => {
    expect(seen.size).toBe(ROTATIONS);
  });

  it('fails no sign-in of those who still have the credentials before', () => {
    expect(signIns.failed).toEqual([]);
    expect(signIns.done).toBeGreaterThan(ROTATIONS);
  });

  it('fails no provisioning', () => {
    expect(statuses.length).toBeGreaterThanOrEqual(ROTATIONS);
    expect(statuses).toEqual(statuses.map(() => 'SUCCEEDED'));
  });

  it('leaves the users of the last two versions, and no other machine user', async () => {
    const kept = [await version('AWSCURRENT'), await version('AWSPREVIOUS')];
    expect(await machineUsers()).toEqual(kept.map(({ username }) => username).sort());
  });

  it('changes no owner: what was asked for under the first credentials is there under the last', async () => {
    const { status } = await system.app2('GET', `/admin/create-user/${before}`, await machineToken());
    expect(status).toBe(200);
  });
});
