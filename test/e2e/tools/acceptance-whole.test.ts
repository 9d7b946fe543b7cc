import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ListUsersCommand } from '@aws-sdk/client-cognito-identity-provider';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { allChecks } from '../../../acceptance/checks.ts';
import { root } from '../../../cli/support/paths.ts';
import { runSweeps } from '../../faults/support/sweeps.ts';
import { type Accepted, accept, asOnAws } from '../support/acceptance.ts';
import { otherDefects } from '../support/defects.ts';
import { outputs, system } from '../support/deployed.ts';

/** The whole acceptance on a system without a defect, and each defect that makes several checks fail. */

/** Users of the acceptance that are still in the pool. */
async function remainingUsers(): Promise<string[]> {
  const { Users = [] } = await system.clients.cognito.send(
    new ListUsersCommand({
      UserPoolId: outputs.app2.user_pool_id,
      Filter: 'username ^= "acceptance-"',
    }),
  );
  return Users.map(({ Username = '' }) => Username);
}

/** Runs sweeps continuously while a function runs; by their schedule alone, the acceptance would wait for minutes. */
async function withContinuousSweeps<Result>(run: () => Promise<Result>): Promise<Result> {
  let running = true;
  const sweeping = (async () => {
    while (running) await runSweeps();
  })();
  try {
    return await run();
  } finally {
    running = false;
    await sweeping;
  }
}

describe('npm run acceptance --full on a system without a defect', () => {
  let whole: Accepted;
  beforeAll(async () => {
    whole = await withContinuousSweeps(() => accept(['--timeout', '2m', '--full']));
  }, 600_000);

  it('passes', () => {
    expect(whole.failed.length === 0 || whole.output).toBe(true);
    expect(whole.status).toBe(0);
  });

  it('reports the result of every check', () => {
    expect([...whole.passed, ...whole.notChecked].sort()).toEqual(
      [...allChecks.map(({ name }) => name), 'cleanup'].sort(),
    );
    expect(whole.notChecked).toEqual(expect.arrayContaining(['refusals/missing-api-key', 'signals/x-ray']));
    expect(whole.notChecked.length).toBeLessThanOrEqual(3);
  });

  it('removes its users', async () => {
    expect(await remainingUsers()).toEqual([]);
  });
});

describe('npm run acceptance with --profile and --target-profile', () => {
  it('calls each service with its own profile', async () => {
    const home = mkdtempSync(join(tmpdir(), 'profiles-'));
    const file = join(home, 'config');
    const profile = [
      `region = ${outputs.region}`,
      `aws_access_key_id = ${outputs.access_key_id}`,
      `aws_secret_access_key = ${outputs.secret_access_key}`,
    ].join('\n');
    writeFileSync(file, `[profile users]\n${profile}\n[profile payments]\n${profile}\n`);
    const { AWS_ENDPOINT_URL = '', APP1_API_URL = '', TARGET_API_URL = '' } = asOnAws();

    const { failed, status } = await accept(
      [
        ...['--profile', 'users', '--target-profile', 'payments', '--timeout', '60s'],
        ...['--only', 'provisioning/succeeds', 'notification/delivered'],
      ],
      { AWS_CONFIG_FILE: file, AWS_ENDPOINT_URL, APP1_API_URL, TARGET_API_URL },
    );

    expect([failed, status]).toEqual([[], 0]);
  });
});

describe('npm run acceptance after Ctrl-C', () => {
  it('removes its users, reports it, and exits with status 130', async () => {
    const acceptance = spawn(process.execPath, ['cli/run.mjs', 'acceptance/main.ts', '--timeout', '60s'], {
      cwd: root,
      env: { ...process.env, ...asOnAws() },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    for (const stream of [acceptance.stdout, acceptance.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text;
        // Several provisionings have been requested by then.
        if (output.includes('✔ provisioning/succeeds') && !acceptance.killed) acceptance.kill('SIGINT');
      });
    const [status]: unknown[] = await once(acceptance, 'close');

    expect([status, output]).toEqual([130, expect.stringContaining('✔ cleanup')]);
    expect(output).toMatch(/\d+ passed, 0 failed\n$/);
    expect(output).not.toContain('signals/');
    expect(await remainingUsers()).toEqual([]);
  });
});

describe('npm run acceptance detects that', () => {
  it.each(otherDefects)('$name', async ({ seed, detectedBy }) => {
    const repair = await seed();

    try {
      const { failed, passed, status, output } = await accept(['--timeout', '10s', '--only', ...detectedBy]);
      expect([failed, output]).toEqual([detectedBy, expect.any(String)]);
      expect([passed, status]).toEqual([['cleanup'], 1]);
    } finally {
      await repair();
    }
  });
});

describe('npm run acceptance without credentials', () => {
  it('reports the missing credentials, and fails', async () => {
    const { status, output, lastLine } = await accept(['--profile', 'unknown']);

    expect([status, lastLine]).toEqual([1, '0 passed, 1 failed']);
    expect(output).toContain('There are no valid credentials for AWS');
  });
});
