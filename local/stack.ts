import getPort from 'get-port';
import { type Outputs, readOutputs } from '../cli/outputs.ts';
import { CommandError } from '../cli/support/command-error.ts';
import type { Progress } from '../cli/support/progress.ts';
import { APP2 } from '../contracts/services.ts';
import { bootstrapAccounts, type Deployment, deploy, sourceHash, synthesize } from './cdk.ts';
import { type Emulator, runningEmulator, startEmulator } from './emulator.ts';
import { guarded } from './interrupt.ts';
import { exclusively } from './lock.ts';
import { makePrivateDirectory } from './private-files.ts';
import { ensurePython } from './python.ts';
import { down, findRunning, forget, type RunningRecord, writeRecord } from './running.ts';
import type { TestSwitches } from './test-switches.ts';

export interface LocalAwsOptions {
  directory: string;
  port: number;
  lambdaEndpoint: string | undefined;
  /** Targets to deploy in addition to App2 and to those that are already deployed. */
  targets?: readonly string[] | undefined;
  /** Account of the targets, if it is not that of App1. It is the same for every `up` of a local AWS. */
  targetAccount?: string | undefined;
  /** Only for suites that inject faults. A running local AWS keeps the switches with which it was started. */
  testSwitches?: TestSwitches | undefined;
}

/**
 * Starts the local AWS and deploys App1 and the targets. If it is already running, changed sources and further targets are
 * deployed as an update that keeps all data. A local AWS that has crashed is started again without data, because its state is in memory.
 */
export async function up(options: LocalAwsOptions, progress: Progress): Promise<Outputs> {
  const { directory, port, targetAccount } = options;
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
    const targets = [...new Set([APP2, ...(running?.targets ?? []), ...(options.targets ?? [])])];
    const deploymentKey = [hash, lambdaEndpoint, targetAccount, ...targets].join(' ');
    if (running?.deployed === deploymentKey) return readOutputs(directory);

    if (running !== undefined) {
      const deployment = { emulator: runningEmulator(running), directory, lambdaEndpoint, targetAccount };
      await progress.run('Synthesizing', (report) => synthesize(deployment, hash, targets, report));
      return deployAll(deployment, { ...running, targets }, deploymentKey, progress);
    }
    await forget(directory);
    const python = await progress.run('Python packages', (report) => ensurePython({ onProgress: report }));
    let started: Emulator | undefined;
    const stop = async (): Promise<void> => started?.stop();
    return guarded(stop, async () => {
      try {
        const emulator = await progress.run('Starting the local AWS', async () => {
          // Assigned at once, so that an interrupt stops it.
          started = await startEmulator({ ...options, python });
          return started;
        });
        const running: RunningRecord = { pid: emulator.pid, instance: emulator.instance, port, targets };
        await writeRecord(directory, running);
        const deployment = { emulator, directory, lambdaEndpoint, targetAccount };
        await progress.run('Synthesizing and bootstrapping', (report) =>
          Promise.all([synthesize(deployment, hash, targets, report), bootstrapAccounts(deployment, report)]),
        );
        return await deployAll(deployment, running, deploymentKey, progress);
      } catch (error) {
        await stop();
        throw error;
      }
    });
  });
}

async function deployAll(
  deployment: Deployment,
  running: RunningRecord,
  deploymentKey: string,
  progress: Progress,
): Promise<Outputs> {
  const outputs = await deploy(deployment, running.targets, progress);
  await writeRecord(deployment.directory, { ...running, deployed: deploymentKey });
  return outputs;
}

/** Starts a local AWS for the duration of `use`, on a free port by default. */
export async function withLocalAws<Result>(
  options: Pick<LocalAwsOptions, 'directory'> & Partial<LocalAwsOptions>,
  progress: Progress,
  use: (outputs: Outputs) => Promise<Result>,
): Promise<Result> {
  const { directory, ...rest } = options;
  await down(directory);
  const port = options.port ?? (await getPort({ host: '127.0.0.1' }));
  return guarded(
    async () => void (await down(directory)),
    async () => {
      try {
        return await use(await up({ lambdaEndpoint: undefined, ...rest, directory, port }, progress));
      } finally {
        await down(directory);
      }
    },
  );
}
