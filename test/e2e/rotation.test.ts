import { randomUUID } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { FilterLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs';
import { CognitoIdentityProviderClient, paginateListUsers } from '@aws-sdk/client-cognito-identity-provider';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import {
  DescribeSecretCommand,
  GetSecretValueCommand,
  PutSecretValueCommand,
  RotateSecretCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { permissions } from '../../cli/permissions.ts';
import { machineCredentials } from '../../contracts/app2-api.ts';
import { revokedCredentials } from '../../contracts/app2-operations.ts';
import { readEvent } from '../../contracts/events/subscriber.ts';
import { type TargetToken, tokenSource } from '../../handlers/app1/lib/target-token.ts';
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

/** Rotations and a revocation of the credentials of App1's machine user while App1 serves requests. */

const ROTATIONS = 20;
const SecretId = outputs.app2.credentials_secret_arn;
const secrets = new SecretsManagerClient(configuration);

async function version(VersionStage: 'AWSCURRENT' | 'AWSPREVIOUS') {
  const { VersionId, SecretString = '' } = await secrets.send(
    new GetSecretValueCommand({ SecretId, VersionStage }),
  );
  return { VersionId, ...machineCredentials.parse(JSON.parse(SecretString)) };
}

/** Rotates once, as the schedule does, and waits until the rotation has finished. */
async function rotate(): Promise<void> {
  // The event of the previous rotation is published shortly before that rotation has finished.
  const { VersionId } = await eventually(() => secrets.send(new RotateSecretCommand({ SecretId })), 20_000);
  await eventually(async () => expect(await publishedRotations()).toContain(VersionId), 20_000);
  expect((await version('AWSCURRENT')).VersionId).toBe(VersionId);
}

/** Versions of the secret whose rotation was published on App2's bus. */
async function publishedRotations(): Promise<string[]> {
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
      throw new Error(`The event is ${event['detail-type']}.`);
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

/** Load of App1: provisionings, and warm functions that sign in repeatedly. */
function startLoad() {
  const statuses: string[] = [];
  const signIns = { done: 0, failed: [] as string[] };
  let running = true;
  const whileRunning = async (work: () => Promise<unknown>) => {
    while (running) await work();
  };
  // A warm function of App1 with cached credentials, which obtains a new token repeatedly.
  const signIn = () => {
    const source = tokenSource({
      cognito: new CognitoIdentityProviderClient(configuration),
      secretsManager: secrets,
      clientId: outputs.app2.machine_client_id,
      secretArn: SecretId,
      now: Date.now,
    });
    let token: TargetToken | undefined;
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
  const work = [signIn(), signIn(), ...Array.from({ length: 4 }, () => provisioning)].map(whileRunning);
  return {
    statuses,
    signIns,
    stop: async () => {
      running = false;
      await Promise.all(work);
    },
  };
}

// secretsmanager/latest/apireference/API_RotateSecret (RotateImmediately): a deployment that sets the schedule does this.
it('passes the test of the rotation function that Secrets Manager runs when a schedule is set', async () => {
  const log = { logGroupName: '/aws/lambda/app2-rotate-machine-user', startTime: Date.now() };
  const logged = async (filterPattern: string) => {
    const { events = [] } = await system.clients.logs.send(
      new FilterLogEventsCommand({ ...log, filterPattern }),
    );
    return events.map(({ message }) => message);
  };
  const { VersionId } = await secrets.send(new RotateSecretCommand({ SecretId, RotateImmediately: false }));

  await eventually(async () =>
    expect(await logged(`"${VersionId}"`)).toEqual([expect.stringContaining('No credentials to test')]),
  );

  expect(await logged('"Step failed"')).toEqual([]);
});

describe('a rotation of the machine credentials, 20 times under load', () => {
  let before: string;
  const usernames = new Set<string>();
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
    await restart('app1-call-target');
    const load = startLoad();
    ({ statuses, signIns } = load);
    try {
      for (let times = 0; times < ROTATIONS; times++) {
        await rotate();
        usernames.add((await version('AWSCURRENT')).username);
        await eventually(async () => expect(statuses.length).toBeGreaterThan(times), 30_000);
      }
    } finally {
      await load.stop();
    }
  });

  it('issues new credentials at each rotation', () => {
    expect(usernames.size).toBe(ROTATIONS);
  });

  it('fails no sign-in with the previous credentials', () => {
    expect(signIns.failed).toEqual([]);
    expect(signIns.done).toBeGreaterThan(ROTATIONS);
  });

  it('fails no provisioning', () => {
    expect(statuses.length).toBeGreaterThanOrEqual(ROTATIONS);
    expect(statuses).toEqual(statuses.map(() => 'SUCCEEDED'));
  });

  it('keeps the machine users of the last two versions only', async () => {
    const kept = [await version('AWSCURRENT'), await version('AWSPREVIOUS')];

    expect(await machineUsers()).toEqual(kept.map(({ username }) => username).sort());
  });

  it('does not change the owner: a request with the first credentials is found with the last ones', async () => {
    const { status } = await system.app2('GET', `/admin/create-user/${before}`, await machineToken());

    expect(status).toBe(200);
  });
});

describe('a revocation of leaked machine credentials under load', () => {
  const leaked = {
    current: { username: '', password: '' },
    previous: { username: '', password: '' },
    abandoned: { username: '', password: '' },
  };
  let load: ReturnType<typeof startLoad>;
  let revocation: { version_id: string; removed_users: number };
  /** Number of provisionings that had finished when the command returned. */
  let finishedBefore = 0;
  /** Id of a provisioning that was requested with the revoked credentials. */
  let earlierId: string;

  const runStep = (Step: string, ClientRequestToken: string) =>
    new LambdaClient(configuration).send(
      new InvokeCommand({
        FunctionName: 'app2-rotate-machine-user',
        Payload: JSON.stringify({ Step, SecretId, ClientRequestToken }),
      }),
    );

  /** Runs a rotation until it has created its user, and abandons it. */
  async function abandonRotation() {
    const ClientRequestToken = randomUUID();
    const { client_secret } = await version('AWSCURRENT');
    const credentials = machineCredentials.parse({
      username: `app1-api-client-${ClientRequestToken.replaceAll('-', '')}`,
      password: `${ClientRequestToken}-aA1`,
      client_secret,
    });
    await secrets.send(
      new PutSecretValueCommand({
        SecretId,
        ClientRequestToken,
        SecretString: JSON.stringify(credentials),
        VersionStages: ['AWSPENDING'],
      }),
    );
    const { FunctionError } = await runStep('setSecret', ClientRequestToken);
    expect(FunctionError).toBeUndefined();
    return credentials;
  }

  beforeAll(async () => {
    // Without the tests above, there would be no previous credentials.
    await rotate();
    earlierId = (await provision(newRequest())).provisioning_id;
    leaked.previous = await version('AWSPREVIOUS');
    leaked.current = await version('AWSCURRENT');
    leaked.abandoned = await abandonRotation();
    for (const credentials of Object.values(leaked)) await signInMachineUser(credentials);
    await restart('app1-call-target');
    load = startLoad();
    try {
      await eventually(async () => expect(load.statuses.length).toBeGreaterThan(0), 30_000);
      const { status, stdout } = await run('npx provision revoke-machine-credentials --target app2 --json');
      expect([status, stdout]).toEqual([0, expect.stringContaining('version_id')]);
      revocation = revokedCredentials.parse(JSON.parse(stdout));
      finishedBefore = load.statuses.length;
      await restart('app1-call-target');
      await eventually(async () => expect(load.statuses.length).toBeGreaterThan(finishedBefore + 4), 60_000);
    } finally {
      await load.stop();
    }
  });

  it('issues new credentials to App1', async () => {
    const { VersionId, username } = await version('AWSCURRENT');

    expect(revocation.version_id).toBe(VersionId);
    expect(Object.values(leaked).map((credentials) => credentials.username)).not.toContain(username);
  });

  it('fails no provisioning and no sign-in of App1 before, during and after the revocation', () => {
    expect(load.statuses.length).toBeGreaterThan(finishedBefore);
    expect(load.statuses).toEqual(load.statuses.map(() => 'SUCCEEDED'));
    expect(load.signIns.failed).toEqual([]);
  });

  it.each(Object.keys(leaked) as (keyof typeof leaked)[])(
    'rejects sign-ins with the %s credentials by both clients',
    async (version) => {
      for (const client of ['machine', 'public'] as const)
        await expect(signInMachineUser(leaked[version], client)).rejects.toMatchObject({
          name: 'NotAuthorizedException',
        });
    },
  );

  it('keeps one machine user, and reports the number of removed ones', async () => {
    expect(await machineUsers()).toEqual([(await version('AWSCURRENT')).username]);
    expect(revocation.removed_users).toBe(3);
  });

  it('refuses the createSecret of a rotation that was abandoned before, so that no version is pending', async () => {
    const { FunctionError } = await runStep('createSecret', randomUUID());

    const { VersionIdsToStages } = await secrets.send(new DescribeSecretCommand({ SecretId }));

    expect(FunctionError).toBe('Unhandled');
    expect(VersionIdsToStages?.[revocation.version_id]).toContain('AWSCURRENT');
    expect(
      Object.entries(VersionIdsToStages ?? {}).filter(
        ([versionId, stages]) => versionId !== revocation.version_id && stages.includes('AWSPENDING'),
      ),
    ).toEqual([]);
  });

  it('can be repeated with only the permissions of docs/cli.md', async () => {
    const operator = await callerWho({
      Effect: 'Allow',
      Action: [...permissions['revoke-machine-credentials']],
      Resource: '*',
    });
    const { status, stdout } = await run(
      'npx provision revoke-machine-credentials --target app2 --aws --json',
      {
        AWS_ENDPOINT_URL: outputs.endpoint,
        AWS_REGION: outputs.region,
        AWS_ACCESS_KEY_ID: operator.accessKeyId,
        AWS_SECRET_ACCESS_KEY: operator.secretAccessKey,
        AWS_SESSION_TOKEN: operator.sessionToken ?? '',
      },
    );

    expect([status, JSON.parse(stdout)]).toEqual([0, expect.objectContaining({ removed_users: 1 })]);
    expect((await provision(newRequest())).status).toBe('SUCCEEDED');
  });

  it('does not change the owner: a request with the revoked credentials is found', async () => {
    const { status } = await system.app2('GET', `/admin/create-user/${earlierId}`, await machineToken());

    expect(status).toBe(200);
  });
});
