import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { DescribeRuleCommand, EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import getPort from 'get-port';
import { replaceField } from '../../../contracts/targets.ts';
import { localApiUrl } from '../../../local/api-url.ts';
import { type Emulator, inAccount, startEmulator } from '../../../local/emulator.ts';
import { venv } from '../../../local/paths.ts';
import { commandsIn } from '../../support/documented.ts';
import { operatorOf } from '../support/operator.ts';
import { openShell, type Shell } from '../support/shell.ts';

/** The commands of docs/deploying.md for two accounts, each of which is a profile of the operator. */

const GUIDE = 'docs/deploying.md';
const ACCOUNTS = { app1: '111111111111', app2: '222222222222' };

let directory: string;
let aws: Emulator;
let shell: Shell;

/** The commands of the guide: those for App2, the deployment of App1, and the acceptance. */
const [forApp2 = '', forApp1 = '', acceptance = ''] = commandsIn(GUIDE, 'Into two accounts')
  .join('\n')
  .split(/^(?=npx cdk deploy App1|npm run acceptance)/m);

/** Clients with the credentials of the account of a service. */
const configurationOf = (service: keyof typeof ACCOUNTS) => {
  const { endpoint, region, accessKeyId, secretAccessKey } = inAccount(aws, ACCOUNTS[service]);
  return { endpoint, region, credentials: { accessKeyId, secretAccessKey } };
};

async function outputsOf(service: keyof typeof ACCOUNTS, StackName: string): Promise<Record<string, string>> {
  const { Stacks = [] } = await new CloudFormationClient(configurationOf(service)).send(
    new DescribeStacksCommand({ StackName }),
  );
  return Object.fromEntries(
    (Stacks[0]?.Outputs ?? []).map(({ OutputKey = '', OutputValue = '' }) => [OutputKey, OutputValue]),
  );
}

/** The URL of an API. On AWS, each API has a host of its own; the local AWS serves all of them under its endpoint. */
const urlOf = ({ ApiUrl = '' }: Record<string, string>): string => localApiUrl(ApiUrl, aws.endpoint);

/** The rule of App1 on the bus of App2. */
async function ruleOfApp1() {
  const { EventBusName } = await outputsOf('app2', 'App2');
  return new EventBridgeClient(configurationOf('app2')).send(
    new DescribeRuleCommand({ Name: 'app1-notifications', EventBusName }),
  );
}

/** Writes the profiles of both accounts; returns the environment without other credentials. */
function operatorWithProfiles(): NodeJS.ProcessEnv {
  const { AWS_ACCESS_KEY_ID: _, AWS_SECRET_ACCESS_KEY: __, ...environment } = operatorOf(aws, {});
  const folder = join(environment['HOME'] ?? '', '.aws');
  mkdirSync(folder);
  const profiles = Object.entries(ACCOUNTS).map(
    ([name, account]) => `[profile ${name}]
region = ${aws.region}
aws_access_key_id = ${account}
aws_secret_access_key = ${aws.secretAccessKey}
`,
  );
  writeFileSync(join(folder, 'config'), profiles.join('\n'));
  return environment;
}

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'deploying-accounts-'));
  aws = await startEmulator({
    python: join(venv, 'bin', 'python'),
    port: await getPort({ host: '127.0.0.1' }),
    directory,
  });
  shell = openShell(operatorWithProfiles());
});
afterAll(async () => {
  await shell?.end();
  await aws?.stop();
  rmSync(directory, { recursive: true, force: true });
});

/** Deploys App2 by the commands of the guide, and gives the API of its Target string the address on the local AWS. */
async function deployApp2(commands: string): Promise<void> {
  await shell.run(commands);
  const { Target = '', ...app2 } = await outputsOf('app2', 'App2');
  expect(await shell.run('printf %s "$target"')).toBe(Target);
  await shell.run(`target='${replaceField(Target, 'api_url', urlOf(app2))}'`);
}

describe('docs/deploying.md, into two accounts', () => {
  it('does not deploy App1 while App2 names another account, and leaves no rule', async () => {
    const [preflight = ''] = /^npm run preflight .*$/m.exec(forApp2) ?? [];
    await deployApp2(forApp2.replace(preflight, '').replaceAll(ACCOUNTS.app1, '333333333333'));

    await expect(shell.run(forApp1)).rejects.toThrow('events:PutRule');

    const [repair = ''] = commandsIn(GUIDE, 'When the first deployment fails');
    const forProfile = `AWS_PROFILE=app1; export AWS_PROFILE\n${repair}\nunset AWS_PROFILE`;
    expect(await shell.run(forProfile.replace('failed=App2', 'failed=App1'))).toContain('events:PutRule');
    await expect(ruleOfApp1()).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
  });

  it('deploys App2 for the account of App1, after a preflight of both', async () => {
    await deployApp2(forApp2);

    expect(await outputsOf('app2', 'App2')).toMatchObject({ Target: expect.stringMatching(/^app2,/) });
  });

  it('deploys App1, whose rule is on the bus of App2', async () => {
    await shell.run(forApp1);

    expect(await ruleOfApp1()).toMatchObject({ State: 'ENABLED', CreatedBy: ACCOUNTS.app1 });
  });

  it('verifies the deployment by the acceptance', async () => {
    const [app1, app2] = [await outputsOf('app1', 'App1'), await outputsOf('app2', 'App2')];
    await shell.run(`export APP1_API_URL=${urlOf(app1)} TARGET_API_URL=${urlOf(app2)}`);

    expect(await shell.run(acceptance)).toMatch(/^\d+ passed, 0 failed$/m);
  });
});
