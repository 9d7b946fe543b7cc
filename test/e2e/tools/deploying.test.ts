import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CloudFormationClient,
  DescribeStacksCommand,
  paginateDescribeStacks,
} from '@aws-sdk/client-cloudformation';
import {
  CloudWatchClient,
  DeleteDashboardsCommand,
  GetDashboardCommand,
  PutDashboardCommand,
} from '@aws-sdk/client-cloudwatch';
import { CloudWatchLogsClient, DescribeLogGroupsCommand } from '@aws-sdk/client-cloudwatch-logs';
import {
  CognitoIdentityProviderClient,
  ListUserPoolsCommand,
  ListUsersCommand,
} from '@aws-sdk/client-cognito-identity-provider';
import { EventBridgeClient, ListArchivesCommand, ListEventBusesCommand } from '@aws-sdk/client-eventbridge';
import { CreatePolicyCommand, GetRoleCommand, IAMClient } from '@aws-sdk/client-iam';
import { KMSClient, ListAliasesCommand } from '@aws-sdk/client-kms';
import {
  GetFunctionCommand,
  GetFunctionConfigurationCommand,
  LambdaClient,
  ListFunctionsCommand,
  UpdateFunctionConfigurationCommand,
} from '@aws-sdk/client-lambda';
import {
  GetSecretValueCommand,
  ListSecretsCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { ListStateMachinesCommand, SFNClient } from '@aws-sdk/client-sfn';
import { ListQueuesCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import getPort from 'get-port';
import { machineCredentials } from '../../../contracts/app2-api.ts';
import type { ServiceKind } from '../../../contracts/services.ts';
import { localApiUrl } from '../../../local/api-url.ts';
import { type Emulator, startEmulator } from '../../../local/emulator.ts';
import { changeTarget } from '../../../local/harness/variables.ts';
import { venv } from '../../../local/paths.ts';
import { commandsIn } from '../../support/documented.ts';
import { startForwardProxy } from '../support/forward-proxy.ts';
import { operatorOf } from '../support/operator.ts';
import { openShell, type Shell } from '../support/shell.ts';

/** docs/deploying.md, from an empty account to the removal of both stacks, with the retention settings for AWS. */

const GUIDE = 'docs/deploying.md';
const EXAMPLE = 'examples/access-register/README.md';

let directory: string;
let aws: Emulator;
let shell: Shell;
let configuration: {
  endpoint: string;
  region: string;
  credentials: { accessKeyId: string; secretAccessKey: string };
};

const runSection = async (page: string, section: string) => shell.run(commandsIn(page, section).join('\n'));

async function stacks() {
  const found: Record<string, string> = {};
  for await (const { Stacks = [] } of paginateDescribeStacks(
    { client: new CloudFormationClient(configuration) },
    {},
  ))
    for (const { StackName = '', StackStatus = '' } of Stacks) found[StackName] = StackStatus;
  return found;
}
/** Name of the role of a function. */
async function roleOf(clientConfiguration: typeof configuration, FunctionName: string): Promise<string> {
  const { Configuration } = await new LambdaClient(clientConfiguration).send(
    new GetFunctionCommand({ FunctionName }),
  );
  return Configuration?.Role?.split('/').at(-1) ?? '';
}
const stack = async (StackName: string) =>
  (await new CloudFormationClient(configuration).send(new DescribeStacksCommand({ StackName }))).Stacks?.[0];

/**
 * Sets the URLs of the APIs in the shell and in App1. On AWS, each API has a host of its own; the local AWS serves all of
 * them under its endpoint.
 */
async function setApiUrls(): Promise<void> {
  const urlOf = async (name: string) => {
    const { Outputs = [] } = (await stack(name)) ?? {};
    const url = Outputs.find(({ OutputKey }) => OutputKey === 'ApiUrl')?.OutputValue ?? '';
    return localApiUrl(url, aws.endpoint);
  };
  const [app1, app2] = [await urlOf('App1'), await urlOf('App2')];
  await shell.run(`export APP1_API_URL=${app1} TARGET_API_URL=${app2}`);
  const lambda = new LambdaClient(configuration);
  const FunctionName = 'app1-call-target';
  const { Environment } = await lambda.send(new GetFunctionConfigurationCommand({ FunctionName }));
  const registry = Environment?.Variables?.['TARGETS'];
  const Variables = {
    ...Environment?.Variables,
    TARGETS: changeTarget(registry, 'app2', { api_url: app2 }),
  };
  await lambda.send(new UpdateFunctionConfigurationCommand({ FunctionName, Environment: { Variables } }));
}

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'deploying-'));
  aws = await startEmulator({
    python: join(venv, 'bin', 'python'),
    port: await getPort({ host: '127.0.0.1' }),
    directory,
  });
  const { accessKeyId, secretAccessKey, endpoint, region } = aws;
  configuration = { endpoint, region, credentials: { accessKeyId, secretAccessKey } };
  shell = openShell(operatorOf(aws, {}));
});
afterAll(async () => {
  await shell.end();
  await aws.stop();
  rmSync(directory, { recursive: true, force: true });
});

/** The commands of "Into one account" for App2, and those for App1. */
const [forApp2 = '', forApp1 = ''] = commandsIn(GUIDE, 'Into one account')
  .join('\n')
  .split(/^(?=app2\(\))/m);

/** Names of resources of a service that would make CloudFormation fail if they existed before a deployment. */
async function uniqueNamesOf(service: ServiceKind): Promise<string[]> {
  const [logs, states, lambda, sqs, secrets, events, kms] = [
    new CloudWatchLogsClient(configuration),
    new SFNClient(configuration),
    new LambdaClient(configuration),
    new SQSClient(configuration),
    new SecretsManagerClient(configuration),
    new EventBridgeClient(configuration),
    new KMSClient(configuration),
  ];
  const names = [
    (await logs.send(new DescribeLogGroupsCommand({}))).logGroups?.map(({ logGroupName }) => logGroupName),
    (await states.send(new ListStateMachinesCommand({}))).stateMachines?.map(({ name }) => name),
    (await lambda.send(new ListFunctionsCommand({}))).Functions?.map(({ FunctionName }) => FunctionName),
    (await sqs.send(new ListQueuesCommand({}))).QueueUrls,
    (await secrets.send(new ListSecretsCommand({}))).SecretList?.map(({ Name }) => Name),
    (await events.send(new ListEventBusesCommand({}))).EventBuses?.map(({ Name }) => Name),
    (await events.send(new ListArchivesCommand({}))).Archives?.map(({ ArchiveName }) => ArchiveName),
    (await kms.send(new ListAliasesCommand({}))).Aliases?.map(({ AliasName }) => AliasName),
  ].flatMap((found) => found ?? []);
  const ownNames = {
    app1: /app1-(?!api-client)|ProvisionServiceUser|RollBackProvisioning/,
    app2: /app2-/,
  }[service];
  return names.filter((name) => name !== undefined).filter((name) => ownNames.test(name));
}

describe('a first deployment that fails', () => {
  const cloudWatch = () => new CloudWatchClient(configuration);
  const cases = [
    ['App2', 'app2', forApp2],
    ['App1', 'app1', forApp1],
  ] as const;

  it.each(cases)('of %s is repeated as described in the guide', async (name, service, commands) => {
    // Another team has a dashboard with this name, which CloudFormation creates almost last.
    const DashboardName = `${service}-operations-${aws.region}`;
    await cloudWatch().send(new PutDashboardCommand({ DashboardName, DashboardBody: '{"widgets":[]}' }));

    await expect(shell.run(commands)).rejects.toThrow('already exists');
    expect(await stack(name)).toMatchObject({
      StackStatus: 'ROLLBACK_COMPLETE',
      EnableTerminationProtection: true,
    });
    expect(await uniqueNamesOf(service)).toEqual([]);

    const [repair = ''] = commandsIn(GUIDE, 'When the first deployment fails');

    expect(await shell.run(repair.replace('failed=App2', `failed=${name}`))).toContain(DashboardName);

    await cloudWatch().send(new DeleteDashboardsCommand({ DashboardNames: [DashboardName] }));
    await shell.run(commands);

    expect(await stacks()).toMatchObject({ [name]: 'CREATE_COMPLETE' });
  });

  it('leaves only an empty user pool', async () => {
    const cognito = new CognitoIdentityProviderClient(configuration);
    const { UserPools = [] } = await cognito.send(new ListUserPoolsCommand({ MaxResults: 60 }));
    const users = UserPools.map(({ Id }) => cognito.send(new ListUsersCommand({ UserPoolId: Id })));

    // The pool in use contains the machine user.
    expect((await Promise.all(users)).map(({ Users = [] }) => Users.length).sort()).toEqual([0, 1]);
  });
});

describe('docs/deploying.md', () => {
  it('deploys both services with termination protection, and App1 with the outputs of App2', async () => {
    expect(await stacks()).toMatchObject({ App1: 'CREATE_COMPLETE', App2: 'CREATE_COMPLETE' });

    const [app1, app2] = [await stack('App1'), await stack('App2')];

    expect([app1?.EnableTerminationProtection, app2?.EnableTerminationProtection]).toEqual([true, true]);

    const output = (key: string) => app2?.Outputs?.find(({ OutputKey }) => OutputKey === key)?.OutputValue;

    expect(app1?.Parameters).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ ParameterKey: 'TargetApp2', ParameterValue: output('Target') }),
      ]),
    );

    const { SecretString = '' } = await new SecretsManagerClient(configuration).send(
      new GetSecretValueCommand({ SecretId: 'app2-api-client-credentials' }),
    );

    expect(machineCredentials.safeParse(JSON.parse(SecretString)).success).toBe(true);
  });

  it('verifies the deployment by the acceptance', async () => {
    await setApiUrls();

    expect(await runSection(GUIDE, 'Run the acceptance')).toMatch(/^\d+ passed, 0 failed$/m);
  });

  it('deploys a subscriber as described in its page', async () => {
    await runSection(EXAMPLE, 'On AWS');
    await shell.run('cd - > /dev/null');

    expect(await stacks()).toMatchObject({ AccessRegister: 'CREATE_COMPLETE' });
  });

  it('deploys into a second region with another qualifier, a permissions boundary and a proxy', async () => {
    const region = 'eu-west-3';
    const regional = { ...configuration, region };
    await new IAMClient(regional).send(
      new CreatePolicyCommand({
        PolicyName: 'developers',
        PolicyDocument: JSON.stringify({
          Version: '2012-10-17',
          Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }],
        }),
      }),
    );
    const proxy = await startForwardProxy();
    const regionalShell = openShell({
      ...operatorOf(
        { ...aws, region },
        {
          '@aws-cdk/core:bootstrapQualifier': 'team1',
          '@aws-cdk/core:permissionsBoundary': { name: 'developers' },
        },
      ),
    });

    try {
      const [commands = ''] = commandsIn(GUIDE, 'Another region, and rules of your account');
      await regionalShell.run(commands.replaceAll('http://proxy.example.com:3128', proxy.address));
      expect(proxy.hosts()).toEqual([new URL(aws.endpoint).host]);
      await regionalShell.run(forApp1);

      const { Stacks = [] } = await new CloudFormationClient(regional).send(new DescribeStacksCommand({}));
      expect(
        Object.fromEntries(Stacks.map(({ StackName, StackStatus }) => [StackName, StackStatus])),
      ).toEqual({
        'CDKToolkit-team1': 'CREATE_COMPLETE',
        App1: 'CREATE_COMPLETE',
        App2: 'CREATE_COMPLETE',
      });
      const { Role } = await new IAMClient(regional).send(
        new GetRoleCommand({ RoleName: await roleOf(regional, 'app2-create-user') }),
      );
      expect(Role?.PermissionsBoundary?.PermissionsBoundaryArn).toBe(
        `arn:aws:iam::${aws.account}:policy/developers`,
      );
      for (const service of ['app1', 'app2'])
        for (const dashboardRegion of [region, aws.region]) {
          const DashboardName = `${service}-operations-${dashboardRegion}`;
          await expect(
            new CloudWatchClient(regional).send(new GetDashboardCommand({ DashboardName })),
          ).resolves.toMatchObject({ DashboardName });
        }
    } finally {
      await regionalShell.end();
      await proxy.end();
    }
  });

  it('removes both stacks, and retains the resources with data', async () => {
    await runSection(GUIDE, 'Taking it down');

    const remaining = await stacks();
    const { stateMachines = [] } = await new SFNClient(configuration).send(new ListStateMachinesCommand({}));

    expect(Object.keys(remaining)).not.toEqual(expect.arrayContaining(['App1']));
    expect(Object.keys(remaining)).not.toEqual(expect.arrayContaining(['App2']));
    expect(stateMachines.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['ProvisionServiceUser', 'app2-CreateServiceUser']),
    );
  });
});
