import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import * as z from 'zod';
import { root } from '../../../cli/support/paths.ts';
import { eventually } from '../../local-aws/support/eventually.ts';
import { run } from '../support/commands.ts';
import { newRequest, provision } from '../support/deployed.ts';

/** The npm scripts against the deployed local AWS. */

const { scripts } = z
  .object({ scripts: z.record(z.string(), z.string()) })
  .parse(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')));
const programs = Object.entries(scripts).filter(([, command]) => command.startsWith('node cli/run.mjs'));

describe('npm run', () => {
  it.each(programs)('%s --help prints the usage and runs nothing', async (_name, command) => {
    const { status, stdout, stderr } = await run(`${command} --help`);

    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatch(/^Usage: npm run [a-z:]+ -- /);
    expect(stdout).not.toMatch(/\{\}|\[object|undefined/);
  });
});

const logs = (args: string) => run(`npm run --silent logs -- ${args}`);

describe('npm run logs', () => {
  it('prints the lines of one function only', async () => {
    const { provisioning_id } = await provision(newRequest());

    const { status, stdout } = await eventually(async () => {
      const result = await logs('create-user');
      expect(result.stdout).toContain(provisioning_id);
      return result;
    });

    expect(status).toBe(0);
    expect(stdout.trim().split('\n')).toEqual(
      stdout
        .trim()
        .split('\n')
        .map(() => expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z {2}app2-create-user {2}/)),
    );
  });

  it('prints the lines of functions, workflows, APIs and buses without an argument', async () => {
    await provision(newRequest());

    await eventually(async () => {
      const { status, stdout } = await logs('--since 1m');
      expect(status).toBe(0);
      const names = new Set(stdout.split('\n').map((line) => line.split(/ +/)[1]));
      for (const name of [
        'app1-call-target',
        'app2-CreateServiceUser',
        'apigateway/app1-provisioning',
        'events/app2-service-users',
      ])
        expect(names).toContain(name);
    });
  });

  it('suggests a similar name', async () => {
    const { status, stderr } = await logs('creat-user');

    expect(status).toBe(1);
    expect(stderr).toContain('There is no log group for creat-user.\n→ Did you mean create-user?');
  });
});
