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

/** All of the acceptance on a system without a defect, and each defect that spoils more than one check. */

/** The users that runs of the acceptance have left in the pool. */
async function usersLeft(): Promise<string[]> {
  const { Users = [] } = await system.clients.cognito.send(
    new ListUsersCommand({
      UserPoolId: outputs.app2.user_pool_id,
      Filter: 'username ^= "acceptance-"',
    }),
  );
  return Users.map(({ Username = '' }) => Username);
}

/** Sweeps come as often as here only when somebody calls them: what is waited for is a sweep by the schedule. */
async function whileSweeping<Result>(run: () => Promise<Result>): Promise<Result> {
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

describe('on a system without a defect, npm run acceptance --full', () => {
  let whole: Accepted;
  beforeAll(async () => {
    whole = await whileSweeping(() => accept(['--timeout', '2m', '--full']));
  }, 600_000);

  it('finds fault with nothing', () => {
    expect(whole.failed.length === 0 || whole.output).toBe(true);
    expect(whole.status).toBe(0);
  });

  it('tells of every check', () => {
    expect([...whole.passed, ...whole.notChecked].sort()).toEqual(
      [...allChecks.map(({ name }) => name), 'cleanup'].sort(),
    );
    expect(whole.notChecked).toEqual(expect.arrayContaining(['refusals/missing-api-key', 'signals/x-ray']));
    expect(whole.notChecked.length).toBeLessThanOrEqual(3);
  });

  it('leaves no user behind', async () => {
    expect(await usersLeft()).toEqual([]);
  });
});

describe('with --profile and --app2-profile', () => {
  it('asks each service as its own profile', async () => {
    const home = mkdtempSync(join(tmpdir(), 'profiles-'));
    const file = join(home, 'config');
    const profile = [
      `region = ${outputs.region}`,
      `aws_access_key_id = ${outputs.access_key_id}`,
      `aws_secret_access_key = ${outputs.secret_access_key}`,
    ].join('\n');
    writeFileSync(file, `[profile users]\n${profile}\n[profile payments]\n${profile}\n`);
    const { AWS_ENDPOINT_URL = '', APP1_API_URL = '', APP2_API_URL = '' } = asOnAws();
    const { failed, status } = await accept(
      [
        ...['--profile', 'users', '--app2-profile', 'payments', '--timeout', '60s'],
        ...['--only', 'provisioning/succeeds', 'notification/delivered'],
      ],
      { AWS_CONFIG_FILE: file, AWS_ENDPOINT_URL, APP1_API_URL, APP2_API_URL },
    );
    expect([failed, status]).toEqual([[], 0]);
  });
});

describe('interrupted by Ctrl-C', () => {
  it('takes back what it has made, says so, and ends with 130', async () => {
    const acceptance = spawn(process.execPath, ['cli/run.mjs', 'acceptance/main.ts', '--timeout', '60s'], {
      cwd: root,
      env: { ...process.env, ...asOnAws() },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let said = '';
    for (const stream of [acceptance.stdout, acceptance.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => {
        said += text;
        // Several provisionings have been requested by then.
        if (said.includes('✔ provisioning/succeeds') && !acceptance.killed) acceptance.kill('SIGINT');
      });
    const [status]: unknown[] = await once(acceptance, 'close');

    expect([status, said]).toEqual([130, expect.stringContaining('✔ cleanup')]);
    expect(said).toMatch(/\d+ passed, 0 failed\n$/);
    expect(said).not.toContain('signals/');
    expect(await usersLeft()).toEqual([]);
  });
});

describe('npm run acceptance notices that', () => {
  it.each(otherDefects)('$name', async ({ seed, noticedBy }) => {
    const mend = await seed();
    try {
      const { failed, passed, status, output } = await accept(['--timeout', '10s', '--only', ...noticedBy]);
      expect([failed, output]).toEqual([noticedBy, expect.any(String)]);
      expect([passed, status]).toEqual([['cleanup'], 1]);
    } finally {
      await mend();
    }
  });
});

describe('without what it needs', () => {
  it('says so, and that it has failed', async () => {
    const { status, output, last } = await accept(['--profile', 'nobody']);

    expect([status, last]).toEqual([1, '0 passed, 1 failed']);
    expect(output).toContain('There are no valid credentials for AWS');
  });
});
