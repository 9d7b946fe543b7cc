import { existsSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { CommandError } from '../cli/support/command-error.ts';
import { isAnswering, isItsProcess, runningEmulator } from './emulator.ts';
import { exclusively } from './lock.ts';
import { writePrivateFile } from './private-files.ts';

/** The local AWS that `up` has started in a folder: what is remembered of it, whether it runs, and how it is stopped. */

/** What `up` remembers of the local AWS that it started. */
const record = z.object({
  pid: z.int(),
  instance: z.string().min(1),
  port: z.int(),
  /** What is deployed: sources and endpoint. Absent until a deployment was complete. */
  deployed: z.string().optional(),
});
export type RunningRecord = z.infer<typeof record>;

const recordFile = (directory: string): string => join(directory, 'running.json');

/** Whether a local AWS that `up` started is running. */
export async function isUp(directory: string): Promise<boolean> {
  return (await findRunning(directory)) !== undefined;
}

/**
 * Stops the local AWS and removes what it wrote; the Python packages stay. Says whether one was running.
 * @throws CommandError when it answers but is no process of this machine, or when what is remembered of it cannot be read
 */
export async function down(directory: string): Promise<boolean> {
  if (!existsSync(directory)) return false;
  return exclusively(directory, async () => {
    const running = await findRunning(directory);
    if (running !== undefined) {
      if (!(await isItsProcess(running)))
        throw new CommandError(
          `The local AWS of ${directory} answers on port ${running.port}, but its process ${running.pid} cannot be seen from here.`,
          'Run `npm run down` where it was started: in its container, or on its machine.',
        );
      await runningEmulator(running).stop();
    }
    await forget(directory);
    return running !== undefined;
  });
}

/** What `up` and the emulator write into the folder. */
const OURS = [
  'running.json',
  'outputs.json',
  'App1.outputs.json',
  'App2.outputs.json',
  'access-register.outputs.json',
  'state',
  'tmp',
  'bootstrap',
  'cdk-home',
  'cdk.out',
  'cdk.out.deploy',
  'cdk.out.access-register',
  'emulator.log',
  'fault-proxy.log',
];

/** Removes all that `up` wrote into the folder. */
export async function forget(directory: string): Promise<void> {
  await Promise.all(OURS.map((name) => rm(join(directory, name), { recursive: true, force: true })));
}

export const writeRecord = (directory: string, running: RunningRecord): Promise<void> =>
  writePrivateFile(recordFile(directory), JSON.stringify(running));

/**
 * The local AWS of the folder, if it runs. Its process is known by its arguments and the server by its answer, since a
 * process id is given again, a port is free for anybody, and clocks and time zones change.
 * @throws CommandError when what is remembered of it cannot be read: what runs would be forgotten
 */
export async function findRunning(directory: string): Promise<RunningRecord | undefined> {
  const file = recordFile(directory);
  if (!existsSync(file)) return undefined;
  const remembered = readRecord(await readFile(file, 'utf8'));
  if (remembered === undefined)
    throw new CommandError(
      `${file} cannot be read: it says which local AWS was started here.`,
      'If it still runs (`ps -ef | grep serve.py`), end it; then remove the file.',
    );
  if (await isAnswering(remembered)) return remembered;
  // It lives but does not answer: it is of no use any more.
  if (await isItsProcess(remembered)) await runningEmulator(remembered).stop();
  return undefined;
}

function readRecord(text: string): RunningRecord | undefined {
  try {
    return record.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
