import { spawn } from 'node:child_process';
import { existsSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, jest } from '@jest/globals';
import { FULL_DEVICE, itWithFullDevice } from '../support/full-device.ts';
import { type Checkout, checkout } from './support/checkout.ts';

jest.setTimeout(30_000);

interface Ended {
  status: number | null;
  stderr: string;
}

/** Starts a script with a standard output. `closed`: the reader closes it at once. */
function start(here: Checkout, script: string, stdout: 'closed' | number): Promise<Ended> {
  return ending(
    spawn(process.execPath, [join(here.directory, 'cli', 'run.mjs'), `local/${script}`], {
      cwd: here.directory,
      env: { PATH: process.env['PATH'] },
      stdio: ['ignore', stdout === 'closed' ? 'pipe' : stdout, 'pipe'],
    }),
  );
}

function ending(child: ReturnType<typeof spawn>): Promise<Ended> {
  child.stdout?.destroy();
  let stderr = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (status) => resolve({ status, stderr }));
  });
}

/** A program that prints a line and has a clean-up. */
function script(here: Checkout): void {
  here.script(
    'say.ts',
    `import { writeFileSync } from 'node:fs';
    import { guarded } from './interrupt.ts';
    export const main = () => guarded(
      async () => writeFileSync(${JSON.stringify(join(here.directory, 'cleaned-up'))}, ''),
      async () => {
        process.stdout.write('first\\n');
        // Runs until it is interrupted.
        await new Promise((resolve) => setTimeout(resolve, 20_000));
        return 0;
      },
    );`,
  );
  here.script('answer.ts', `export const main = async () => { process.stdout.write('done\\n'); return 0; };`);
}

describe('a program whose output cannot be written', () => {
  it.each(['answer.ts', 'say.ts'])('ends silently when its output is closed: %s', async (name) => {
    const here = checkout();
    script(here);

    await expect(start(here, name, 'closed')).resolves.toEqual({ status: 141, stderr: '' });
    expect(existsSync(join(here.directory, 'cleaned-up'))).toBe(name === 'say.ts');
  });

  itWithFullDevice.each(['answer.ts', 'say.ts'])(
    'reports that its output cannot be written: %s',
    async (name) => {
      const here = checkout();
      script(here);
      await expect(start(here, name, openSync(FULL_DEVICE, 'w'))).resolves.toEqual({
        status: 74,
        stderr:
          '\nThe output could not be written (ENOSPC).\n→ Send the output elsewhere, or make room for it.\n',
      });
      expect(existsSync(join(here.directory, 'cleaned-up'))).toBe(name === 'say.ts');
    },
  );

  itWithFullDevice('continues when only its standard error cannot be written', async () => {
    const here = checkout();
    here.script(
      'beside.ts',
      `import { writeFileSync } from 'node:fs';
      export const main = async () => {
        process.stderr.write('progress\\n');
        await new Promise((resolve) => setTimeout(resolve, 50));
        writeFileSync(${JSON.stringify(join(here.directory, 'done'))}, 'done');
        return 0;
      };`,
    );
    const child = spawn(process.execPath, [join(here.directory, 'cli', 'run.mjs'), 'local/beside.ts'], {
      cwd: here.directory,
      env: { PATH: process.env['PATH'] },
      stdio: ['ignore', 'ignore', openSync(FULL_DEVICE, 'w')],
    });
    await expect(ending(child)).resolves.toMatchObject({ status: 0 });
    expect(readFileSync(join(here.directory, 'done'), 'utf8')).toBe('done');
  });
});

describe('provision', () => {
  const provision = (args: string[], stdout: 'pipe' | number) =>
    ending(
      spawn(process.execPath, [join(import.meta.dirname, '../../cli/provision.mjs'), ...args], {
        env: { PATH: process.env['PATH'], LOCAL_AWS_DIR: '/nowhere' },
        stdio: ['ignore', stdout, 'pipe'],
      }),
    );

  it.each([[['--help']], [['create', '--help']], [['completion', 'bash']], [['doctor', '--json']]])(
    'ends silently when its output is closed: %j',
    async (args) => {
      await expect(provision(args, 'pipe')).resolves.toEqual({ status: 141, stderr: '' });
    },
  );

  itWithFullDevice.each([[['--help']], [['doctor', '--json']]])(
    'does not report a failed provisioning when the disk is full: %j',
    async (args) => {
      await expect(provision(args, openSync(FULL_DEVICE, 'w'))).resolves.toEqual({
        status: 74,
        stderr: expect.stringContaining(
          'The output could not be written (ENOSPC).\n→ Send the output elsewhere.',
        ),
      });
    },
  );
});
