import { execFile } from 'node:child_process';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { environments as app1 } from '../../handlers/app1/lib/environments.ts';
import { environments as app2 } from '../../handlers/app2/lib/environments.ts';
import { bundleInto, MAX_BUNDLE_BYTES } from '../../infra/bundle.ts';

const functions = { app1: Object.keys(app1), app2: Object.keys(app2) };
const bundles = Object.entries(functions).flatMap(([service, names]) =>
  names.map((name): [string] => [join(service, name, 'index.js')]),
);

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bundles-'));
  await bundleInto(folder, functions);
  // As in Lambda: no package.json above the bundles defines them as ES modules.
  await writeFile(join(folder, 'package.json'), '{}');
}, 60_000);
afterAll(() => rm(folder, { recursive: true }));

describe('the bundle of each function', () => {
  it.each(bundles)('%s has at most MAX_BUNDLE_BYTES', async (file) => {
    expect((await stat(join(folder, file))).size).toBeLessThanOrEqual(MAX_BUNDLE_BYTES);
  });

  it('can be loaded without node_modules', async () => {
    const load = `for (const file of process.argv.slice(1)) {
      const { handler } = require(file);
      if (typeof handler !== 'function') throw new Error(file + ' has no handler.');
    }`;
    const files = bundles.map(([file]) => join(folder, file));
    await promisify(execFile)(process.execPath, ['-e', load, ...files], { cwd: folder, env: process.env });
    // Each of them has the AWS SDK in it: seconds, when the machine has other work.
  }, 60_000);
});
