import { existsSync } from 'node:fs';
import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { STSClient } from '@aws-sdk/client-sts';
import type { Command } from '@commander-js/extra-typings';
import * as z from 'zod';
import { hasErrorName } from '../handlers/shared/errors.ts';
import { CliError } from './cli-error.ts';
import { type Identity, identityOf } from './clock.ts';
import { type Outputs, outputsFile, readOutputs, stackOutputs } from './outputs.ts';
import { signedFetch } from './signed-fetch.ts';
import { CommandError } from './support/command-error.ts';
import { settings } from './support/paths.ts';
import { by } from './values.ts';

/** Where every tool goes: to the local AWS that is up, or to AWS with the user's own credentials. */

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

/** Gives a command the options that say where it goes. */
export const addTargetEnvironment = (command: Command): Command =>
  command
    .option('--aws', 'go to AWS with the credentials of the environment, not to the local AWS')
    .option('--profile <name>', 'go to AWS with a profile of the AWS configuration', by(profile))
    .option('--region <name>', 'go to this region of AWS', by(region));

export type App1 = Outputs['app1'];
export type App2 = Outputs['app2'];

/** Everything by which an AWS client is told where to go and who asks. */
interface ClientSettings {
  endpoint?: string;
  region?: string;
  profile?: string;
  credentials?: { accessKeyId: string; secretAccessKey: string };
  maxAttempts?: number;
}

export interface TargetEnvironment {
  /** For people. */
  where: string;
  local: boolean;
  /** Makes an AWS client that goes there. */
  client<Client>(
    Class: new (settings: ClientSettings) => Client,
    over?: Pick<ClientSettings, 'maxAttempts'>,
  ): Client;
  /** `fetch` with the signature of who asks. */
  signedFetch: ReturnType<typeof signedFetch>;
  /** Who asks, and how the clock of this machine compares. @throws CliError CLOCK_WRONG */
  identity(now: () => number): Promise<Identity>;
  /** What the stack has put out. @throws CliError when it is not to be seen in this account and region */
  app1(): Promise<App1>;
  app2(): Promise<App2>;
}

/**
 * The local AWS, unless AWS is asked for by an option, or nothing local is up and AWS_PROFILE is set.
 * @throws CommandError when it is neither
 */
export function targetEnvironment(
  options: TargetEnvironmentOptions,
  environment: NodeJS.ProcessEnv = process.env,
): TargetEnvironment {
  const asked = options.aws === true || options.profile !== undefined || options.region !== undefined;
  const { directory } = settings(environment);
  if (!asked && existsSync(outputsFile(directory))) return toLocalAws(readOutputs(directory));
  const profile = options.profile ?? environment['AWS_PROFILE'];
  if (asked || profile !== undefined) return toAws(options.region, profile);
  throw new CommandError(
    `No local AWS is up (there is no ${outputsFile(directory)}), and AWS was not asked for.`,
    'Run `npm run up` for a local AWS, or say `--aws`, `--profile` or `--region` for AWS.',
  );
}

function toLocalAws(outputs: Outputs): TargetEnvironment {
  const { endpoint, region, access_key_id, secret_access_key } = outputs;
  const credentials = { accessKeyId: access_key_id, secretAccessKey: secret_access_key };
  return {
    where: `the local AWS at ${endpoint}`,
    local: true,
    client: (Class, over) => new Class({ endpoint, region, credentials, ...over }),
    signedFetch: signedFetch(credentials, region),
    identity: (now) => identityOf(new STSClient({ endpoint, region, credentials }), now),
    app1: async () => outputs.app1,
    app2: async () => outputs.app2,
  };
}

/** Credentials and region as every tool of AWS finds them. docs.aws.amazon.com/sdkref/latest/guide/creds-config-files.html */
function toAws(region: string | undefined, profile: string | undefined): TargetEnvironment {
  const chosen = {
    ...(region === undefined ? {} : { region }),
    ...(profile === undefined ? {} : { profile }),
  };
  const sts = new STSClient(chosen);
  const stacks = new CloudFormationClient(chosen);
  return {
    where: ['AWS', region, profile === undefined ? undefined : `as ${profile}`].filter(Boolean).join(' '),
    local: false,
    client: (Class, over) => new Class({ ...chosen, ...over }),
    signedFetch: signedFetch(
      () => sts.config.credentials(),
      () => sts.config.region(),
    ),
    // A client of its own: it listens to its answers.
    identity: (now) => identityOf(new STSClient(chosen), now),
    app1: once(() => outputsOf(stacks, 'App1', stackOutputs.App1)),
    app2: once(() => outputsOf(stacks, 'App2', stackOutputs.App2)),
  };
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
      if (hasErrorName(error, 'ValidationError'))
        throw new CliError(
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
  throw new CliError(
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
