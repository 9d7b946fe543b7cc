import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { guarded, unlessInterrupted } from './interrupt.ts';
import { Problem } from './problem.ts';

/** A running local AWS. */
export interface Emulator {
  endpoint: string;
  region: string;
  account: string;
  accessKeyId: string;
  secretAccessKey: string;
  pid: number;
  stop(): Promise<void>;
}

export interface EmulatorOptions {
  python: string;
  port: number;
  /** Everything that the local AWS writes lies in here. */
  directory: string;
  /** What the functions see as AWS; the local AWS itself unless a proxy stands before it. */
  lambdaEndpoint?: string | undefined;
  /** `false`: as MiniStack comes, without our corrections. */
  corrections?: boolean;
}

const SERVE = join(import.meta.dirname, 'serve.py');
const START_LIMIT = 30_000;
const STOP_LIMIT = 8_000;

/** The local account. Its root key is no secret: the server listens on 127.0.0.1 only and holds nothing else. */
const local = {
  region: 'us-east-1',
  account: '123456789012',
  accessKeyId: 'AKIALOCALAWSROOT0000',
  secretAccessKey: 'local-aws-root-secret-key',
} as const;

const endpointOf = (port: number): string => `http://127.0.0.1:${port}`;

/**
 * Starts the local AWS in a process group of its own and waits until it answers. It goes on when this process ends;
 * `stop` ends it with all function processes.
 * @throws Problem when the port is taken or the emulator does not start
 */
export async function startEmulator(options: EmulatorOptions): Promise<Emulator> {
  const { python, port, directory } = options;
  await refuseTakenPort(port);
  await Promise.all(['state', 'tmp'].map((folder) => mkdir(join(directory, folder), { recursive: true })));
  // Functions are unpacked there, below the checkout's package.json, which would make ES modules of them.
  await writeFile(join(directory, 'tmp', 'package.json'), '{"type": "commonjs"}\n');
  const logFile = join(directory, 'emulator.log');
  await unlessInterrupted();
  const log = openSync(logFile, 'w');
  const child = spawn(python, [SERVE], {
    cwd: directory,
    detached: true,
    stdio: ['ignore', log, log],
    env: environmentOf(options),
  });
  closeSync(log);
  child.unref();
  const pid = child.pid;
  let exited = pid === undefined;
  child.once('exit', () => {
    exited = true;
  });
  child.once('error', () => {
    exited = true;
  });

  const stop = async () => {
    if (pid !== undefined) await stopProcessGroup(pid);
  };
  const ready = await guarded(stop, async () => {
    const end = Date.now() + START_LIMIT;
    while (!exited && Date.now() < end) {
      if (await answers(port)) return true;
      await sleep(50);
    }
    return false;
  });
  if (ready && pid !== undefined) return runningEmulator(pid, port);
  await stop();
  const said = (await readFile(logFile, 'utf8')).trim().split('\n').slice(-8).join('\n');
  throw new Problem(`The local AWS did not start. It said:\n${said}`, `See ${logFile}.`);
}

/** The local AWS that an earlier process started. */
export function runningEmulator(pid: number, port: number): Emulator {
  return { ...local, endpoint: endpointOf(port), pid, stop: () => stopProcessGroup(pid) };
}

/** Whether a local AWS answers at the port. */
export async function answers(port: number): Promise<boolean> {
  try {
    const response = await fetch(`${endpointOf(port)}/_ministack/health`, {
      signal: AbortSignal.timeout(2_000),
    });
    return response.ok;
  } catch {
    return false;
  }
}

function environmentOf({
  port,
  directory,
  lambdaEndpoint,
  corrections = true,
}: EmulatorOptions): NodeJS.ProcessEnv {
  const { PATH, HOME, LANG } = process.env;
  return {
    PATH,
    HOME,
    LANG,
    TMPDIR: join(directory, 'tmp'),
    PYTHONDONTWRITEBYTECODE: '1',
    // On AWS the functions run on Node 24; here on the user's Node, of which the SDK would warn in each log.
    AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
    GATEWAY_PORT: String(port),
    BIND_HOST: '127.0.0.1',
    IOT_MTLS_ENABLED: '0',
    SFTP_ENABLED: '0',
    STATE_DIR: join(directory, 'state'),
    S3_DATA_DIR: join(directory, 'state', 's3'),
    AUTH: 'true',
    MINISTACK_REGION: local.region,
    MINISTACK_ACCOUNT_ID: local.account,
    AWS_REGION: local.region,
    AWS_DEFAULT_REGION: local.region,
    AWS_ACCESS_KEY_ID: local.accessKeyId,
    AWS_SECRET_ACCESS_KEY: local.secretAccessKey,
    AWS_ENDPOINT_URL: lambdaEndpoint ?? endpointOf(port),
    ...(corrections ? {} : { LOCAL_AWS_CORRECTIONS: 'off' }),
  };
}

/** A server that somebody else runs there would otherwise be taken for ours. */
async function refuseTakenPort(port: number): Promise<void> {
  const taken = await new Promise<boolean>((resolve) => {
    const socket = createConnection({ port, host: '127.0.0.1' });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
  if (taken)
    throw new Problem(
      `Port ${port} is taken by another program.`,
      'Set LOCAL_AWS_PORT to a free port (and LOCAL_AWS_DIR, if it is another local AWS of this checkout).',
    );
}

/** Ends a process and those that it started; they are one group. They have `limit` milliseconds to end by themselves. */
export async function stopProcessGroup(pid: number, limit = STOP_LIMIT): Promise<void> {
  signalGroup(pid, 'SIGTERM');
  const end = Date.now() + limit;
  while (groupLives(pid) && Date.now() < end) await sleep(50);
  signalGroup(pid, 'SIGKILL');
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if (!isGone(error)) throw error;
  }
}

function groupLives(pid: number): boolean {
  try {
    process.kill(-pid, 0);
    return true;
  } catch (error) {
    if (isGone(error)) return false;
    throw error;
  }
}

/** EPERM: macOS answers so for a group of which only zombies are left. */
const isGone = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && (error.code === 'ESRCH' || error.code === 'EPERM');
