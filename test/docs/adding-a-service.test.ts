import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import * as z from 'zod';
import { root } from '../../cli/support/paths.ts';
import { parameterOf } from '../../contracts/targets.ts';
import { commandsIn, modulesOf } from '../support/documented.ts';

/** docs/adding-a-service.md. test/e2e/tools/payments.test.ts runs its commands, test/package/package.test.ts its modules. */

const PAGE = 'docs/adding-a-service.md';
const read = (file: string): string => readFileSync(join(root, file), 'utf8');

describe('the page about adding a service', () => {
  it('has the app of the example, of at most 15 lines', () => {
    const app = modulesOf(PAGE).get('Deploy the service') ?? '';

    expect(app).toBe(read('examples/payments/app.mjs'));
    expect(app.trim().split('\n').length).toBeLessThanOrEqual(15);
  });

  it('installs the versions with which the package is tested', () => {
    const { devDependencies } = z
      .object({ devDependencies: z.record(z.string(), z.string()) })
      .parse(JSON.parse(read('package.json')));

    const installed = [
      ...commandsIn(PAGE, 'Install the package')
        .join('')
        .matchAll(/ ([\w-]+)@([\d.]+)/g),
    ];

    expect(installed.map(([, name]) => name)).toEqual(['aws-cdk-lib', 'constructs', 'zod', 'aws-cdk']);
    for (const [, name = '', version] of installed)
      expect([name, version]).toEqual([name, devDependencies[name]]);
  });

  it('registers a target by one setting and one parameter', () => {
    const [deployment = ''] = commandsIn(PAGE, 'Register the target').join('').split('\n');

    expect(deployment.match(/(?<= )(-c|--parameters) \w+/g)).toEqual([
      '-c targets',
      `--parameters ${parameterOf('payments')}`,
    ]);
  });

  it('has at most 250 lines', () => {
    expect(read(PAGE).split('\n').length).toBeLessThanOrEqual(250);
  });
});
