import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { down, isUp } from '../../local/running.ts';
import { checkout } from './support/checkout.ts';

jest.setTimeout(30_000);

let directory: string;
const processes: ChildProcess[] = [];
const servers: Server[] = [];
const variables = { ...process.env };

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'stack-'));
});
afterEach(async () => {
  process.env = { ...variables };
  for (const child of processes.splice(0)) child.kill('SIGKILL');
  await Promise.all(servers.splice(0).map((server) => new Promise((done) => server.close(done))));
  rmSync(directory, { recursive: true, force: true });
});

const record = (content: object | string, folder = directory) =>
  writeFileSync(
    join(folder, 'running.json'),
    typeof content === 'string' ? content : JSON.stringify(content),
  );
const hasRecord = () => existsSync(join(directory, 'running.json'));

/** A process in a group of its own, like the local AWS. It runs until it is stopped. */
async function start(script: string, argument: string): Promise<{ pid: number; ended: Promise<unknown> }> {
  const child = spawn(process.execPath, ['-e', script, argument], {
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  processes.push(child);
  const ended = once(child, 'close');
  await once(child.stdout, 'data');
  if (child.pid === undefined) throw new Error('There is no process.');
  return { pid: child.pid, ended };
}

const SLEEP = `process.stdout.write('up'); setInterval(() => undefined, 1000)`;

/** A process with the argument and the response of a local AWS. */
async function localAws(): Promise<{ pid: number; port: number; instance: string; ended: Promise<unknown> }> {
  const instance = randomUUID();
  const file = join(directory, 'port');
  const serve = `
    const { createServer } = require('node:http');
    const server = createServer((_request, response) => response.end(JSON.stringify({ instance: process.argv.at(-1) })));
    server.listen(0, '127.0.0.1', () => {
      require('node:fs').writeFileSync(${JSON.stringify(file)}, String(server.address().port));
      process.stdout.write('up');
    });`;
  const started = await start(serve, instance);
  return { ...started, instance, port: Number(readFileSync(file, 'utf8')) };
}

/** A server of this process that responds as the local AWS. */
async function answering(instance: string): Promise<number> {
  const server = createServer((_request, response) => response.end(JSON.stringify({ instance })));
  servers.push(server);
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('There is no port.');
  return address.port;
}

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

describe('the local AWS that was started here', () => {
  it.each([
    ['in the same environment', {}],
    ['in another time zone', { TZ: 'Asia/Tokyo' }],
    ['in a time zone that changes its clock', { TZ: 'Australia/Lord_Howe' }],
    ['in another language', { LC_ALL: 'de_DE.UTF-8', LC_TIME: 'ja_JP.UTF-8', LANG: 'fr_FR.UTF-8' }],
  ])('is stopped, %s', async (_what, environment) => {
    const { ended, ...running } = await localAws();
    record(running);
    Object.assign(process.env, environment);

    await expect(isUp(directory)).resolves.toBe(true);
    await expect(down(directory)).resolves.toBe(true);

    await ended;

    expect(hasRecord()).toBe(false);
    await expect(down(directory)).resolves.toBe(false);
  });

  it('is stopped by `npm run down` in another time zone', async () => {
    const { ended, ...running } = await localAws();
    record(running);
    const environment = { LOCAL_AWS_DIR: directory, TZ: 'Asia/Tokyo', LC_ALL: 'C' };

    await expect(checkout().run('down.ts', { environment })).resolves.toMatchObject({
      status: 0,
      stdout: 'Local AWS is down.\n',
    });

    await ended;
  });

  it('is stopped if it does not respond', async () => {
    const instance = randomUUID();
    const { pid, ended } = await start(SLEEP, instance);
    record({ pid, instance, port: 1 });

    await expect(isUp(directory)).resolves.toBe(false);

    await ended;
  });

  it('keeps its record if it responds but its process is on another machine', async () => {
    const instance = randomUUID();
    const port = await answering(instance);
    const { pid } = await start(SLEEP, 'something else');
    record({ pid, instance, port });

    await expect(isUp(directory)).resolves.toBe(true);
    await expect(down(directory)).rejects.toMatchObject({
      message: expect.stringContaining(
        `responds on port ${port}, but its process ${pid} is not on this machine`,
      ),
      remedy: expect.stringContaining('where it was started'),
    });
    expect(hasRecord()).toBe(true);
    expect(isAlive(pid)).toBe(true);
  });
});

describe('the record of a local AWS that is not running', () => {
  it('is deleted if its process has exited', async () => {
    const { pid, ended } = await start(SLEEP, 'x');
    process.kill(pid, 'SIGKILL');
    await ended;
    record({ pid, instance: randomUUID(), port: 1 });

    await expect(down(directory)).resolves.toBe(false);
    expect(hasRecord()).toBe(false);
  });

  it('does not stop a process with a reused id', async () => {
    const { pid } = await start(SLEEP, 'something else');
    record({ pid, instance: randomUUID(), port: 1 });

    await expect(down(directory)).resolves.toBe(false);
    expect(isAlive(pid)).toBe(true);
    expect(hasRecord()).toBe(false);
  });

  it('does not stop another local AWS on its port', async () => {
    const other = await localAws();
    record({ pid: other.pid, instance: randomUUID(), port: other.port });

    await expect(down(directory)).resolves.toBe(false);
    expect(isAlive(other.pid)).toBe(true);
  });
});

describe('a record that cannot be parsed', () => {
  it.each([
    ['is truncated', '{"pid": 12'],
    ['is empty', ''],
    ['has another structure', { pid: 1, startedAt: 'Sun Nov 29 19:48:54 2026', port: 4566 }],
  ])('is kept if it %s', async (_what, content) => {
    record(content);

    await expect(down(directory)).rejects.toMatchObject({
      message: expect.stringContaining('running.json cannot be parsed'),
      remedy: expect.stringContaining('delete the file'),
    });
    expect(hasRecord()).toBe(true);
  });
});
