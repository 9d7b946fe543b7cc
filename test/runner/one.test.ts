import { spawnSync } from 'node:child_process';
import { expect, jest, test } from '@jest/globals';
import { root } from '../../cli/support/paths.ts';

jest.setTimeout(60_000);

/** `npm run test:one -- <args>`. */
const testOne = (...args: string[]) =>
  spawnSync(process.execPath, ['cli/run.mjs', 'test/runner/one.ts', ...args], {
    cwd: root,
    encoding: 'utf8',
  });

test('npm run test:one runs the cases that it names, and says so when there is none', () => {
  const one = testOne('contracts/encryption-context.ts', '-t', 'no case has this name');

  expect(one).toMatchObject({
    status: 1,
    stdout: expect.stringContaining('Project unit: test/contracts/encryption-context.test.ts'),
    stderr: expect.stringContaining(
      'No case of test/contracts/encryption-context.test.ts has a name that matches no case has this name.',
    ),
  });
});

test('npm run test:one takes no path that no test has', () => {
  const one = testOne('contracts/encrption-context.ts');

  expect(one).toMatchObject({
    status: 1,
    stderr: expect.stringContaining('→ Is test/contracts/encryption-context.test.ts meant?'),
  });
});
