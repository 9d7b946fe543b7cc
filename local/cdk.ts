import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';
import { ExecaError, execa } from 'execa';
import * as z from 'zod';
import { type Outputs, outputs, outputsFile, stackOutputs, type Target } from '../cli/outputs.ts';
import { targetsIn } from '../cli/stack-targets.ts';
import { CommandError } from '../cli/support/command-error.ts';
import { root } from '../cli/support/paths.ts';
import { pascalCase } from '../contracts/services.ts';
import { parameterOf, replaceField } from '../contracts/targets.ts';
import { localApiUrl } from './api-url.ts';
import { type Emulator, inAccount } from './emulator.ts';
import { guarded, unlessInterrupted } from './interrupt.ts';
import { exclusively } from './lock.ts';
import { makeFilePrivate, writePrivateFile } from './private-files.ts';
import { stopProcessGroup } from './server.ts';

/** Runs the CDK CLI against the local AWS. */

export interface Deployment {
  /** The local AWS, in the account of App1. */
  emulator: Emulator;
  /** Account of the targets, if it is another one. */
  targetAccount?: string | undefined;
  directory: string;
  /** Endpoint of AWS for the functions. */
  lambdaEndpoint: string;
}

type Progress = (line: string) => void;

/** The sources of the templates. */
const SOURCES = [
  'contracts',
  'handlers',
  'infra',
  'workflows',
  'cdk.json',
  'package-lock.json',
  'tsconfig.json',
];

/** A hash of all sources of the deployment. */
export async function sourceHash(): Promise<string> {
  const files = (await Promise.all(SOURCES.map((path) => filesOf(join(root, path))))).flat().sort();
  const hash = createHash('sha256');
  for (const file of files) hash.update(relative(root, file)).update(await readFile(file));
  return hash.digest('hex');
}

async function filesOf(path: string): Promise<string[]> {
  const entries = await readdir(path, { withFileTypes: true, recursive: true }).catch(() => undefined);
  if (entries === undefined) return [path];
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

const assembly = (directory: string): string => join(directory, 'cdk.out');

/** Cache of the last cloud assembly with these settings, because most runs use unchanged sources. */
const lastAssemblyOf = (settings: readonly string[]): string =>
  join(root, '.build', 'assemblies', createHash('sha256').update(settings.join()).digest('hex').slice(0, 16));

/** Writes the cloud assembly of App1 and the targets for the given source hash into `directory`. Needs no AWS. */
export async function synthesize(
  { directory, emulator, targetAccount }: Omit<Deployment, 'lambdaEndpoint'>,
  hash: string,
  targets: readonly string[],
  progress: Progress,
): Promise<void> {
  const settings = [
    'environment=local',
    `targets=${targets.join()}`,
    ...(targetAccount === undefined ? [] : [`app1_account=${emulator.account}`]),
  ];
  const lastAssembly = lastAssemblyOf(settings);
  const hashFile = join(lastAssembly, 'source-hash');
  await exclusively(lastAssembly, async () => {
    if (existsSync(hashFile) && (await readFile(hashFile, 'utf8')) === hash)
      progress('sources are unchanged');
    else {
      await rm(hashFile, { force: true });
      const context = settings.flatMap((setting) => ['-c', setting]);
      await cdk(['synth', '--quiet', ...context, '--output', assembly(lastAssembly)], {
        directory: lastAssembly,
        progress,
      });
      await writeFile(hashFile, hash);
    }
    await rm(assembly(directory), { recursive: true, force: true });
    await cp(assembly(lastAssembly), assembly(directory), { recursive: true });
  });
}

/** Bootstraps the account for CDK, in an empty folder: in the project folder, `cdk bootstrap` would synthesize the app. */
export async function bootstrap(
  { emulator, directory }: { emulator: Access & Pick<Emulator, 'account'>; directory: string },
  progress: Progress,
): Promise<void> {
  const empty = join(directory, 'bootstrap');
  await mkdir(empty, { recursive: true });
  await cdk(['bootstrap', `aws://${emulator.account}/${emulator.region}`], {
    directory,
    emulator,
    cwd: empty,
    progress,
  });
}

/** Bootstraps the account of App1 and that of the targets. */
export async function bootstrapAccounts(deployment: Deployment, progress: Progress): Promise<void> {
  const { directory, emulator, targetAccount } = deployment;
  const emulators = targetAccount === undefined ? [emulator] : [emulator, ofTargets(deployment)];
  await Promise.all(emulators.map((each) => bootstrap({ emulator: each, directory }, progress)));
}

/** The local AWS in the account of the targets. */
const ofTargets = ({ emulator, targetAccount }: Deployment): Emulator =>
  targetAccount === undefined ? emulator : inAccount(emulator, targetAccount);

/** Deploys the targets, then App1 with their outputs as its parameters, and writes `outputs.json`. */
export async function deploy(
  deployment: Deployment,
  targets: readonly string[],
  progress: { run<Result>(title: string, run: (report: Progress) => Promise<Result>): Promise<Result> },
): Promise<Outputs> {
  const { emulator, directory, lambdaEndpoint } = deployment;
  const deployed = await progress.run(`Deploying ${targets.map(pascalCase).join(', ')}`, async (report) =>
    parseTargets(
      await deployStacks(
        'targets',
        targets.map(pascalCase),
        {},
        { directory, emulator: ofTargets(deployment) },
        report,
      ),
    ),
  );
  const { app2 } = deployed;
  if (app2 === undefined) throw new Error('App2 is not among the targets.');
  // The functions call the targets at an address of their own.
  const parameters = Object.fromEntries(
    Object.entries(deployed).map(([name, { target, api_url }]) => [
      parameterOf(name),
      replaceField(target, 'api_url', localApiUrl(api_url, lambdaEndpoint)),
    ]),
  );
  const app1 = await progress.run('Deploying App1', async (report) => {
    const { App1 } = await deployStacks('App1', ['App1'], parameters, deployment, report);
    return stackOutputs.App1.parse({ ...App1, StackName: 'App1' });
  });
  const reachable = <Service extends { api_url: string }>(service: Service): Service => ({
    ...service,
    api_url: localApiUrl(service.api_url, emulator.endpoint),
  });
  const written = outputs.parse({
    endpoint: emulator.endpoint,
    region: emulator.region,
    account: emulator.account,
    access_key_id: emulator.accessKeyId,
    secret_access_key: emulator.secretAccessKey,
    app1: reachable(app1),
    app2: reachable(app2),
    targets: Object.fromEntries(Object.entries(deployed).map(([name, target]) => [name, reachable(target)])),
  } satisfies Outputs);
  await writePrivateFile(outputsFile(directory), `${JSON.stringify(written, undefined, 2)}\n`);
  return written;
}

/** The targets in the outputs of stacks, by name. */
const parseTargets = (stacks: DeployedOutputs): Record<string, Target> =>
  Object.fromEntries(
    Object.entries(stacks).flatMap(([stackName, values]) =>
      [...targetsIn({ stackName, outputs: values })].map(
        ([name, target]) => [name, stackOutputs.Target.parse(target)] as const,
      ),
    ),
  );

/** Endpoint and credentials for the CDK CLI. */
export type Access = Pick<Emulator, 'endpoint' | 'region' | 'accessKeyId' | 'secretAccessKey'>;

/** Deploys all stacks of an app with a `cdk.json` of its own. Returns their outputs by stack. */
export async function deployApp(
  folder: string,
  { emulator, directory }: { emulator: Access; directory: string },
  progress: Progress,
): Promise<unknown> {
  const file = join(directory, `${basename(folder)}.outputs.json`);
  await cdk(
    [
      ...['deploy', '--all', '--output', join(directory, `cdk.out.${basename(folder)}`)],
      ...['--require-approval', 'never', '--progress', 'events', '--outputs-file', file],
    ],
    { directory, emulator, cwd: folder, progress },
  );
  await makeFilePrivate(file);
  return JSON.parse(await readFile(file, 'utf8'));
}

/** The outputs of stacks by the names of stack and output. */
const deployedOutputs = z.record(z.string(), z.record(z.string(), z.string()));
type DeployedOutputs = z.infer<typeof deployedOutputs>;

/** Deploys stacks at the same time. Parameters are those of each of them. */
async function deployStacks(
  name: string,
  stacks: readonly string[],
  parameters: Record<string, string>,
  { emulator, directory }: Pick<Deployment, 'emulator' | 'directory'>,
  progress: Progress,
): Promise<DeployedOutputs> {
  const file = join(directory, `${name}.outputs.json`);
  await cdk(
    [
      ...['deploy', ...stacks, '--concurrency', String(stacks.length)],
      ...['--app', assembly(directory), '--output', join(directory, 'cdk.out.deploy')],
      ...['--require-approval', 'never', '--progress', 'events', '--outputs-file', file],
      // Creating a change set would take a third of the deployment's time.
      ...['--method', 'direct'],
      ...stacks.flatMap((stack) =>
        Object.entries(parameters).flatMap(([key, value]) => ['--parameters', `${stack}:${key}=${value}`]),
      ),
    ],
    { directory, emulator, progress },
  );
  await makeFilePrivate(file);
  return deployedOutputs.parse(JSON.parse(await readFile(file, 'utf8')));
}

/** Runs the CDK CLI with an environment of its own, without the user's profile, settings and caches. */
async function cdk(
  command: string[],
  {
    directory,
    emulator,
    cwd = root,
    progress,
  }: { directory: string; emulator?: Access; cwd?: string; progress: Progress },
): Promise<void> {
  const { PATH, HOME, LANG, TMPDIR } = process.env;
  await unlessInterrupted();
  const running = execa(
    process.execPath,
    [join(root, 'node_modules', 'aws-cdk', 'bin', 'cdk'), ...command, '--no-notices'],
    {
      cwd,
      // A process group of its own, so that the app that it starts ends with it.
      detached: true,
      all: true,
      extendEnv: false,
      stdin: 'ignore',
      env: {
        PATH,
        HOME,
        LANG,
        TMPDIR,
        NO_COLOR: '1',
        NODE_NO_WARNINGS: '1',
        CDK_HOME: join(directory, 'cdk-home'),
        CDK_DISABLE_CLI_TELEMETRY: 'true',
        // The validation takes as long as the synthesis, and matters only for deployments to AWS.
        CDK_VALIDATION: 'false',
        AWS_CONFIG_FILE: join(directory, 'no-aws-config'),
        AWS_SHARED_CREDENTIALS_FILE: join(directory, 'no-aws-credentials'),
        ...(emulator === undefined
          ? {}
          : {
              AWS_ENDPOINT_URL: emulator.endpoint,
              AWS_REGION: emulator.region,
              AWS_ACCESS_KEY_ID: emulator.accessKeyId,
              AWS_SECRET_ACCESS_KEY: emulator.secretAccessKey,
            }),
      },
    },
  );
  running.all.on('data', (data: Buffer) => {
    // `App2 |  97/106 | 5:37:29 AM | CREATE_COMPLETE | AWS::Lambda::Function | …`
    const lastEvent = [
      ...data.toString().matchAll(/\|\s*(\d+\/\d+) \|[^|]+\|\s*(\w+)\s*\| (AWS::\S+|Custom::\S+)/g),
    ].at(-1);
    if (lastEvent !== undefined) progress(`${lastEvent[1]} ${lastEvent[3]}`);
  });
  try {
    await guarded(
      async () => {
        if (running.pid !== undefined) await stopProcessGroup(running.pid);
      },
      () => running,
    );
  } catch (error) {
    const output = error instanceof ExecaError ? String(error.all ?? error.message) : String(error);
    throw new CommandError(
      `cdk ${command[0]} failed:\n${output.trim().split('\n').slice(-25).join('\n')}`,
      'See the message above.',
    );
  }
}
