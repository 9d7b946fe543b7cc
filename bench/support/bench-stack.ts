import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  APIGatewayClient,
  CreateDeploymentCommand,
  CreateResourceCommand,
  GetResourcesCommand,
  PutIntegrationCommand,
  PutMethodCommand,
} from '@aws-sdk/client-api-gateway';
import { CreateRoleCommand, IAMClient, PutRolePolicyCommand } from '@aws-sdk/client-iam';
import { CreateKeyCommand, type CreateKeyCommandInput, KMSClient } from '@aws-sdk/client-kms';
import { AddPermissionCommand, CreateFunctionCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { CreateStateMachineCommand, SFNClient } from '@aws-sdk/client-sfn';
import { build } from 'esbuild';
import type { Outputs } from '../../cli/outputs.ts';
import { root } from '../../cli/support/paths.ts';
import { bundling } from '../../infra/bundle.ts';
import { zip } from '../../local/harness/zip.ts';
import type { Target } from '../functions/work.ts';

/** Resources for comparisons, on the same local AWS as the deployed system, behind App1's API. */
export interface BenchStack {
  /** URL of an empty function. */
  bare: string;
  /** URL of a function that makes the calls of a POST. */
  intake: string;
  /** URL of a function that does the whole provisioning. */
  synchronous: string;
  /** State machine with the number of states and functions of a provisioning, all of them empty. */
  emptyMachine: string;
  target: Target;
}

/** Number of functions that the two state machines of a provisioning invoke, and of their other states. */
const TASKS = 7;
const OTHERS = 5;

export async function createBenchStack(outputs: Outputs): Promise<BenchStack> {
  const { endpoint, region, access_key_id: accessKeyId, secret_access_key: secretAccessKey } = outputs;
  const configuration = { endpoint, region, credentials: { accessKeyId, secretAccessKey } };
  const kms = new KMSClient(configuration);
  const key = async (input: CreateKeyCommandInput = {}) =>
    (await kms.send(new CreateKeyCommand(input))).KeyMetadata?.Arn ?? '';
  const target: Target = {
    intakeKey: await key(),
    app2Key: await key(),
    userPoolId: outputs.app2.user_pool_id,
    group: 'service-user',
    bus: outputs.app2.event_bus_name,
  };
  const role = await createRole(new IAMClient(configuration));
  const lambda = new LambdaClient(configuration);
  const environment = {
    INTAKE_KEY: target.intakeKey,
    APP2_KEY: target.app2Key,
    USER_POOL_ID: target.userPoolId,
    GROUP: target.group,
    BUS: target.bus,
  };
  const stepFunctions = new SFNClient(configuration);
  const machine = async (name: string, definition: object) => {
    const request = { name: `bench-${name}`, roleArn: role, definition: JSON.stringify(definition) };
    return (await stepFunctions.send(new CreateStateMachineCommand(request))).stateMachineArn ?? '';
  };
  const MACHINE = await machine('nothing', { StartAt: 'End', States: { End: { Type: 'Succeed' } } });
  const MAC_KEY = await key({ KeySpec: 'HMAC_256', KeyUsage: 'GENERATE_VERIFY_MAC' });

  const bare = await createFunction(lambda, role, 'bare', {});
  const functions = {
    bare,
    intake: await createFunction(lambda, role, 'intake', { ...environment, MAC_KEY, MACHINE }),
    synchronous: await createFunction(lambda, role, 'synchronous', environment),
  };
  return {
    ...(await addRoutes(new APIGatewayClient(configuration), outputs, functions)),
    emptyMachine: await machine('empty', emptyMachine(bare)),
    target,
  };
}

async function createRole(iam: IAMClient): Promise<string> {
  const RoleName = 'bench';
  const { Role } = await iam.send(
    new CreateRoleCommand({
      RoleName,
      AssumeRolePolicyDocument: JSON.stringify({
        Version: '2012-10-17',
        Statement: {
          Effect: 'Allow',
          Principal: { Service: ['lambda.amazonaws.com', 'states.amazonaws.com'] },
          Action: 'sts:AssumeRole',
        },
      }),
    }),
  );
  await iam.send(
    new PutRolePolicyCommand({
      RoleName,
      PolicyName: 'all',
      PolicyDocument: JSON.stringify({
        Version: '2012-10-17',
        Statement: { Effect: 'Allow', Action: '*', Resource: '*' },
      }),
    }),
  );
  return Role?.Arn ?? '';
}

/** Creates a function of bench/functions, bundled as those of the product. */
async function createFunction(
  lambda: LambdaClient,
  Role: string,
  name: string,
  Variables: Record<string, string>,
): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'bench-'));
  const outfile = join(folder, 'index.js');
  await build({
    ...bundling,
    entryPoints: [join(root, 'bench', 'functions', `${name}.ts`)],
    outfile,
  });
  const source = await readFile(outfile, 'utf8');
  await rm(folder, { recursive: true });
  const { FunctionArn = '' } = await lambda.send(
    new CreateFunctionCommand({
      FunctionName: `bench-${name}`,
      Runtime: 'nodejs24.x',
      Handler: 'index.handler',
      Role,
      Code: { ZipFile: zip('index.js', source) },
      Timeout: 30,
      MemorySize: 512,
      Environment: { Variables },
    }),
  );
  await lambda.send(
    new AddPermissionCommand({
      FunctionName: `bench-${name}`,
      StatementId: 'api',
      Action: 'lambda:InvokeFunction',
      Principal: 'apigateway.amazonaws.com',
    }),
  );
  return FunctionArn;
}

/** Adds `POST /bench-…` to App1's API for each function, with IAM authorization; returns their URLs. */
async function addRoutes<Name extends string>(
  gateway: APIGatewayClient,
  { app1, region }: Outputs,
  functions: Record<Name, string>,
): Promise<Record<Name, string>> {
  const [, restApiId = '', stageName = ''] = /\/restapis\/([^/]+)\/([^/]+)\//.exec(app1.api_url) ?? [];
  const { items = [] } = await gateway.send(new GetResourcesCommand({ restApiId, limit: 500 }));
  const parentId = items.find(({ path }) => path === '/')?.id;
  const routes = { ...functions };
  for (const name in functions) {
    const pathPart = `bench-${name}`;
    const { id: resourceId } = await gateway.send(
      new CreateResourceCommand({ restApiId, parentId, pathPart }),
    );
    const method = { restApiId, resourceId, httpMethod: 'POST' };
    await gateway.send(new PutMethodCommand({ ...method, authorizationType: 'AWS_IAM' }));
    await gateway.send(
      new PutIntegrationCommand({
        ...method,
        type: 'AWS_PROXY',
        integrationHttpMethod: 'POST',
        uri: `arn:aws:apigateway:${region}:lambda:path/2015-03-31/functions/${functions[name]}/invocations`,
      }),
    );
    routes[name] = `${app1.api_url}/${pathPart}`;
  }
  await gateway.send(new CreateDeploymentCommand({ restApiId, stageName }));
  return routes;
}

function emptyMachine(functionArn: string): object {
  const names = [
    ...Array.from({ length: TASKS }, (_, n) => `Task${n}`),
    ...Array.from({ length: OTHERS }, (_, n) => `Pass${n}`),
  ];
  const States = Object.fromEntries(
    names.map((name, n) => [
      name,
      {
        ...(name.startsWith('Task')
          ? {
              Type: 'Task',
              Resource: 'arn:aws:states:::lambda:invoke',
              Arguments: { FunctionName: functionArn, Payload: {} },
            }
          : { Type: 'Pass' }),
        ...(names[n + 1] === undefined ? { End: true } : { Next: names[n + 1] }),
      },
    ]),
  );
  return { QueryLanguage: 'JSONata', StartAt: names[0], States };
}
