import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import getPort from 'get-port';
import * as z from 'zod';
import { bootstrap, deploy, sourceHash, synthesize } from './cdk.ts';
import { answers, type Emulator, runningEmulator, startEmulator } from './emulator.ts';
import { guarded } from './interrupt.ts';
import { exclusively } from './lock.ts';
import { type Outputs, readOutputs } from './outputs.ts';
import { Problem } from './problem.ts';
import type { Progress } from './progress.ts';
import { ensurePython } from './python.ts';
import type { UnderTest } from './under-test.ts';

export interface LocalAwsOptions {
  directory: string;
  port: number;
  lambdaEndpoint: string | undefined;
  /** Only for suites that inject faults. A local AWS that runs already keeps what it was started with. */
  underTest?: UnderTest | undefined;
}

/** What `up` remembers of the local AWS that it started. `begun` tells the process from a later one of the same pid. */
const record = z.object({
  pid: z.int(),
  begun: z.string(),
  port: z.int(),
  /** What is deployed: sources and endpoint. Absent until a deployment was complete. */
  deployed: z.string().optional(),
});
type Record = z.infer<typeof record>;

const recordFile = (directory: string): string => join(directory, 'running.json');

/**
 * Brings the local AWS up with both stacks deployed. What runs already is left as it is; changed sources are deployed
 * as an update and data are kept. A local AWS that died is started anew, empty: its state lived in its memory.
 */
export async function up(options: LocalAwsOptions, progress: Progress): Promise<Outputs> {
  const { directory, port } = options;
  await mkdir(directory, { recursive: true });
  return exclusively(directory, async () => {
    const hash = await sourceHash();
    const running = await findRunning(directory);
    if (running !== undefined && running.port !== port)
      throw new Problem(
        `The local AWS of ${directory} runs on port ${running.port}, not on ${port}.`,
        'Stop it with `npm run down`, or set LOCAL_AWS_DIR to another folder.',
      );
    const lambdaEndpoint = options.lambdaEndpoint ?? `http://127.0.0.1:${port}`;
    const wanted = `${hash} ${lambdaEndpoint}`;
    if (running?.deployed === wanted) return readOutputs(directory);

    if (running !== undefined) {
      const emulator = runningEmulator(running.pid, port);
      await progress.run('Synthesizing', (report) => synthesize(directory, hash, report));
      return deployAll({ emulator, directory, lambdaEndpoint }, running, wanted, progress);
    }
    await forget(directory);
    const python = await progress.run('Python packages', (report) => ensurePython({ onProgress: report }));
    let started: Emulator | undefined;
    const stop = async (): Promise<void> => started?.stop();
    return guarded(stop, async () => {
      try {
        const emulator = await progress.run('Starting the local AWS', async () => {
          // Known to the guard before anything else can happen.
          started = await startEmulator({ ...options, python });
          return started;
        });
        const running: Record = { pid: emulator.pid, begun: await beginningOf(emulator.pid), port };
        await writeRecord(directory, running);
        const deployment = { emulator, directory, lambdaEndpoint };
        await progress.run('Synthesizing and bootstrapping', (report) =>
          Promise.all([synthesize(directory, hash, report), bootstrap(deployment, report)]),
        );
        return await deployAll(deployment, running, wanted, progress);
      } catch (error) {
        await stop();
        throw error;
      }
    });
  });
}

async function deployAll(
  deployment: { emulator: Emulator; directory: string; lambdaEndpoint: string },
  running: Record,
  wanted: string,
  progress: Progress,
): Promise<Outputs> {
  const outputs = await deploy(deployment, {
    app2: (run) => progress.run('Deploying App2', run),
    app1: (run) => progress.run('Deploying App1', run),
  });
  await writeRecord(deployment.directory, { ...running, deployed: wanted });
  return outputs;
}

/** Whether a local AWS that `up` started is running. */
export async function isUp(directory: string): Promise<boolean> {
  return (await findRunning(directory)) !== undefined;
}

/** Stops the local AWS and removes what it wrote; the Python packages stay. Says whether one was running. */
export async function down(directory: string): Promise<boolean> {
  if (!existsSync(directory)) return false;
  return exclusively(directory, async () => {
    const running = await findRunning(directory);
    if (running !== undefined) await runningEmulator(running.pid, running.port).stop();
    await forget(directory);
    return running !== undefined;
  });
}

/** Runs something with a local AWS that is up only for it; on a free port unless the options name one. */
export async function withLocalAws<Result>(
  options: Pick<LocalAwsOptions, 'directory'> & Partial<LocalAwsOptions>,
  progress: Progress,
  use: (outputs: Outputs) => Promise<Result>,
): Promise<Result> {
  const { directory, lambdaEndpoint, underTest } = options;
  await down(directory);
  const port = options.port ?? (await getPort({ host: '127.0.0.1' }));
  return guarded(
    async () => void (await down(directory)),
    async () => {
      try {
        return await use(await up({ directory, port, lambdaEndpoint, underTest }, progress));
      } finally {
        await down(directory);
      }
    },
  );
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

async function forget(directory: string): Promise<void> {
  await Promise.all(OURS.map((name) => rm(join(directory, name), { recursive: true, force: true })));
}

const writeRecord = (directory: string, running: Record): Promise<void> =>
  writeFile(recordFile(directory), JSON.stringify(running));

async function findRunning(directory: string): Promise<Record | undefined> {
  const file = recordFile(directory);
  if (!existsSync(file)) return undefined;
  const remembered = record.safeParse(JSON.parse(await readFile(file, 'utf8')));
  if (!remembered.success) return undefined;
  const { pid, begun, port } = remembered.data;
  const same = begun !== '' && (await beginningOf(pid)) === begun;
  if (!same) return undefined;
  if (await answers(port)) return remembered.data;
  // It lives but does not answer: it is of no use any more.
  await runningEmulator(pid, port).stop();
  return undefined;
}

/** When a process began, as `ps` says it; empty when there is none of this pid. Works on Linux and macOS. */
async function beginningOf(pid: number): Promise<string> {
  const { stdout } = await execa('ps', ['-o', 'lstart=', '-p', String(pid)], {
    reject: false,
    env: { LC_ALL: 'C' },
  });
  return stdout.trim();
}
