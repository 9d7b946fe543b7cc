import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { ListUsersCommand } from '@aws-sdk/client-cognito-identity-provider';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import getPort from 'get-port';
import { allChecks } from '../../../acceptance/checks.ts';
import { type Outputs, readOutputs } from '../../../cli/outputs.ts';
import { testDirectory } from '../../../local/paths.ts';
import { systemOf } from '../../../local/system.ts';
import { type Accepted, accept, asOnAws } from '../support/acceptance.ts';
import { run } from '../support/commands.ts';

/** The acceptance at a second target, on a local AWS of its own. Sweeps are those of acceptance-whole.test.ts. */

const directory = join(testDirectory, 'acceptance-target');
const checks = allChecks.map(({ name }) => name).filter((name) => !name.startsWith('operations/sweeps-of-'));
let environment: Record<string, string>;
let outputs: Outputs;
let accepted: Accepted;

beforeAll(async () => {
  environment = { LOCAL_AWS_DIR: directory, LOCAL_AWS_PORT: String(await getPort({ host: '127.0.0.1' })) };
  expect(await run('npm run up -- --target payments', environment)).toMatchObject({ status: 0 });
  outputs = readOutputs(directory);
  accepted = await accept(
    ['--target', 'payments', '--timeout', '2m', '--only', ...checks],
    asOnAws(outputs, outputs.targets['payments']),
  );
}, 600_000);
afterAll(async () => {
  await run('npm run down', environment);
  rmSync(directory, { recursive: true, force: true });
});

describe('npm run acceptance --target payments', () => {
  it('passes, and reports the result of every check', () => {
    expect([accepted.failed, accepted.output]).toEqual([[], expect.any(String)]);
    expect(accepted.status).toBe(0);
    expect([...accepted.passed, ...accepted.notChecked].sort()).toEqual([...checks, 'cleanup'].sort());
    expect(accepted.notChecked.length).toBeLessThanOrEqual(5);
  });

  it.each(['app2', 'payments'])('leaves no user at %s', async (name) => {
    const { user_pool_id: UserPoolId } = outputs.targets[name] ?? outputs.app2;
    const { Users = [] } = await systemOf(outputs).clients.cognito.send(
      new ListUsersCommand({ UserPoolId, Filter: 'username ^= "acceptance-"' }),
    );

    expect(Users).toEqual([]);
  });
});
