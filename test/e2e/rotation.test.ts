import { randomUUID } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { FilterLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs';
import { CognitoIdentityProviderClient, paginateListUsers } from '@aws-sdk/client-cognito-identity-provider';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import {
  GetSecretValueCommand,
  RotateSecretCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { permissions } from '../../cli/permissions.ts';
import { machineCredentials } from '../../contracts/app2-api.ts';
import { revokedCredentials } from '../../contracts/app2-operations.ts';
import { readEvent } from '../../contracts/events/subscriber.ts';
import { type App2Token, app2TokenSource } from '../../handlers/app1/lib/app2-token.ts';
import { eventually } from '../local-aws/support/eventually.ts';
import { callerWho } from '../local-aws/support/roles.ts';
import { run } from './support/commands.ts';
import {
  configuration,
  machineToken,
  newRequest,
  outputs,
  provision,
  restart,
  signInMachineUser,
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
  // The event of the rotation before is published shortly before that has ended.
  const { VersionId } = await eventually(() => secrets.send(new RotateSecretCommand({ SecretId })), 20_000);
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

/** What App1 does all the time: provisionings, and functions of its own that are warm and ask for a token again. */
function startLoad() {
  const statuses: string[] = [];
  const signIns = { done: 0, failed: [] as string[] };
  let running = true;
  const whileRunning = async (work: () => Promise<unknown>) => {
    while (running) await work();
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
  const work = [warm(), warm(), ...Array.from({ length: 4 }, () => provisioning)].map(whileRunning);
  return {
    statuses,
    signIns,
    stop: async () => {
      running = false;
      await Promise.all(work);
    },
  };
}

// secretsmanager/latest/apireference/API_RotateSecret (RotateImmediately): as a deployment sets the schedule
it('passes the test that Secrets Manager makes of a schedule', async () => {
  const log = { logGroupName: '/aws/lambda/app2-rotate-machine-user', startTime: Date.now() };
  const told = async (filterPattern: string) => {
    const { events = [] } = await system.clients.logs.send(
      new FilterLogEventsCommand({ ...log, filterPattern }),
    );
    return events.map(({ message }) => message);
  };
  const { VersionId } = await secrets.send(new RotateSecretCommand({ SecretId, RotateImmediately: false }));

  await eventually(async () =>
    expect(await told(`"${VersionId}"`)).toEqual([
      expect.stringContaining('There are no credentials to test'),
    ]),
  );
  expect(await told('"Step failed"')).toEqual([]);
});

describe('rotating the machine credentials 20 times under load', () => {
  let before: string;
  const seen = new Set<string>();
  let {
    statuses,
    signIns,
  }: Pick<ReturnType<typeof startLoad>, 'statuses' | 'signIns'> = {
    statuses: [],
    signIns: { done: 0, failed: [] },
  };

  beforeAll(async () => {
    before = (await provision(newRequest())).provisioning_id;
    // App1's functions start cold, so they read the secret and sign in while it changes.
    await restart('app1-call-app2');
    const load = startLoad();
    ({ statuses, signIns } = load);
    try {
      for (let times = 0; times < ROTATIONS; times++) {
        await rotate();
        seen.add((await version('AWSCURRENT')).username);
        await eventually(async () => expect(statuses.length).toBeGreaterThan(times), 30_000);
      }
    } finally {
      await load.stop();
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

describe('revoking the machine credentials, which somebody has seen, under load', () => {
  const leaked = {
    current: { username: '', password: '' },
    previous: { username: '', password: '' },
    abandoned: { username: '', password: '' },
  };
  let load: ReturnType<typeof startLoad>;
  let told: { version_id: string; removed_users: number };
  /** How many provisionings had ended when the command was over. */
  let endedBefore = 0;
  /** A provisioning that was asked for with the credentials that are revoked. */
  let asked: string;

  /** A rotation that came as far as to make its user, and then no further. */
  async function abandonRotation() {
    const token = randomUUID();
    for (const Step of ['createSecret', 'setSecret'])
      await new LambdaClient(configuration).send(
        new InvokeCommand({
          FunctionName: 'app2-rotate-machine-user',
          Payload: JSON.stringify({ Step, SecretId, ClientRequestToken: token }),
        }),
      );
    const { SecretString = '' } = await secrets.send(
      new GetSecretValueCommand({ SecretId, VersionId: token }),
    );
    return machineCredentials.parse(JSON.parse(SecretString));
  }

  beforeAll(async () => {
    // So that there are credentials before the present ones, also when these cases are run alone.
    await rotate();
    asked = (await provision(newRequest())).provisioning_id;
    leaked.previous = await version('AWSPREVIOUS');
    leaked.current = await version('AWSCURRENT');
    leaked.abandoned = await abandonRotation();
    for (const credentials of Object.values(leaked)) await signInMachineUser(credentials);
    await restart('app1-call-app2');
    load = startLoad();
    try {
      await eventually(async () => expect(load.statuses.length).toBeGreaterThan(0), 30_000);
      const { status, stdout } = await run('npx provision revoke-machine-credentials --json');
      expect([status, stdout]).toEqual([0, expect.stringContaining('version_id')]);
      told = revokedCredentials.parse(JSON.parse(stdout));
      endedBefore = load.statuses.length;
      await restart('app1-call-app2');
      await eventually(async () => expect(load.statuses.length).toBeGreaterThan(endedBefore + 4), 60_000);
    } finally {
      await load.stop();
    }
  });

  it('gives App1 credentials that are new', async () => {
    const { VersionId, username } = await version('AWSCURRENT');
    expect(told.version_id).toBe(VersionId);
    expect(Object.values(leaked).map((credentials) => credentials.username)).not.toContain(username);
  });

  it('fails no provisioning and no sign-in of App1, before, meanwhile and after', () => {
    expect(load.statuses.length).toBeGreaterThan(endedBefore);
    expect(load.statuses).toEqual(load.statuses.map(() => 'SUCCEEDED'));
    expect(load.signIns.failed).toEqual([]);
  });

  it.each(Object.keys(leaked) as (keyof typeof leaked)[])(
    'lets nobody sign in any more with the credentials that were %s, by either client',
    async (which) => {
      for (const client of ['machine', 'public'] as const)
        await expect(signInMachineUser(leaked[which], client)).rejects.toMatchObject({
          name: 'NotAuthorizedException',
        });
    },
  );

  it('leaves one machine user, and says how many it has removed', async () => {
    expect(await machineUsers()).toEqual([(await version('AWSCURRENT')).username]);
    expect(told.removed_users).toBe(3);
  });

  it('can be run again, with the right of docs/cli.md and no other', async () => {
    const operator = await callerWho({
      Effect: 'Allow',
      Action: [...permissions['revoke-machine-credentials']],
      Resource: '*',
    });
    const { status, stdout } = await run('npx provision revoke-machine-credentials --aws --json', {
      AWS_ENDPOINT_URL: outputs.endpoint,
      AWS_REGION: outputs.region,
      AWS_ACCESS_KEY_ID: operator.accessKeyId,
      AWS_SECRET_ACCESS_KEY: operator.secretAccessKey,
      AWS_SESSION_TOKEN: operator.sessionToken ?? '',
    });
    expect([status, JSON.parse(stdout)]).toEqual([0, expect.objectContaining({ removed_users: 1 })]);
    expect((await provision(newRequest())).status).toBe('SUCCEEDED');
  });

  it('keeps the owner: what was asked for with the former credentials is there', async () => {
    const { status } = await system.app2('GET', `/admin/create-user/${asked}`, await machineToken());
    expect(status).toBe(200);
  });
});
