import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, jest, test } from '@jest/globals';
import { type Checkout, checkout, npmMark } from './support/checkout.ts';

jest.setTimeout(30_000);

/** Node.js with changed properties of `process`. */
const pretending = (what: string) => ({ nodeOptions: ['--import', `data:text/javascript,${what}`] });

describe('Node.js and the npm packages', () => {
  test('an outdated Node.js fails with its version', async () => {
    const old = pretending(
      'Object.defineProperty(process,"versions",{value:{...process.versions,node:"20.18.3"}})',
    );

    await expect(checkout().run('any.ts', old)).resolves.toEqual({
      status: 1,
      stdout: '',
      stderr: '\nNode.js 20.18.3 is too old.\n→ Install Node.js 20.19 or newer (nodejs.org).\n',
    });
  });

  test('on Node.js 20 a program that calls AWS prints no notice of the AWS SDK', async () => {
    const node20 = pretending(
      'Object.defineProperty(process,"version",{value:"v20.20.2"});' +
        'Object.defineProperty(process,"versions",{value:{...process.versions,node:"20.20.2"}})',
    );
    const here = checkout();
    here.script(
      'call-aws.ts',
      `import { SFNClient } from '@aws-sdk/client-sfn';
       export const main = () => { new SFNClient({ region: 'us-east-1' }); return 0; };`,
    );

    await expect(here.run('call-aws.ts', node20)).resolves.toEqual({ status: 0, stdout: '', stderr: '' });
  });

  test('Windows fails with a reference to WSL', async () => {
    const windows = pretending('Object.defineProperty(process,"platform",{value:"win32"})');

    await expect(checkout().run('any.ts', windows)).resolves.toEqual({
      status: 1,
      stdout: '',
      stderr: '\nWindows itself is not supported.\n→ Use WSL (learn.microsoft.com/windows/wsl/install).\n',
    });
  });

  test('a failed npm installation fails with the message of npm; the next attempt installs and continues', async () => {
    const here = checkout({ installed: false });
    here.program('npm', 'echo "npm error code ENOTFOUND" >&2; exit 1');

    await expect(greet(here)).resolves.toMatchObject({
      status: 1,
      stderr:
        '\nThe npm packages could not be installed. Output of npm:\nnpm error code ENOTFOUND\n' +
        '→ Check that npm reaches its registry (network, proxy, .npmrc), then try again.\n',
    });

    here.program('npm', install);

    await expect(greet(here)).resolves.toMatchObject({ status: 0, stdout: installedAndRun });
  });

  test('an interrupted npm installation is repeated', async () => {
    const here = checkout();
    rmSync(mark(here));
    here.program('npm', install);

    await expect(greet(here)).resolves.toMatchObject({ status: 0, stdout: installedAndRun });
  });

  test('packages of another lockfile are installed again', async () => {
    const here = checkout();
    writeFileSync(mark(here), readFileSync(mark(here), 'utf8').replace(/"version": "/g, '"version": "0'));
    here.program('npm', install);

    await expect(greet(here)).resolves.toMatchObject({ status: 0, stdout: installedAndRun });
  });

  test('installed packages are not installed again', async () => {
    const here = checkout();
    here.program('npm', 'exit 1');

    await expect(greet(here)).resolves.toEqual({
      status: 0,
      stdout: 'Hello.\n',
      stderr: '',
    });
  });
});

/** A script that prints a line. */
const greet = ({ script, run }: Checkout) => {
  script('greet.ts', "export const main = () => { process.stdout.write('Hello.\\n'); return 0; };\n");
  return run('greet.ts');
};

const mark = ({ directory }: Checkout): string => join(directory, 'node_modules', '.package-lock.json');
/** An npm that writes the file of a complete installation if it is called with the expected arguments. */
const install = `[ "$*" = "ci --include=dev --no-audit --no-fund" ] && mkdir -p node_modules && cp "${npmMark}" node_modules`;
const installedAndRun = expect.stringMatching(/^Installing npm packages \(0 s\)\n(?:.*\n)*Hello\.\n$/);
