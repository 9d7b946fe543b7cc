import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import getPort from 'get-port';
import { doctorOutput, provisioningReport, targetsOutput, timelineOutput } from '../../../cli/json-output.ts';
import { type Outputs, readOutputs } from '../../../cli/outputs.ts';
import { testDirectory } from '../../../local/paths.ts';
import { systemOf } from '../../../local/system.ts';
import { commandsIn } from '../../support/documented.ts';
import { type CommandResult, run } from '../support/commands.ts';

/** A local AWS of its own with a second target, and the commands of docs/targets.md. */

const directory = join(testDirectory, 'targets');
const PASSWORD = 'Analytical-Engine-1843';
let environment: Record<string, string>;
let before: Outputs;
let outputs: Outputs;

/** Runs a command on this local AWS. */
const onLocalAws = (command: string): Promise<CommandResult> => run(command, environment);

/** Runs a command of the page, with the given text in place of another. */
async function documented(section: string, replaced: Record<string, string> = {}): Promise<CommandResult> {
  const commands = commandsIn('docs/targets.md', section).join('');
  return onLocalAws(
    Object.entries(replaced).reduce((text, [from, to]) => text.replaceAll(from, to), commands),
  );
}

beforeAll(async () => {
  environment = {
    LOCAL_AWS_DIR: directory,
    LOCAL_AWS_PORT: String(await getPort({ host: '127.0.0.1' })),
  };
  expect(await onLocalAws('npm run up')).toMatchObject({ status: 0 });
  before = readOutputs(directory);
  expect(await documented('Add a target')).toMatchObject({ status: 0 });
  outputs = readOutputs(directory);
});
afterAll(async () => {
  await onLocalAws('npm run down');
  rmSync(directory, { recursive: true, force: true });
});

describe('a local AWS with a second target', () => {
  it('keeps App2 with its data, and has the addresses of both', () => {
    expect(Object.keys(outputs.targets)).toEqual(['app2', 'payments']);
    expect(outputs.app2).toEqual(before.app2);
    expect(outputs.targets['app2']).toEqual(outputs.app2);
    expect(outputs.targets['payments']?.stack_name).toBe('Payments');
    expect(outputs.app1.targets.map(({ name, state }) => `${name} ${state}`)).toEqual([
      'app2 active',
      'payments active',
    ]);
  });

  it('keeps both when it is brought up again, and deploys nothing', async () => {
    const { status, output } = await onLocalAws('npm run up');

    expect({ status, deploys: output.includes('Deploying') }).toEqual({ status: 0, deploys: false });
    expect(readOutputs(directory)).toEqual(outputs);
  });

  it('lists both as reachable', async () => {
    const { status, stdout } = await onLocalAws('npx provision targets --json');

    expect(status).toBe(0);
    expect(targetsOutput.parse(JSON.parse(stdout)).targets).toMatchObject([
      { name: 'app2', state: 'active', reachable: true, password_policy: { minimum_length: 12 } },
      { name: 'payments', state: 'active', reachable: true, creations_per_second: 23.5 },
    ]);
  });

  it('creates a user at the target that the request names, and at no other', async () => {
    const { status, stdout } = await onLocalAws(
      `printf %s ${PASSWORD} | npx provision create reports --human-user h-1815 --target payments --password-stdin --json`,
    );

    const { provisioning_id } = provisioningReport.parse(JSON.parse(stdout));
    expect(status).toBe(0);
    const payments = systemOf(outputs, outputs.targets['payments']);
    expect(await payments.user('reports')).toMatchObject({
      status: 'CONFIRMED',
      attributes: { 'custom:provisioning_id': provisioning_id },
    });
    expect(await systemOf(outputs).user('reports')).toBeUndefined();
    await expect(payments.signIn('reports', PASSWORD)).resolves.toEqual(expect.any(String));

    const followed = await documented('Follow a provisioning', { PROVISIONING_ID: provisioning_id });
    expect(followed).toMatchObject({ status: 0, output: expect.stringContaining('payments: present') });
    const timeline = await onLocalAws(`npx provision timeline ${provisioning_id} --json`);
    const steps = timelineOutput.parse(JSON.parse(timeline.stdout));
    expect(steps.incomplete).toEqual([]);
    expect(new Set(steps.timeline.map(({ service }) => service))).toEqual(new Set(['app1', 'payments']));
  });

  it('is healthy', async () => {
    const { status, stdout } = await onLocalAws('npx provision doctor --json');

    const { checks } = doctorOutput.parse(JSON.parse(stdout));
    expect(checks.filter(({ verdict }) => verdict !== 'ok')).toEqual([]);
    expect(status).toBe(0);
    expect(new Set(checks.map(({ service }) => service))).toEqual(
      new Set(['all', 'app1', 'app2', 'payments']),
    );
  });

  it('is deleted by `npm run down`, with every file of it', async () => {
    expect(readFileSync(join(directory, 'outputs.json'), 'utf8')).toContain('payments');

    expect(await onLocalAws('npm run down')).toMatchObject({ status: 0 });

    expect(readdirSync(directory)).toEqual([]);
  });
});
