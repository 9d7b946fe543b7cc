import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CloudFormationClient,
  DescribeStacksCommand,
  paginateDescribeStacks,
} from '@aws-sdk/client-cloudformation';
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { ListStateMachinesCommand, SFNClient } from '@aws-sdk/client-sfn';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import getPort from 'get-port';
import { machineCredentials } from '../../../contracts/app2-api.ts';
import { type Emulator, startEmulator } from '../../../local/emulator.ts';
import { venv } from '../../../local/places.ts';
import { commandsIn } from '../../support/documented.ts';
import { operatorOf } from '../support/operator.ts';
import { openShell, type Shell } from '../support/shell.ts';

/** docs/deploying.md, followed from an empty account to an empty account, with what goes to AWS: nothing is disposable. */

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

const follow = async (page: string, section: string) => shell.run(commandsIn(page, section).join('\n'));

async function stacks() {
  const found: Record<string, string> = {};
  for await (const { Stacks = [] } of paginateDescribeStacks(
    { client: new CloudFormationClient(configuration) },
    {},
  ))
    for (const { StackName = '', StackStatus = '' } of Stacks) found[StackName] = StackStatus;
  return found;
}
const stack = async (StackName: string) =>
  (await new CloudFormationClient(configuration).send(new DescribeStacksCommand({ StackName }))).Stacks?.[0];

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

describe('docs/deploying.md', () => {
  it('deploys both services into an empty account, protected, and App1 knows App2', async () => {
    await follow(GUIDE, 'Into one account');

    expect(await stacks()).toMatchObject({ App1: 'CREATE_COMPLETE', App2: 'CREATE_COMPLETE' });
    const [app1, app2] = [await stack('App1'), await stack('App2')];
    expect([app1?.EnableTerminationProtection, app2?.EnableTerminationProtection]).toEqual([true, true]);
    const output = (key: string) => app2?.Outputs?.find(({ OutputKey }) => OutputKey === key)?.OutputValue;
    expect(app1?.Parameters).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ ParameterKey: 'App2ApiUrl', ParameterValue: output('ApiUrl') }),
        expect.objectContaining({
          ParameterKey: 'App2SecretArn',
          ParameterValue: output('CredentialsSecretArn'),
        }),
      ]),
    );
    const { SecretString = '' } = await new SecretsManagerClient(configuration).send(
      new GetSecretValueCommand({ SecretId: 'app1-api-client-credentials' }),
    );
    expect(machineCredentials.safeParse(JSON.parse(SecretString)).success).toBe(true);
  });

  it('has a team subscribe as its page says', async () => {
    await follow(EXAMPLE, 'On AWS');
    await shell.run('cd - > /dev/null');

    expect(await stacks()).toMatchObject({ AccessRegister: 'CREATE_COMPLETE' });
  });

  it('takes both down again, and keeps what must be kept', async () => {
    await follow(GUIDE, 'Taking it down');

    const left = await stacks();
    expect(Object.keys(left)).not.toEqual(expect.arrayContaining(['App1']));
    expect(Object.keys(left)).not.toEqual(expect.arrayContaining(['App2']));
    const { stateMachines = [] } = await new SFNClient(configuration).send(new ListStateMachinesCommand({}));
    expect(stateMachines.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['ProvisionServiceUser', 'CreateServiceUser']),
    );
  });
});
