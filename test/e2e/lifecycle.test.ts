import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import getPort from 'get-port';
import { outputsFile } from '../../cli/outputs.ts';
import { root, settings } from '../../cli/support/paths.ts';
import { isResponding } from '../../local/emulator.ts';
import { testDirectory } from '../../local/paths.ts';
import { newRequest, outputs, provision, system } from './support/deployed.ts';

/** Starts `npm run up` for a folder and a port. */
function up(directory: string, port: number | string, environment: NodeJS.ProcessEnv = {}) {
  const child = spawn(process.execPath, [join(root, 'cli', 'run.mjs'), 'local/up.ts'], {
    cwd: root,
    env: { ...process.env, LOCAL_AWS_DIR: directory, LOCAL_AWS_PORT: String(port), ...environment },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return { child, closed: once(child, 'close') };
}

const processesOf = (directory: string): string[] =>
  execFileSync('ps', ['-eo', 'args='], { encoding: 'utf8', maxBuffer: 10_000_000 })
    .split('\n')
    .filter((line) => line.includes(directory));

describe('npm run up', () => {
  it('does not change a running local AWS, within ten seconds, in every time zone', async () => {
    const request = newRequest();
    await provision(request);
    const before = readFileSync(outputsFile(settings().directory), 'utf8');
    const startedAt = Date.now();
    const [status] = await up(settings().directory, new URL(outputs.endpoint).port, {
      TZ: 'Asia/Tokyo',
    }).closed;

    expect(status).toBe(0);
    expect(Date.now() - startedAt).toBeLessThan(10_000);
    expect(readFileSync(outputsFile(settings().directory), 'utf8')).toBe(before);
    expect(await system.user(request.username)).toMatchObject({ status: 'CONFIRMED' });
  });

  it('writes files that only their owner can read', () => {
    const { directory } = settings();
    const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8);

    expect(modeOf(directory)).toBe('700');
    for (const name of [
      'outputs.json',
      'running.json',
      'emulator.log',
      'App1.outputs.json',
      'targets.outputs.json',
    ])
      expect([name, modeOf(join(directory, name))]).toEqual([name, '600']);
  });

  it('leaves no process behind when it is interrupted', async () => {
    const directory = join(testDirectory, 'interrupted');
    const port = await getPort({ host: '127.0.0.1' });
    const { child, closed } = up(directory, port);
    child.stdout.setEncoding('utf8');
    let interrupted = false;
    child.stdout.on('data', (text: string) => {
      if (interrupted || !text.includes('Synthesizing')) return;
      interrupted = true;
      child.kill('SIGINT');
    });

    const [status] = await closed;

    expect({ status, interrupted }).toEqual({ status: 130, interrupted: true });
    expect(processesOf(directory)).toEqual([]);
    expect(await isResponding(port)).toBe(false);

    rmSync(directory, { recursive: true });
  });
});
