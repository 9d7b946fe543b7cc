import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';
import { ExecaError, execa } from 'execa';
import * as z from 'zod';
import { type Outputs, outputs, outputsFile, stackOutputs } from '../cli/outputs.ts';
import { CommandError } from '../cli/support/command-error.ts';
import { root } from '../cli/support/paths.ts';
import { localApiUrl } from './api-url.ts';
import type { Emulator } from './emulator.ts';
import { guarded, unlessInterrupted } from './interrupt.ts';
import { exclusively } from './lock.ts';
import { makeFilePrivate, writePrivateFile } from './private-files.ts';
import { stopProcessGroup } from './server.ts';

/** Runs the CDK CLI against the local AWS. */

export interface Deployment {
  emulator: Emulator;
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

/** Cache of the last cloud assembly, because most runs use unchanged sources. */
const lastAssembly = join(root, '.build', 'assembly');

/** Writes the cloud assembly of both stacks for the given source hash into `directory`. Needs no AWS. */
export async function synthesize(directory: string, hash: string, progress: Progress): Promise<void> {
  const hashFile = join(lastAssembly, 'source-hash');
  await exclusively(lastAssembly, async () => {
    if (existsSync(hashFile) && (await readFile(hashFile, 'utf8')) === hash)
      progress('sources are unchanged');
    else {
      await rm(hashFile, { force: true });
      await cdk(['synth', '--quiet', '-c', 'target=local', '--output', assembly(lastAssembly)], {
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
export async function bootstrap({ emulator, directory }: Deployment, progress: Progress): Promise<void> {
  const empty = join(directory, 'bootstrap');
  await mkdir(empty, { recursive: true });
  await cdk(['bootstrap', `aws://${emulator.account}/${emulator.region}`], {
    directory,
    emulator,
    cwd: empty,
    progress,
  });
}

/** Deploys App2, then App1 with App2's outputs as its parameters, and writes `outputs.json`. */
export async function deploy(
  deployment: Deployment,
  steps: {
    app2: <T>(run: (progress: Progress) => Promise<T>) => Promise<T>;
    app1: <T>(run: (progress: Progress) => Promise<T>) => Promise<T>;
  },
): Promise<Outputs> {
  const { emulator, directory, lambdaEndpoint } = deployment;
  const app2 = await steps.app2(async (progress) =>
    stackOutputs.App2.parse(await deployStack('App2', {}, deployment, progress)),
  );
  const parameters = {
    App2ApiUrl: localApiUrl(app2.api_url, lambdaEndpoint),
    App2ClientId: app2.machine_client_id,
    App2KeyArn: app2.key_arn,
    App2SecretArn: app2.credentials_secret_arn,
    App2PasswordPolicy: JSON.stringify(app2.password_policy),
    App2EventBusArn: `arn:aws:events:${emulator.region}:${emulator.account}:event-bus/${app2.event_bus_name}`,
  };
  const app1 = await steps.app1(async (progress) =>
    stackOutputs.App1.parse(await deployStack('App1', parameters, deployment, progress)),
  );
  const written = outputs.parse({
    endpoint: emulator.endpoint,
    region: emulator.region,
    account: emulator.account,
    access_key_id: emulator.accessKeyId,
    secret_access_key: emulator.secretAccessKey,
    app1: { ...app1, api_url: localApiUrl(app1.api_url, emulator.endpoint) },
    app2: { ...app2, api_url: localApiUrl(app2.api_url, emulator.endpoint) },
  } satisfies Outputs);
  await writePrivateFile(outputsFile(directory), `${JSON.stringify(written, undefined, 2)}\n`);
  return written;
}

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

async function deployStack(
  stack: string,
  parameters: Record<string, string>,
  { emulator, directory }: Deployment,
  progress: Progress,
): Promise<unknown> {
  const file = join(directory, `${stack}.outputs.json`);
  await cdk(
    [
      'deploy',
      stack,
      ...['--app', assembly(directory), '--output', join(directory, 'cdk.out.deploy')],
      ...['--require-approval', 'never', '--progress', 'events', '--outputs-file', file],
      // Creating a change set would take a third of the deployment's time.
      ...['--method', 'direct'],
      ...Object.entries(parameters).flatMap(([name, value]) => ['--parameters', `${stack}:${name}=${value}`]),
    ],
    { directory, emulator, progress },
  );
  await makeFilePrivate(file);
  return z.object({ [stack]: z.unknown() }).parse(JSON.parse(await readFile(file, 'utf8')))[stack];
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
