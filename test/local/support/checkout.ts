import { spawn } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { afterEach } from '@jest/globals';

const root = join(import.meta.dirname, '../../..');
const SOURCES = [
  'contracts',
  'handlers',
  'infra',
  'workflows',
  'cdk.json',
  'package-lock.json',
  'tsconfig.json',
];
const made: string[] = [];

afterEach(() => {
  for (const folder of made.splice(0)) rmSync(folder, { recursive: true, force: true });
});

export interface Ended {
  status: number | null;
  stdout: string;
  /** Standard error. A CommandError is all of it: an empty line, the message, `→ ` and the remedy. */
  stderr: string;
}

/** A temporary checkout, which a test can break. Its PATH contains the programs of the test. */
export interface Checkout {
  directory: string;
  /** Adds a program, as a shell script, at the start of the PATH. */
  program(name: string, script: string): void;
  /** Adds a program, as a shell script, to node_modules/.bin. */
  tool(name: string, script: string): void;
  /** Adds a file to `local/`. */
  script(name: string, text: string): void;
  /** Runs `node cli/run.mjs local/<script> <args>`. `nodeOptions` are options of Node.js. */
  run(
    script: string,
    options?: { environment?: Record<string, string>; nodeOptions?: string[]; args?: string[] },
  ): Promise<Ended>;
}

/** The file that npm writes at the end of an installation. */
export const npmMark = join(root, 'node_modules', '.package-lock.json');

/** Creates a checkout. With `systemPrograms: false`, the PATH contains only the programs of the test. */
export function checkout({ systemPrograms = true, installed = true } = {}): Checkout {
  // Inside the real checkout, where Node.js finds its packages; only npm's file has to be copied.
  const parent = join(root, '.local');
  mkdirSync(parent, { recursive: true });
  const directory = mkdtempSync(join(parent, 'checkout-'));
  made.push(directory);
  // Copied, not linked: the project finds its root by the location of these files.
  for (const folder of ['local', 'cli'])
    cpSync(join(root, folder), join(directory, folder), { recursive: true });
  writeFileSync(join(directory, 'package.json'), '{ "type": "module" }');
  for (const name of SOURCES) symlinkSync(join(root, name), join(directory, name));
  if (installed) {
    mkdirSync(join(directory, 'node_modules'));
    cpSync(npmMark, join(directory, 'node_modules', '.package-lock.json'));
  }
  const bin = join(directory, 'bin');
  mkdirSync(bin);

  const put = (folder: string, name: string, script: string) => {
    mkdirSync(folder, { recursive: true });
    const file = join(folder, name);
    writeFileSync(file, `#!/bin/sh\n${script}\n`);
    chmodSync(file, 0o755);
  };

  return {
    directory,
    program: (name, script) => put(bin, name, script),
    tool: (name, script) => put(join(directory, 'node_modules', '.bin'), name, script),
    script(name, text) {
      writeFileSync(join(directory, 'local', name), text);
    },
    run(script, { environment = {}, nodeOptions = [], args = [] } = {}) {
      const child = spawn(
        process.execPath,
        [...nodeOptions, join(directory, 'cli', 'run.mjs'), `local/${script}`, ...args],
        {
          cwd: directory,
          env: {
            PATH: systemPrograms ? [bin, '/usr/bin', '/bin'].join(delimiter) : bin,
            LOCAL_AWS_PORT: '1',
            ...environment,
          },
        },
      );
      const ended: Ended = { status: null, stdout: '', stderr: '' };
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        ended.stdout += text;
      });
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        ended.stderr += text;
      });
      return new Promise((resolve, reject) => {
        child.once('error', reject);
        child.once('close', (status) => resolve({ ...ended, status }));
      });
    },
  };
}
