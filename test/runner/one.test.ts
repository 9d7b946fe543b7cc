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

test('npm run test:one fails if no case has the name', () => {
  const result = testOne('contracts/encryption-context.ts', '-t', 'no case has this name');

  expect(result).toMatchObject({
    status: 1,
    stdout: expect.stringContaining('Project unit: test/contracts/encryption-context.test.ts'),
    stderr: expect.stringContaining(
      'No case of test/contracts/encryption-context.test.ts has a name that matches no case has this name.',
    ),
  });
});

test('npm run test:one rejects a path without a test, and suggests another one', () => {
  const result = testOne('contracts/encrption-context.ts');

  expect(result).toMatchObject({
    status: 1,
    stderr: expect.stringContaining('→ Is test/contracts/encryption-context.test.ts meant?'),
  });
});
