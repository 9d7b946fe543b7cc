import { existsSync } from 'node:fs';
import {
  CloudFormationClient,
  DescribeStacksCommand,
  paginateDescribeStacks,
  type Stack,
} from '@aws-sdk/client-cloudformation';
import { STSClient } from '@aws-sdk/client-sts';
import type { Command } from '@commander-js/extra-typings';
import * as z from 'zod';
import { hasErrorName } from '../handlers/shared/errors.ts';
import { CliError } from './cli-error.ts';
import { type Identity, identityOf } from './clock.ts';
import { type App1, type Outputs, outputsFile, readOutputs, stackOutputs, type Target } from './outputs.ts';
import { signedFetch } from './signed-fetch.ts';
import { targetsIn } from './stack-targets.ts';
import { CommandError } from './support/command-error.ts';
import { isCheckout, settings } from './support/paths.ts';
import { by } from './values.ts';

/** The target environment of every tool: the local AWS that is up, or AWS with the user's credentials. */

/** docs.aws.amazon.com/general/latest/gr/rande.html */
export const region = z.string().regex(/^[a-z]{2,}(-[a-z]+)+-\d{1,2}$/, 'must be a region like eu-central-1');

/** docs.aws.amazon.com/sdkref/latest/guide/file-format.html */
export const profile = z.string().regex(/^[^[\]\p{Cc}]+$/u, 'must be the name of a profile, on one line');

export const targetEnvironmentOptions = z.object({
  aws: z.boolean().optional(),
  profile: profile.optional(),
  region: region.optional(),
});
export type TargetEnvironmentOptions = z.infer<typeof targetEnvironmentOptions>;

/** Adds the options that select the target environment. */
export const addTargetEnvironment = (command: Command): Command =>
  command
    .option('--aws', 'use AWS with the credentials of the environment, not the local AWS')
    .option('--profile <name>', "use AWS with this profile of AWS's configuration", by(profile))
    .option('--region <name>', 'use AWS in this region', by(region));

export type { App1, Target };

/** Endpoint, region and credentials of an AWS client. */
interface ClientSettings {
  endpoint?: string;
  region?: string;
  profile?: string;
  credentials?: { accessKeyId: string; secretAccessKey: string };
  maxAttempts?: number;
}

export interface TargetEnvironment {
  /** For people: `the local AWS at http://…`, `AWS eu-central-1 as NAME`. */
  displayName: string;
  local: boolean;
  /** Creates an AWS client for this environment. */
  client<Client>(
    Class: new (settings: ClientSettings) => Client,
    overrides?: Pick<ClientSettings, 'maxAttempts'>,
  ): Client;
  /** `fetch` that signs with the credentials of this environment. */
  signedFetch: ReturnType<typeof signedFetch>;
  /** The identity of the caller, and the offset of this machine's clock. @throws CliError CLOCK_WRONG */
  identity(now: () => number): Promise<Identity>;
  /** The outputs of App1. @throws CliError when its stack is not in this account and region */
  app1(): Promise<App1>;
  /** The names of the targets that are deployed in this account and region. */
  targets(): Promise<string[]>;
  /** The outputs of a target. @throws CliError when no stack in this account and region contains it */
  target(name: string): Promise<Target>;
}

/**
 * Selects the local AWS if it is up and no option selects AWS; else AWS if an option or AWS_PROFILE selects it.
 * @throws CommandError when nothing is selected
 */
export function targetEnvironment(
  options: TargetEnvironmentOptions,
  environment: NodeJS.ProcessEnv = process.env,
): TargetEnvironment {
  const isAwsRequested =
    options.aws === true || options.profile !== undefined || options.region !== undefined;
  const { directory } = settings(environment);
  if (!isAwsRequested && existsSync(outputsFile(directory))) return toLocalAws(readOutputs(directory));
  const profile = options.profile ?? environment['AWS_PROFILE'];
  if (isAwsRequested || profile !== undefined) return toAws(options.region, profile);
  throw nothingSelected(directory);
}

/** Only a checkout can start a local AWS. */
const nothingSelected = (directory: string): CommandError =>
  isCheckout
    ? new CommandError(
        `No local AWS is up (there is no ${outputsFile(directory)}), and no option selects AWS.`,
        'Run `npm run up` for a local AWS, or use `--aws`, `--profile` or `--region` for AWS.',
      )
    : new CommandError('No option selects AWS.', 'Use `--aws`, `--profile` or `--region`.');

/** The names of the targets on the local AWS that is up; none if no local AWS is up. */
export function localTargetNames(environment: NodeJS.ProcessEnv = process.env): string[] {
  const { directory } = settings(environment);
  return existsSync(outputsFile(directory)) ? Object.keys(readOutputs(directory).targets) : [];
}

function toLocalAws(outputs: Outputs): TargetEnvironment {
  const { endpoint, region, access_key_id, secret_access_key } = outputs;
  const credentials = { accessKeyId: access_key_id, secretAccessKey: secret_access_key };
  return {
    displayName: `the local AWS at ${endpoint}`,
    local: true,
    client: (Class, over) => new Class({ endpoint, region, credentials, ...over }),
    signedFetch: signedFetch(credentials, region),
    identity: (now) => identityOf(new STSClient({ endpoint, region, credentials }), now),
    app1: async () => outputs.app1,
    targets: async () => Object.keys(outputs.targets),
    target: async (name) => {
      const { [name]: target } = outputs.targets;
      if (target === undefined) throw targetNotDeployed(name, 'on the local AWS');
      return target;
    },
  };
}

/** Credentials and region from the default providers of the AWS SDK. docs.aws.amazon.com/sdkref/latest/guide/creds-config-files.html */
function toAws(region: string | undefined, profile: string | undefined): TargetEnvironment {
  const clientSettings = {
    ...(region === undefined ? {} : { region }),
    ...(profile === undefined ? {} : { profile }),
  };
  const sts = new STSClient(clientSettings);
  const stacks = new CloudFormationClient(clientSettings);
  const deployedTargets = memoize(() => readTargets(stacks));
  return {
    displayName: ['AWS', region, profile === undefined ? undefined : `as ${profile}`]
      .filter(Boolean)
      .join(' '),
    local: false,
    client: (Class, over) => new Class({ ...clientSettings, ...over }),
    signedFetch: signedFetch(
      () => sts.config.credentials(),
      () => sts.config.region(),
    ),
    // A client of its own: identityOf adds a middleware to it.
    identity: (now) => identityOf(new STSClient(clientSettings), now),
    app1: memoize(() => readApp1(stacks)),
    targets: async () => [...(await deployedTargets()).keys()],
    target: async (name) => {
      const found = (await deployedTargets()).get(name);
      if (found === undefined) throw targetNotDeployed(name, 'in this account and region');
      return parseOutputs(stackOutputs.Target, found);
    },
  };
}

const APP1_STACK = 'App1';

/** docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStacks.html */
async function readApp1(client: CloudFormationClient): Promise<App1> {
  const { Stacks = [] } = await client
    .send(new DescribeStacksCommand({ StackName: APP1_STACK }))
    .catch((error: unknown) => {
      if (hasErrorName(error, 'ValidationError'))
        throw new CliError(
          'unreachable',
          'NOT_DEPLOYED',
          `There is no stack ${APP1_STACK} in this account and region.`,
          `Deploy ${APP1_STACK} (docs/deploying.md), or use its profile and region.`,
        );
      throw error;
    });
  return parseOutputs(stackOutputs.App1, { ...outputsOf(Stacks[0]), StackName: APP1_STACK });
}

/** The outputs of every target in this account and region, by its name. */
async function readTargets(client: CloudFormationClient): Promise<Map<string, Record<string, string>>> {
  const found = new Map<string, Record<string, string>>();
  for await (const { Stacks = [] } of paginateDescribeStacks({ client }, {}))
    for (const stack of Stacks) {
      const { StackName: stackName = '' } = stack;
      for (const [name, outputs] of targetsIn({ stackName, outputs: outputsOf(stack) }))
        found.set(name, outputs);
    }
  return found;
}

const outputsOf = (stack: Stack | undefined): Record<string, string> =>
  Object.fromEntries(
    (stack?.Outputs ?? []).map(({ OutputKey = '', OutputValue = '' }) => [OutputKey, OutputValue]),
  );

/** @throws CliError when an output is missing */
function parseOutputs<Schema extends z.ZodType>(
  schema: Schema,
  values: Record<string, string>,
): z.infer<Schema> {
  const parsed = schema.safeParse(values);
  if (parsed.success) return parsed.data;
  const { StackName } = values;
  throw new CliError(
    'unreachable',
    'OUTPUTS_INCOMPLETE',
    `The stack ${StackName} lacks outputs: ${parsed.error.issues.map(({ path }) => path.join('.')).join(', ')}.`,
    `Deploy ${StackName} again, with this release.`,
  );
}

const targetNotDeployed = (name: string, where: string) =>
  new CliError(
    'unreachable',
    'NOT_DEPLOYED',
    `There is no target ${name} ${where}.`,
    'Check its name (`npx provision targets`), or use the profile and region of its stack.',
  );

/** Calls `find` once. Later calls return the same promise, also when it has failed. */
function memoize<Value>(find: () => Promise<Value>): () => Promise<Value> {
  let value: Promise<Value> | undefined;
  return () => {
    value ??= find();
    return value;
  };
}
