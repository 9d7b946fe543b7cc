import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { makePrivateDirectory } from './private-files.ts';
import { argumentsOf } from './process-arguments.ts';
import { isHealthy, startServer, stopProcessGroup } from './server.ts';
import { environmentOfSwitches, type TestSwitches } from './test-switches.ts';

/** A running local AWS. */
export interface Emulator {
  endpoint: string;
  region: string;
  account: string;
  accessKeyId: string;
  secretAccessKey: string;
  pid: number;
  /** Unique id: the last argument of its process, and the response of its route `instance`. */
  instance: string;
  stop(): Promise<void>;
}

export interface EmulatorOptions {
  python: string;
  port: number;
  /** The folder for all files of the local AWS. */
  directory: string;
  /** Endpoint of AWS for the functions; the local AWS itself unless a proxy is used. */
  lambdaEndpoint?: string | undefined;
  /** `false`: MiniStack without corrections. */
  corrections?: boolean;
  /** Only for suites that inject faults. */
  testSwitches?: TestSwitches | undefined;
}

const SERVE = join(import.meta.dirname, 'serve.py');
const HEALTH = '/_ministack/health';
/** Returns the instance (serve.py). */
const INSTANCE = '/_local_aws/instance';
const named = z.object({ instance: z.string() });

/** The local account. Its root key is not secret: the server listens on 127.0.0.1 only. */
const local = {
  region: 'us-east-1',
  account: '123456789012',
  accessKeyId: 'AKIALOCALAWSROOT0000',
  secretAccessKey: 'local-aws-root-secret-key',
} as const;

const endpointOf = (port: number): string => `http://127.0.0.1:${port}`;

/**
 * Starts the local AWS in a process group of its own and waits until it responds. It continues after this process has
 * exited; `stop` ends it with all function processes.
 * @throws CommandError when the port is in use or the emulator does not start
 */
export async function startEmulator(options: EmulatorOptions): Promise<Emulator> {
  const { python, port, directory } = options;
  await makePrivateDirectory(directory);
  await Promise.all(['state', 'tmp'].map((folder) => makePrivateDirectory(join(directory, folder))));
  // Functions are unpacked there. Without this file, the checkout's package.json would make them ES modules.
  await writeFile(join(directory, 'tmp', 'package.json'), '{"type": "commonjs"}\n');
  const instance = randomUUID();
  const { pid } = await startServer({
    name: 'local AWS',
    command: [python, SERVE, instance],
    port,
    health: HEALTH,
    environment: environmentOf(options),
    directory,
    logFile: 'emulator.log',
  });
  return runningEmulator({ pid, port, instance });
}

/** Another account of a local AWS. A key of 12 digits is the root key of the account with that number. */
export const inAccount = (emulator: Emulator, account: string): Emulator => ({
  ...emulator,
  account,
  accessKeyId: account,
});

/** Identifies a running local AWS. */
export type Running = Pick<Emulator, 'pid' | 'instance'> & { port: number };

/** Attaches to a local AWS that an earlier process started. */
export function runningEmulator({ pid, port, instance }: Running): Emulator {
  return { ...local, endpoint: endpointOf(port), pid, instance, stop: () => stopProcessGroup(pid) };
}

/** Whether the process is that of the local AWS, and not another one with a reused id. */
export const isItsProcess = async ({ pid, instance }: Running): Promise<boolean> =>
  (await argumentsOf(pid)).includes(instance);

/** Whether this local AWS responds on the port, and not another one. */
export async function isAnswering({ port, instance }: Running): Promise<boolean> {
  try {
    const response = await fetch(`${endpointOf(port)}${INSTANCE}`, {
      method: 'POST',
      body: '{}',
      signal: AbortSignal.timeout(2_000),
    });
    return response.ok && named.parse(await response.json()).instance === instance;
  } catch {
    return false;
  }
}

/** Whether a local AWS responds on the port. */
export const isResponding = (port: number): Promise<boolean> => isHealthy(port, HEALTH);

function environmentOf({
  port,
  directory,
  lambdaEndpoint,
  corrections = true,
  testSwitches = {},
}: EmulatorOptions): NodeJS.ProcessEnv {
  const { PATH, HOME, LANG } = process.env;
  return {
    PATH,
    HOME,
    LANG,
    TMPDIR: join(directory, 'tmp'),
    PYTHONDONTWRITEBYTECODE: '1',
    // On AWS the functions run on Node.js 24. Here they run on the user's version, for which the SDK would log a warning.
    AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
    GATEWAY_PORT: String(port),
    BIND_HOST: '127.0.0.1',
    IOT_MTLS_ENABLED: '0',
    SFTP_ENABLED: '0',
    STATE_DIR: join(directory, 'state'),
    S3_DATA_DIR: join(directory, 'state', 's3'),
    AUTH: 'true',
    // One thread per running or waiting invocation (corrections/lambda_concurrency.py).
    MINISTACK_WORKER_THREADS: '1000',
    MINISTACK_REGION: local.region,
    MINISTACK_ACCOUNT_ID: local.account,
    AWS_REGION: local.region,
    AWS_DEFAULT_REGION: local.region,
    AWS_ACCESS_KEY_ID: local.accessKeyId,
    AWS_SECRET_ACCESS_KEY: local.secretAccessKey,
    AWS_ENDPOINT_URL: lambdaEndpoint ?? endpointOf(port),
    // Otherwise the AWS SDK in the functions would read the user's profile.
    AWS_CONFIG_FILE: join(directory, 'no-aws-config'),
    AWS_SHARED_CREDENTIALS_FILE: join(directory, 'no-aws-credentials'),
    ...(corrections ? {} : { LOCAL_AWS_CORRECTIONS: 'off' }),
    ...environmentOfSwitches(testSwitches),
  };
}
