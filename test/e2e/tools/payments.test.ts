import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CloudFormationClient, DescribeStacksCommand, type Stack } from '@aws-sdk/client-cloudformation';
import {
  CognitoIdentityProviderClient,
  InitiateAuthCommand,
} from '@aws-sdk/client-cognito-identity-provider';
import { LambdaClient, paginateListFunctions } from '@aws-sdk/client-lambda';
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import getPort from 'get-port';
import {
  type Outputs,
  outputsFile,
  outputs as outputsSchema,
  readOutputs,
  stackOutputs,
} from '../../../cli/outputs.ts';
import { targetsIn } from '../../../cli/stack-targets.ts';
import { root } from '../../../cli/support/paths.ts';
import { machineCredentials } from '../../../contracts/app2-api.ts';
import { parameterOf, replaceField } from '../../../contracts/targets.ts';
import { secretHash } from '../../../handlers/shared/secret-hash.ts';
import { localApiUrl } from '../../../local/api-url.ts';
import { testDirectory } from '../../../local/paths.ts';
import { systemOf } from '../../../local/system.ts';
import { commandsIn, modulesOf } from '../../support/documented.ts';
import { npmVariables } from '../../support/npm-variables.ts';
import { asOnAws } from '../support/acceptance.ts';
import { run } from '../support/commands.ts';
import { installAwsCli, operatorOf } from '../support/operator.ts';
import { openShell, type Shell } from '../support/shell.ts';

/**
 * The commands of docs/adding-a-service.md, on a local AWS with App1 and App2. The payment service is in a folder outside the
 * checkout and has the packed package only. Its page, examples/payments/README.md, has the commands of its users.
 */

const GUIDE = 'docs/adding-a-service.md';
const PAGE = 'examples/payments/README.md';
const user = { username: 'ada', password: 'Analytical-Engine-1843' };

const directory = join(testDirectory, 'payments');
/** TMPDIR is inside the checkout (cli/support/checkout.mjs). */
const folder = mkdtempSync('/tmp/payments-');
const handedOver = join(folder, 'payments.target');
let before: Outputs;
let outputs: Outputs;
let functionsBefore: Record<string, string>;
let team: Shell;
let app1Team: Shell;
let environment: Record<string, string>;

const configuration = () => {
  const { endpoint, region, access_key_id, secret_access_key } = before;
  return {
    endpoint,
    region,
    credentials: { accessKeyId: access_key_id, secretAccessKey: secret_access_key },
  };
};

/** The commands of a section of the guide, for the account and the files of this test. */
const documented = (section: string): string[] =>
  commandsIn(GUIDE, section).map((commands) =>
    commands
      .replaceAll('111111111111', before.account)
      .replaceAll('payments.target', handedOver)
      .replaceAll('< password', `< ${join(folder, 'password')}`)
      // The shell has a local AWS.
      .replaceAll('provision --aws', 'provision'),
  );

async function stackNamed(StackName: string): Promise<{ stack: Stack; outputs: Record<string, string> }> {
  const { Stacks: [stack] = [] } = await new CloudFormationClient(configuration()).send(
    new DescribeStacksCommand({ StackName }),
  );
  if (stack === undefined) throw new Error(`There is no stack ${StackName}.`);
  const entries = (stack.Outputs ?? []).map(({ OutputKey = '', OutputValue = '' }) => [
    OutputKey,
    OutputValue,
  ]);
  return { stack, outputs: Object.fromEntries(entries) };
}
/** The parameters of a stack, without that of the CDK. */
const parametersOf = ({ Parameters = [] }: Stack): Record<string, string> =>
  Object.fromEntries(
    Parameters.flatMap(({ ParameterKey = '', ParameterValue = '' }) =>
      ParameterKey === 'BootstrapVersion' ? [] : [[ParameterKey, ParameterValue]],
    ),
  );

/** The hash of the code of each function of App1. */
async function functionsOfApp1(): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for await (const { Functions = [] } of paginateListFunctions(
    { client: new LambdaClient(configuration()) },
    {},
  ))
    for (const { FunctionName = '', CodeSha256 = '' } of Functions)
      if (FunctionName.startsWith('app1-')) found[FunctionName] = CodeSha256;
  return found;
}

/** Writes the outputs of the stacks into outputs.json, as `npm run up` does: the local AWS has other addresses for APIs. */
async function writeOutputs(): Promise<Outputs> {
  const reachable = <Service extends { api_url: string }>(service: Service): Service => ({
    ...service,
    api_url: localApiUrl(service.api_url, before.endpoint),
  });
  const app1 = await stackNamed('App1');
  const payments = await stackNamed('Payments');
  const found = targetsIn({ stackName: 'Payments', outputs: payments.outputs }).get('payments');
  const written = outputsSchema.parse({
    ...before,
    app1: reachable(stackOutputs.App1.parse({ ...app1.outputs, StackName: 'App1' })),
    targets: { ...before.targets, payments: reachable(stackOutputs.Target.parse(found)) },
  } satisfies Outputs);
  writeFileSync(outputsFile(directory), JSON.stringify(written));
  return written;
}

/** A token of the machine user that the service has issued to App1. */
async function machineToken(): Promise<string> {
  const { credentials_secret_arn: SecretId, machine_client_id: ClientId } = paymentsOf(outputs);
  const { SecretString = '' } = await new SecretsManagerClient(configuration()).send(
    new GetSecretValueCommand({ SecretId }),
  );
  const { username, password, client_secret } = machineCredentials.parse(JSON.parse(SecretString));
  const { AuthenticationResult } = await new CognitoIdentityProviderClient(configuration()).send(
    new InitiateAuthCommand({
      AuthFlow: 'USER_PASSWORD_AUTH',
      ClientId,
      AuthParameters: {
        USERNAME: username,
        PASSWORD: password,
        SECRET_HASH: secretHash(username, ClientId, client_secret),
      },
    }),
  );
  return AuthenticationResult?.AccessToken ?? '';
}

function paymentsOf({ targets: { payments } }: Outputs) {
  if (payments === undefined) throw new Error('There is no target payments.');
  return payments;
}

beforeAll(async () => {
  environment = { LOCAL_AWS_DIR: directory, LOCAL_AWS_PORT: String(await getPort({ host: '127.0.0.1' })) };
  const [up, packed] = await Promise.all([
    run('npm run up', environment),
    run(`npm pack --pack-destination ${folder}`),
    installAwsCli(),
  ]);
  expect([up, packed]).toMatchObject([{ status: 0 }, { status: 0 }]);
  before = readOutputs(directory);
  functionsBefore = await functionsOfApp1();
  const { endpoint, region, access_key_id: accessKeyId, secret_access_key: secretAccessKey } = before;
  const operator = {
    ...operatorOf({ endpoint, region, accessKeyId, secretAccessKey }, { environment: 'local' }),
    ...npmVariables(),
  };
  team = openShell(operator);
  app1Team = openShell({ ...operator, ...environment });

  writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
  writeFileSync(join(folder, 'app.mjs'), modulesOf(GUIDE).get('Deploy the service') ?? '');
  writeFileSync(join(folder, 'password'), user.password);
  cpSync(join(root, 'examples', 'payments', 'charges'), join(folder, 'charges'), { recursive: true });
  await team.run(`cd ${folder}`);
  await team.run(documented('Install the package').join('\n'));
  await team.run(
    documented('Deploy the service')
      .join('\n')
      .replace('cdk bootstrap', `cdk bootstrap aws://${before.account}/${region}`),
  );
});
afterAll(async () => {
  await team?.end();
  await app1Team?.end();
  await run('npm run down', environment);
  for (const path of [directory, folder]) rmSync(path, { recursive: true, force: true });
});

describe('a deployment of App1 with the Target string of another service', () => {
  it('is rejected before it changes anything', async () => {
    const [deployment = ''] = documented('Register the target').join('').split('\n');
    const wrong = deployment.replace(/"\$\(cat .*\)"/, before.app2.target);

    await expect(app1Team.run(wrong)).rejects.toThrow('must be the output Target of the stack of payments');

    const { stack } = await stackNamed('App1');

    expect(Object.keys(parametersOf(stack))).toEqual([parameterOf('app2')]);
  });
});

describe('a target of another team', () => {
  it('is registered by one setting and one parameter, without other code', async () => {
    const line = readFileSync(handedOver, 'utf8').trim();
    const { outputs: stack } = await stackNamed('Payments');

    expect(line).toBe(stack['UsersTarget']);

    const reachable = replaceField(line, 'api_url', localApiUrl(stack['UsersApiUrl'] ?? '', before.endpoint));
    writeFileSync(handedOver, `${reachable}\n`);
    const [deployment = '', ...checks] = documented('Register the target').join('').trim().split('\n');

    await app1Team.run(deployment);

    outputs = await writeOutputs();
    const app1 = await stackNamed('App1');

    expect(parametersOf(app1.stack)).toEqual({
      [parameterOf('app2')]: before.app1.targets[0]?.target,
      [parameterOf('payments')]: reachable,
    });
    expect(await functionsOfApp1()).toEqual(functionsBefore);

    const [targets = '', doctor = ''] = checks;

    expect(await app1Team.run(targets)).toMatch(/payments +active +yes/);

    await app1Team.run(doctor);
  });

  it('has the user that App1 provisions, who creates a charge', async () => {
    await app1Team.run(documented('Create the first user').join(''));
    const { service_client_id, api_url } = paymentsOf(outputs);
    await team.run(
      `export SERVICE_CLIENT_ID=${service_client_id} PAYMENTS_API_URL=${api_url}
       export SERVICE_USERNAME=${user.username} SERVICE_PASSWORD=${user.password}`,
    );

    expect(JSON.parse(await team.run(commandsIn(PAGE, 'Create a charge').join('')))).toMatchObject({
      amount: 1250,
      currency: 'EUR',
      created_by: user.username,
    });
    expect(await systemOf(outputs).user(user.username)).toBeUndefined();
  });

  it('passes the preflight and the acceptance', async () => {
    const [preflight = '', acceptance = ''] = documented('Check the service')
      .join('')
      .replaceAll(' --target-profile payments', '')
      .replace('../payments', folder)
      .split('\n');
    await team.run(
      `npx cdk synth --quiet --app 'node app.mjs' --output ${folder}/cdk.out -c app1_account=${before.account}`,
    );
    const urls = asOnAws(outputs, paymentsOf(outputs));
    await app1Team.run(
      `export APP1_API_URL=${urls['APP1_API_URL']} TARGET_API_URL=${urls['TARGET_API_URL']}`,
    );

    expect(await app1Team.run(preflight)).toMatch(/✔ names of Payments +\d+ of this stack/);
    const checked = await app1Team.run(`${acceptance} --timeout 2m --only health provisioning refusals`);

    expect(checked).toMatch(/✔ provisioning\/business-endpoint: .*\n.*POST \/charges returned 422/);
    expect(checked).toContain('✔ refusals/wrong-client');
    expect(checked).toMatch(/\d+ passed, 0 failed/);
  });

  it('refuses App1 and callers without a token at its business endpoint', async () => {
    const { app2: call } = systemOf(outputs, paymentsOf(outputs));
    const charge = { amount: 1250, currency: 'EUR' };

    expect((await call('POST', '/charges', await machineToken(), charge)).status).toBe(403);
    expect((await call('POST', '/charges', undefined, charge)).status).toBe(401);
  });

  it('accepts no requests when it is retired, and needs no parameter when it is gone', async () => {
    const [retire = '', forget = ''] = documented('Retire a target');
    const create = documented('Create the first user').join('').replace('create ada', 'create grace');

    await app1Team.run(retire);

    outputs = await writeOutputs();

    await expect(app1Team.run(create)).rejects.toThrow('payments');
    expect(await app1Team.run('npx provision targets')).toMatch(/payments +retired/);

    await app1Team.run(forget);

    outputs = await writeOutputs();

    expect(await app1Team.run('npx provision targets')).toMatch(/payments +gone/);

    const { stack } = await stackNamed('App1');

    expect(Object.keys(parametersOf(stack))).toEqual([parameterOf('app2')]);
  });
});
