import { existsSync, readFileSync } from 'node:fs';
import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { STSClient } from '@aws-sdk/client-sts';
import * as z from 'zod';
import { signedFetch } from '../local/caller.ts';
import { type Outputs, outputsFile, readOutputs, stackOutputs } from '../local/outputs.ts';
import { settings } from '../local/places.ts';
import { explain } from './explain.ts';
import { CliProblem } from './problem.ts';

/** Where the commands go: the local AWS that is up, or AWS with the user's own credentials. */

export const connectOptions = z.object({
  aws: z.boolean().optional(),
  profile: z.string().optional(),
  region: z.string().optional(),
  apiUrl: z.url().optional(),
  apiKeyFile: z.string().optional(),
});
export type ConnectOptions = z.infer<typeof connectOptions>;

export type App1 = Outputs['app1'];
export type App2 = Outputs['app2'];

/** Everything by which an AWS client is told where to go and who asks. */
interface ClientSettings {
  endpoint?: string;
  region?: string;
  profile?: string;
  credentials?: { accessKeyId: string; secretAccessKey: string };
}

export interface Connection {
  /** For people: which AWS. */
  where: string;
  /** An AWS client of this class. */
  client<Client>(Class: new (settings: ClientSettings) => Client): Client;
  /** What the stack has put out. @throws CliProblem when it is not to be seen in this account and region */
  app1(): Promise<App1>;
  app2(): Promise<App2>;
  /** A request to App1's API, signed. `path` begins behind the stage. */
  callApp1(
    method: 'GET' | 'POST' | 'DELETE',
    path: string,
    headers?: Record<string, string>,
    body?: string,
  ): Promise<Response>;
}

/** API Gateway gives up after 29 seconds. */
const CALL_LIMIT = 35_000; // milliseconds

/** @throws CliProblem when neither a local AWS is up nor AWS was asked for */
export function connect(
  options: ConnectOptions,
  { environment, interrupted }: { environment: NodeJS.ProcessEnv; interrupted: AbortSignal },
): Connection {
  const asked = options.aws === true || options.profile !== undefined || options.region !== undefined;
  const { directory } = settings(environment);
  if (!asked && existsSync(outputsFile(directory)))
    return toLocal(readOutputs(directory), options, interrupted);
  if (asked || environment['AWS_PROFILE'] !== undefined)
    return toAws(options, environment['AWS_PROFILE'], interrupted);
  throw new CliProblem(
    'unreachable',
    'NOT_DEPLOYED',
    `No local AWS is up (there is no ${outputsFile(directory)}), and AWS was not asked for.`,
    'Run `npm run up` for a local AWS, or say `--aws`, `--profile` or `--region` for AWS.',
  );
}

function toLocal(outputs: Outputs, options: ConnectOptions, interrupted: AbortSignal): Connection {
  const credentials = { accessKeyId: outputs.access_key_id, secretAccessKey: outputs.secret_access_key };
  const clientSettings = { endpoint: outputs.endpoint, region: outputs.region, credentials };
  const app1 = async () => outputs.app1;
  return {
    where: `the local AWS at ${outputs.endpoint}`,
    client: (Class) => new Class(clientSettings),
    app1,
    app2: async () => outputs.app2,
    callApp1: caller(signedFetch(credentials, outputs.region), { app1, options, interrupted }),
  };
}

/** Credentials and region as every tool of AWS finds them. docs.aws.amazon.com/sdkref/latest/guide/creds-config-files.html */
function toAws(
  options: ConnectOptions,
  profileByEnvironment: string | undefined,
  interrupted: AbortSignal,
): Connection {
  const { region } = options;
  const profile = options.profile ?? profileByEnvironment;
  const clientSettings: ClientSettings = {
    ...(region === undefined ? {} : { region }),
    ...(profile === undefined ? {} : { profile }),
  };
  const sts = new STSClient(clientSettings);
  const stacks = new CloudFormationClient(clientSettings);
  const app1 = once(() => outputsOf(stacks, 'App1', stackOutputs.App1));
  const send = signedFetch(
    () => sts.config.credentials(),
    () => sts.config.region(),
  );
  return {
    where: ['AWS', region, profile === undefined ? undefined : `as ${profile}`].filter(Boolean).join(' '),
    client: (Class) => new Class(clientSettings),
    app1,
    app2: once(() => outputsOf(stacks, 'App2', stackOutputs.App2)),
    callApp1: caller(send, { app1, options, interrupted }),
  };
}

function caller(
  send: ReturnType<typeof signedFetch>,
  {
    app1,
    options: { apiUrl, apiKeyFile },
    interrupted,
  }: { app1: () => Promise<App1>; options: ConnectOptions; interrupted: AbortSignal },
): Connection['callApp1'] {
  return async (method, path, headers = {}, body) =>
    send(`${apiUrl?.replace(/\/$/, '') ?? (await app1()).api_url}${path}`, {
      method,
      headers: { ...headers, ...(apiKeyFile === undefined ? {} : { 'x-api-key': apiKeyIn(apiKeyFile) }) },
      signal: AbortSignal.any([AbortSignal.timeout(CALL_LIMIT), interrupted]),
      ...(body === undefined ? {} : { body }),
    });
}

function apiKeyIn(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    throw new CliProblem(
      'usage',
      'NO_API_KEY',
      `${file} cannot be read.`,
      'Name the file that holds the API key.',
    );
  }
}

/** docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStacks.html */
async function outputsOf<Schema extends z.ZodType>(
  client: CloudFormationClient,
  stack: keyof typeof stackOutputs,
  schema: Schema,
): Promise<z.infer<Schema>> {
  const described = await client
    .send(new DescribeStacksCommand({ StackName: stack }))
    .catch((error: unknown) => {
      if (error instanceof Error && error.name === 'ValidationError')
        throw new CliProblem(
          'unreachable',
          'NOT_DEPLOYED',
          `There is no stack ${stack} in this account and region.`,
          `Deploy ${stack} (README, Deploy to AWS), or use the profile and region in which it is.`,
        );
      throw error;
    });
  const put = Object.fromEntries(
    (described.Stacks?.[0]?.Outputs ?? []).map(({ OutputKey, OutputValue }) => [OutputKey, OutputValue]),
  );
  const known = schema.safeParse(put);
  if (known.success) return known.data;
  throw new CliProblem(
    'unreachable',
    'OUTPUTS_INCOMPLETE',
    `The stack ${stack} does not put out what is needed: ${known.error.issues.map(({ path }) => path.join('.')).join(', ')}.`,
    `Deploy ${stack} again, with this release.`,
  );
}

/** The same answer for everybody who asks, also a failure. */
function once<Value>(find: () => Promise<Value>): () => Promise<Value> {
  let found: Promise<Value> | undefined;
  return () => {
    found ??= find();
    return found;
  };
}

/** What can be seen, or why it cannot. */
export type Seen<Value> = { there: true; value: Value } | { there: false; why: CliProblem };

/** Looks at what may be out of sight: in another account, or without a right to it. */
export async function seen<Value>(look: () => Promise<Value>): Promise<Seen<Value>> {
  try {
    return { there: true, value: await look() };
  } catch (error) {
    const why = explain(error);
    if (why.exit === 'unreachable') return { there: false, why };
    throw error;
  }
}
