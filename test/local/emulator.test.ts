import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { describe, expect, jest, test } from '@jest/globals';
import { type Checkout, checkout } from './support/checkout.ts';

jest.setTimeout(30_000);

describe('the start of the local AWS', () => {
  test('a port in use fails with its number and the setting; the next attempt starts the emulator', async () => {
    const here = checkout();
    const { port, close } = await listen();
    const up = () => here.run('up.ts', { environment: { LOCAL_AWS_PORT: String(port) } });
    installedPython(here);

    await expect(up()).resolves.toMatchObject({
      status: 1,
      stderr:
        `\nPort ${port} is in use by another program.\n` +
        '→ Set LOCAL_AWS_PORT to a free port (and LOCAL_AWS_DIR, for a second local AWS of this checkout).\n',
    });

    await close();

    await expect(up()).resolves.toMatchObject({
      status: 1,
      stderr:
        '\nThe local AWS did not start. Its output:\nthis is the emulator, and it ends at once\n' +
        `→ See ${join(here.directory, '.local', 'emulator.log')}.\n`,
    });
  });
});

/** Simulates installed Python packages with an emulator that prints a line and exits. */
function installedPython({ directory, program }: Checkout): void {
  const venv = join(directory, '.local', 'venv');
  mkdirSync(join(venv, 'bin'), { recursive: true });
  program('../.local/venv/bin/python', 'echo "this is the emulator, and it ends at once"; exit 1');
  const requirements = readFileSync(join(directory, 'local', 'requirements.txt'));
  writeFileSync(join(venv, 'installed'), createHash('sha256').update(requirements).digest('hex'));
}

/** A server of another program. */
async function listen(): Promise<{ port: number; close(): Promise<void> }> {
  const server: Server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    port: address.port,
    close: () => new Promise((resolve) => void server.close(() => resolve())),
  };
}
