import { existsSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { CommandError } from '../cli/support/command-error.ts';
import { targetName } from '../contracts/services.ts';
import { isAnswering, isItsProcess, runningEmulator } from './emulator.ts';
import { exclusively } from './lock.ts';
import { writePrivateFile } from './private-files.ts';

/** The local AWS that `up` has started in a folder: its record, whether it is running, and how to stop it. */

/** The record that `up` stores about the local AWS. */
const record = z.object({
  pid: z.int(),
  instance: z.string().min(1),
  port: z.int(),
  /** Source hash and endpoint of the deployment; absent until the first deployment is complete. */
  deployed: z.string().optional(),
  /** Names of the targets of that deployment. */
  targets: z.array(targetName).default([]),
});
export type RunningRecord = z.infer<typeof record>;

const recordFile = (directory: string): string => join(directory, 'running.json');

/** Whether `up` has started a local AWS in the folder that is still running. */
export async function isUp(directory: string): Promise<boolean> {
  return (await findRunning(directory)) !== undefined;
}

/**
 * Stops the local AWS and deletes its files, except the Python packages.
 * @returns whether it was running
 * @throws CommandError when it responds but its process is on another machine, or when its record cannot be parsed
 */
export async function down(directory: string): Promise<boolean> {
  if (!existsSync(directory)) return false;
  return exclusively(directory, async () => {
    const running = await findRunning(directory);
    if (running !== undefined) {
      if (!(await isItsProcess(running)))
        throw new CommandError(
          `The local AWS of ${directory} responds on port ${running.port}, but its process ${running.pid} is not on this machine.`,
          'Run `npm run down` in the container or on the machine where it was started.',
        );
      await runningEmulator(running).stop();
    }
    await forget(directory);
    return running !== undefined;
  });
}

/** The files and folders that `up` and the emulator write. */
const WRITTEN_FILES = [
  'running.json',
  'outputs.json',
  'App1.outputs.json',
  'targets.outputs.json',
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

/** Deletes all files that `up` has written into the folder. */
export async function forget(directory: string): Promise<void> {
  await Promise.all(WRITTEN_FILES.map((name) => rm(join(directory, name), { recursive: true, force: true })));
}

export const writeRecord = (directory: string, running: RunningRecord): Promise<void> =>
  writePrivateFile(recordFile(directory), JSON.stringify(running));

/**
 * The running local AWS of the folder, or `undefined`. Its process is identified by its arguments and its server by its
 * response, because process ids are reused and any program can use the port.
 * @throws CommandError when its record cannot be parsed: a running local AWS would be lost
 */
export async function findRunning(directory: string): Promise<RunningRecord | undefined> {
  const file = recordFile(directory);
  if (!existsSync(file)) return undefined;
  const stored = readRecord(await readFile(file, 'utf8'));
  if (stored === undefined)
    throw new CommandError(
      `${file} cannot be parsed: it records which local AWS was started here.`,
      'If the local AWS is still running (`ps -ef | grep serve.py`), stop it; then delete the file.',
    );
  if (await isAnswering(stored)) return stored;
  // A process that runs but does not respond cannot be used.
  if (await isItsProcess(stored)) await runningEmulator(stored).stop();
  return undefined;
}

function readRecord(text: string): RunningRecord | undefined {
  try {
    return record.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
