import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { makePrivateDirectory, writePrivateFile } from '../../local/private-files.ts';
import { startServer } from '../../local/server.ts';

let folder: string;
let mask: number;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'private-'));
  // Independent of the user's setting.
  mask = process.umask(0);
});
afterEach(() => {
  process.umask(mask);
  rmSync(folder, { recursive: true });
});

const modeOf = (path: string): string => (statSync(path).mode & 0o7777).toString(8);

describe('a file or folder with credentials', () => {
  it('has mode 600 as a new file', async () => {
    const file = join(folder, 'new.json');
    await writePrivateFile(file, 'content');

    expect([modeOf(file), readFileSync(file, 'utf8')]).toEqual(['600', 'content']);
  });

  it.each(['644', '666', '640', '400'])('has mode 600 as a file that had mode %s before', async (mode) => {
    const file = join(folder, 'old.json');
    writeFileSync(file, 'before');
    chmodSync(file, Number.parseInt(mode, 8));
    await writePrivateFile(file, 'after');

    expect([modeOf(file), readFileSync(file, 'utf8')]).toEqual(['600', 'after']);
    expect(readdirSync(folder)).toEqual(['old.json']);
  });

  it('has mode 700 as a new folder', async () => {
    const path = join(folder, 'above', 'new');
    await makePrivateDirectory(path);

    expect([modeOf(path), modeOf(join(folder, 'above'))]).toEqual(['700', '700']);
  });

  it.each(['755', '777', '750'])('has mode 700 as a folder that had mode %s before', async (mode) => {
    const path = join(folder, 'old');
    mkdirSync(path);
    chmodSync(path, Number.parseInt(mode, 8));
    await makePrivateDirectory(path);

    expect(modeOf(path)).toBe('700');
  });

  it('keeps the mode of a shared folder', async () => {
    const path = join(folder, 'tmp');
    mkdirSync(path);
    chmodSync(path, 0o1777);
    await makePrivateDirectory(path);

    expect(modeOf(path)).toBe('1777');
  });

  it('has mode 600 as the log of a server', async () => {
    const directory = join(folder, 'server');
    mkdirSync(directory);
    writeFileSync(join(directory, 'server.log'), 'before', { mode: 0o666 });
    const port = 1;
    const failing = startServer({
      name: 'server',
      command: [process.execPath, '-e', 'console.log("a secret")'],
      port,
      health: '/',
      environment: {},
      directory,
      logFile: 'server.log',
    });

    await expect(failing).rejects.toThrow('did not start');
    expect([modeOf(directory), modeOf(join(directory, 'server.log'))]).toEqual(['700', '600']);
  });
});
