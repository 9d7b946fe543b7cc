import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import getPort from 'get-port';
import { type Emulator, startEmulator } from '../../local/emulator.ts';
import { guarded } from '../../local/interrupt.ts';
import { ensurePython } from '../../local/python.ts';

let started: { emulator: Emulator; directory: string } | undefined;

/**
 * Starts one emulator for the whole suite, with an empty state of its own.
 * `LOCAL_AWS_CORRECTIONS=off` runs the suite without the corrections.
 */
export default async function setUp(): Promise<void> {
  const { LOCAL_AWS_CORRECTIONS } = process.env;
  const python = await ensurePython();
  const port = await getPort({ host: '127.0.0.1' });
  const directory = await mkdtemp(join(tmpdir(), 'local-aws-'));
  const emulator = await startEmulator({
    python,
    port,
    directory,
    corrections: LOCAL_AWS_CORRECTIONS !== 'off',
    // A minute takes a tenth of a second.
    testSwitches: { asyncPauses: 1 / 600 },
  });
  started = { emulator, directory };
  // Jest does not run the teardown after an interrupt.
  void guarded(tearDown, () => new Promise(() => undefined));
  Object.assign(process.env, {
    LOCAL_AWS_PYTHON: python,
    LOCAL_AWS_ENDPOINT: emulator.endpoint,
    LOCAL_AWS_REGION: emulator.region,
    LOCAL_AWS_ACCOUNT: emulator.account,
    LOCAL_AWS_ACCESS_KEY_ID: emulator.accessKeyId,
    LOCAL_AWS_SECRET_ACCESS_KEY: emulator.secretAccessKey,
  });
}

export async function tearDown(): Promise<void> {
  await started?.emulator.stop();
  if (started) await rm(started.directory, { recursive: true, force: true });
}
