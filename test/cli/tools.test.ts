import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, jest, test } from '@jest/globals';
import * as z from 'zod';
import { root } from '../../cli/support/paths.ts';
import { environmentOf, pathOf, toolsOf } from '../../cli/support/tools.ts';
import { checkout } from '../local/support/checkout.ts';

/** `npm run lint`, `format`, `typecheck` and `synth`. */

jest.setTimeout(30_000);

const { scripts } = z
  .object({ scripts: z.record(z.string(), z.string()) })
  .parse(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')));

const expected = {
  lint: { status: 1, stdout: 'biome check --error-on-warnings\nsecretlint **/*\n', stderr: '' },
  format: { status: 1, stdout: 'biome check --write\n', stderr: '' },
  typecheck: { status: 0, stdout: 'tsc \ntsc -p trace/page\n', stderr: '' },
  synth: { status: 0, stdout: 'cdk synth --quiet\n', stderr: '' },
};

test('a script runs all of its tools, and fails when one of them fails', async () => {
  const here = checkout();
  here.tool('biome', 'echo "biome $*"; exit 1');
  for (const name of ['secretlint', 'tsc', 'cdk']) here.tool(name, `echo "${name} $*"`);
  const ran: Record<string, unknown> = {};

  // Sequentially: the first one bundles the program, which the others use.
  for (const script of Object.keys(expected)) {
    const [, , file = '', ...args] = scripts[script]?.split(' ') ?? [];
    ran[script] = await here.run(join('..', file), { args });
  }

  expect(ran).toEqual(expected);
});

test('secretlint finds a secret without its performance marks', () => {
  const [, secretlint] = toolsOf.lint;
  const folder = mkdtempSync(join(tmpdir(), 'secretlint-'));
  writeFileSync(join(folder, '.secretlintrc.json'), readFileSync(join(root, '.secretlintrc.json')));
  writeFileSync(join(folder, 'settings.txt'), `aws_secret_access_key = ${'wJalrXUtnFEMIK7MDENG'.repeat(2)}`);

  const { status, stdout } = spawnSync(pathOf(secretlint), secretlint.args, {
    cwd: folder,
    env: { ...process.env, ...environmentOf(secretlint) },
    encoding: 'utf8',
  });

  expect({ status, stdout }).toEqual({ status: 1, stdout: expect.stringContaining('AWSSecretAccessKey') });
});
