import { spawn } from 'node:child_process';
import { closeSync, fchmodSync, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { types } from 'node:util';
import { CommandError } from '../cli/support/command-error.ts';
import { guarded, unlessInterrupted } from './interrupt.ts';
import { makePrivateDirectory } from './private-files.ts';

export interface ServerOptions {
  /** Its name in messages. */
  name: string;
  command: [string, ...string[]];
  /** The port on 127.0.0.1. */
  port: number;
  /** A path that returns 200 as soon as the server is ready. */
  health: string;
  environment: NodeJS.ProcessEnv;
  /** Working directory and location of the log. */
  directory: string;
  logFile: string;
}

const START_LIMIT = 30_000;
const STOP_LIMIT = 8_000;

/**
 * Starts a server in a process group of its own and waits until it is ready. It continues after this process has exited,
 * except if this process is interrupted during the start.
 * @throws CommandError when the port is in use or the server does not start
 */
export async function startServer(options: ServerOptions): Promise<{ pid: number }> {
  const { name, command, port, health, environment, directory } = options;
  await checkPortIsFree(port);
  await makePrivateDirectory(directory);
  const logFile = join(directory, options.logFile);
  await unlessInterrupted();
  const log = openSync(logFile, 'w', 0o600);
  // Also for an existing file.
  fchmodSync(log, 0o600);
  const [program, ...parameters] = command;
  const child = spawn(program, parameters, {
    cwd: directory,
    detached: true,
    stdio: ['ignore', log, log],
    env: environment,
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
      if (await isHealthy(port, health)) return true;
      await sleep(50);
    }
    return false;
  });
  if (ready && pid !== undefined) return { pid };
  await stop();
  const output = (await readFile(logFile, 'utf8')).trim().split('\n').slice(-8).join('\n');
  throw new CommandError(`The ${name} did not start. Its output:\n${output}`, `See ${logFile}.`);
}

/** Whether a server returns a successful response at the path. */
export async function isHealthy(port: number, path: string): Promise<boolean> {
  try {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, { signal: AbortSignal.timeout(2_000) });
    return response.ok;
  } catch {
    return false;
  }
}

/** Without this check, another server on the port could be mistaken for the started one. */
async function checkPortIsFree(port: number): Promise<void> {
  const isInUse = await new Promise<boolean>((resolve) => {
    const socket = createConnection({ port, host: '127.0.0.1' });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
  if (isInUse)
    throw new CommandError(
      `Port ${port} is in use by another program.`,
      'Set LOCAL_AWS_PORT to a free port (and LOCAL_AWS_DIR, for a second local AWS of this checkout).',
    );
}

/** Terminates a process group, and kills it after `limit` milliseconds. */
export async function stopProcessGroup(pid: number, limit = STOP_LIMIT): Promise<void> {
  signalGroup(pid, 'SIGTERM');
  const end = Date.now() + limit;
  while (isGroupAlive(pid) && Date.now() < end) await sleep(50);
  signalGroup(pid, 'SIGKILL');
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if (!isGone(error)) throw error;
  }
}

function isGroupAlive(pid: number): boolean {
  try {
    process.kill(-pid, 0);
    return true;
  } catch (error) {
    if (isGone(error)) return false;
    throw error;
  }
}

/** macOS returns EPERM for a group of which only zombies remain. */
const isGone = (error: unknown): boolean =>
  types.isNativeError(error) && 'code' in error && (error.code === 'ESRCH' || error.code === 'EPERM');
