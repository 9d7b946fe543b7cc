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
  /** What the user calls it. */
  name: string;
  command: [string, ...string[]];
  /** It listens there, on 127.0.0.1. */
  port: number;
  /** Path that is answered with 200 as soon as the server is ready. */
  health: string;
  environment: NodeJS.ProcessEnv;
  /** Where it runs and its log lies. */
  directory: string;
  logFile: string;
}

const START_LIMIT = 30_000;
const STOP_LIMIT = 8_000;

/**
 * Starts a server in a process group of its own and waits until it answers. It goes on when this process ends, unless
 * that is interrupted while the server starts.
 * @throws CommandError when the port is taken or the server does not start
 */
export async function startServer(options: ServerOptions): Promise<{ pid: number }> {
  const { name, command, port, health, environment, directory } = options;
  await refuseTakenPort(port);
  await makePrivateDirectory(directory);
  const logFile = join(directory, options.logFile);
  await unlessInterrupted();
  const log = openSync(logFile, 'w', 0o600);
  // Also when it was there before.
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
  const said = (await readFile(logFile, 'utf8')).trim().split('\n').slice(-8).join('\n');
  throw new CommandError(`The ${name} did not start. It said:\n${said}`, `See ${logFile}.`);
}

/** Whether a server answers at the path with 200. */
export async function isHealthy(port: number, path: string): Promise<boolean> {
  try {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, { signal: AbortSignal.timeout(2_000) });
    return response.ok;
  } catch {
    return false;
  }
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
    throw new CommandError(
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
  types.isNativeError(error) && 'code' in error && (error.code === 'ESRCH' || error.code === 'EPERM');
