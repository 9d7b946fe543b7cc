import getPort from 'get-port';
import { type Outputs, readOutputs } from '../cli/outputs.ts';
import { CommandError } from '../cli/support/command-error.ts';
import type { Progress } from '../cli/support/progress.ts';
import { bootstrap, deploy, sourceHash, synthesize } from './cdk.ts';
import { type Emulator, runningEmulator, startEmulator } from './emulator.ts';
import { guarded } from './interrupt.ts';
import { exclusively } from './lock.ts';
import { makePrivateDirectory } from './private-files.ts';
import { ensurePython } from './python.ts';
import { down, findRunning, forget, type RunningRecord, writeRecord } from './running.ts';
import type { UnderTest } from './under-test.ts';

export interface LocalAwsOptions {
  directory: string;
  port: number;
  lambdaEndpoint: string | undefined;
  /** Only for suites that inject faults. A local AWS that runs already keeps what it was started with. */
  underTest?: UnderTest | undefined;
}

/**
 * Brings the local AWS up with both stacks deployed. What runs already is left as it is; changed sources are deployed
 * as an update and data are kept. A local AWS that died is started anew, empty: its state lived in its memory.
 */
export async function up(options: LocalAwsOptions, progress: Progress): Promise<Outputs> {
  const { directory, port } = options;
  await makePrivateDirectory(directory);
  return exclusively(directory, async () => {
    const hash = await sourceHash();
    const running = await findRunning(directory);
    if (running !== undefined && running.port !== port)
      throw new CommandError(
        `The local AWS of ${directory} runs on port ${running.port}, not on ${port}.`,
        'Stop it with `npm run down`, or set LOCAL_AWS_DIR to another folder.',
      );
    const lambdaEndpoint = options.lambdaEndpoint ?? `http://127.0.0.1:${port}`;
    const wanted = `${hash} ${lambdaEndpoint}`;
    if (running?.deployed === wanted) return readOutputs(directory);

    if (running !== undefined) {
      const emulator = runningEmulator(running);
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
        const running: RunningRecord = { pid: emulator.pid, instance: emulator.instance, port };
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
  running: RunningRecord,
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
