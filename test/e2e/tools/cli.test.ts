import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { DisableRuleCommand, EnableRuleCommand, EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { beforeAll, describe, expect, it } from '@jest/globals';
import {
  acceptedOutput,
  doctorOutput,
  errorOutput,
  eventLine,
  listOutput,
  provisioningReport,
  timelineOutput,
} from '../../../cli/json-output.ts';
import { permissions } from '../../../cli/permissions.ts';
import type { Credentials } from '../../../cli/signed-fetch.ts';
import { root, settings } from '../../../cli/support/paths.ts';
import { everyEventRule } from '../../../infra/names.ts';
import { withoutPermission } from '../../../local/harness/without-permission.ts';
import { eventually } from '../../local-aws/support/eventually.ts';
import { present } from '../../local-aws/support/present.ts';
import { callerWho } from '../../local-aws/support/roles.ts';
import { FULL_DEVICE, itWithFullDevice } from '../../support/full-device.ts';
import { expectNoLeak } from '../../support/leaks.ts';
import { deferRejection, startAll } from '../support/concurrency.ts';
import { configuration, newName, newPassword, outputs, system } from '../support/deployed.ts';

/** The installed command line, run as a process against the deployed system. */

const ps = promisify(execFile);
const executable = join(root, 'cli', 'provision.mjs');

interface CommandResult {
  status: number | null;
  stdout: string;
  stderr: string;
}

const environment = (overrides: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv => ({
  ...process.env,
  LOCAL_AWS_DIR: settings().directory,
  ...overrides,
});

function startCommand(
  args: string[],
  overrides: NodeJS.ProcessEnv = {},
): { child: ChildProcess; result: Promise<CommandResult>; partial: CommandResult } {
  const child = spawn(process.execPath, [executable, ...args], { cwd: root, env: environment(overrides) });
  const partial: CommandResult = { status: null, stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    partial.stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    partial.stderr += text;
  });
  const result = new Promise<CommandResult>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (status) => resolve({ ...partial, status }));
  });
  return { child, result, partial };
}

async function provision(
  args: string[],
  input = '',
  overrides: NodeJS.ProcessEnv = {},
): Promise<CommandResult> {
  const { child, result } = startCommand(args, overrides);
  child.stdin?.end(input);
  return result;
}

const json = ({ stdout }: CommandResult): unknown => JSON.parse(stdout);

/** Provisions a user by the command line. */
async function create(
  name: string,
  password: string,
  overrides: NodeJS.ProcessEnv = {},
  more: string[] = [],
) {
  const args = ['create', name, '--human-user', 'h-1', '--password-stdin', '--json', ...more];
  const result = await provision(args, `${password}\n`, overrides);
  return { ...result, report: provisioningReport.parse(json(result)) };
}

/** Variables as on AWS: credentials in the environment and stack outputs, without the file of a local AWS. */
const onAws = ({ accessKeyId, secretAccessKey, sessionToken }: Credentials): NodeJS.ProcessEnv => ({
  AWS_ENDPOINT_URL: outputs.endpoint,
  AWS_REGION: outputs.region,
  AWS_ACCESS_KEY_ID: accessKeyId,
  AWS_SECRET_ACCESS_KEY: secretAccessKey,
  AWS_SESSION_TOKEN: sessionToken,
  AWS_PROFILE: undefined,
});
/** The local AWS serves all APIs under its endpoint, not under the URL of the stack output. */
const AWS = ['--aws', '--api-url', outputs.app1.api_url];

const allowed = (actions: readonly string[]) =>
  callerWho({ Effect: 'Allow', Action: [...actions], Resource: '*' });

/** Variables by which the clock of a Node process is ahead by some milliseconds. */
const clockAhead = (milliseconds: number): NodeJS.ProcessEnv => ({
  NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent(
    `const now=Date.now;globalThis.Date=class extends Date{constructor(...a){a.length?super(...a):super(Date.now())}static now(){return now()+${milliseconds}}}`,
  )}`,
});

describe('provision', () => {
  it('reports a wrong clock instead of the errors that it causes', async () => {
    const runDoctor = async (milliseconds: number) => {
      const { status, stdout } = await provision(['doctor', '--json'], '', clockAhead(milliseconds));
      const { checks } = doctorOutput.parse(JSON.parse(stdout));
      return { status, clock: checks.find(({ check }) => check === 'clock') };
    };

    const [failed, warned, status] = await Promise.all([
      runDoctor(600_000),
      runDoctor(-60_000),
      provision(['status', randomUUID(), '--json'], '', clockAhead(600_000)),
    ]);

    expect(failed).toMatchObject({
      status: 1,
      clock: { verdict: 'failed', found: expect.stringContaining("10 minutes ahead of AWS's") },
    });
    expect(warned).toMatchObject({ clock: { verdict: 'warning' } });
    expect([status.status, json(status)]).toEqual([
      3,
      { error: expect.objectContaining({ code: 'CLOCK_WRONG' }) },
    ]);
  });

  itWithFullDevice(
    'does not report a failure of the provisioning when its output cannot be written',
    async () => {
      const [name, password] = [newName('full'), newPassword()];
      const args = ['create', name, '--human-user', 'h-1', '--password-stdin'];
      const child = spawn(process.execPath, [executable, ...args], {
        cwd: root,
        env: environment(),
        stdio: ['pipe', openSync(FULL_DEVICE, 'w'), 'pipe'],
      });
      let output = '';
      child.stderr?.setEncoding('utf8').on('data', (text: string) => {
        output += text;
      });
      child.stdin?.end(`${password}\n`);
      const [status] = await once(child, 'close');

      expect([status, output]).toEqual([74, expect.stringContaining('`npx provision list` shows it')]);
      expect(await system.signIn(name, password)).toEqual(expect.any(String));
    },
  );

  /** A cancellation that waits for 20 s; the other tests run meanwhile. */
  let cancelling: Promise<{ name: string; cancelled: CommandResult }> | undefined;

  it('creates a user that can sign in, and shows its timeline, its events and its outcome', async () => {
    const [name, password] = [newName('cli'), newPassword()];
    const created = await create(name, password);

    expect([created.status, created.report]).toEqual([
      0,
      expect.objectContaining({ status: 'SUCCEEDED', user: 'present', username: name, next: null }),
    ]);
    expect(await system.signIn(name, password)).toEqual(expect.any(String));

    const { provisioning_id: id } = created.report;

    const status = await provision(['status', id, '--watch']);

    expect([status.status, status.stdout]).toEqual([0, expect.stringContaining('✔ SUCCEEDED')]);

    const timeline = timelineOutput.parse(json(await provision(['timeline', id, '--json'])));

    expect(timeline.incomplete).toEqual([]);
    expect(timeline.timeline.map(({ service, step }) => `${service} ${step}`)).toEqual(
      expect.arrayContaining(['app1 RequestUserCreation', 'app2 SetPassword', 'app1 Provisioned']),
    );

    const names = await eventually(async () => {
      const { stdout } = await provision(['events', '--id', id, '--json']);
      const lines = stdout.trim().split('\n');
      expect(lines.length).toBeGreaterThanOrEqual(3);
      return lines.map((line) => eventLine.parse(JSON.parse(line)).name);
    }, 30_000);

    expect(names.sort()).toEqual([
      'ServiceUserCreated',
      'ServiceUserProvisioned',
      'ServiceUserProvisioningRequested',
    ]);

    cancelling = deferRejection(
      provision(['cancel', id, '--json']).then((cancelled) => ({ name, cancelled })),
    );
  });

  it('retries a failed provisioning after the repair with the same password, without a prompt', async () => {
    const [name, password] = [newName('cli'), newPassword()];
    const failed = await withoutPermission(
      outputs,
      { functionName: 'app1-encrypt-credentials' },
      'kms:ReEncryptFrom',
      () => create(name, password),
    );
    const { provisioning_id: id } = failed.report;

    expect(failed.status).toBe(1);
    expect(failed.report).toMatchObject({ status: 'FAILED', user: 'absent', left_behind: 'nothing' });

    const listed = await provision(['list', '--failed', '--since', '1h', '--limit', '100', '--json']);

    expect(listed.status).toBe(0);

    const row = listOutput
      .parse(json(listed))
      .provisionings.find((provisioning) => provisioning.provisioning_id === id);

    expect(row).toMatchObject({
      error: { step: 'EncryptCredentials', remedy: expect.any(String) },
      left_behind: 'nothing',
      next: `npx provision retry ${id}`,
    });

    const retried = await provision(['retry', id, '--json']);

    expect([retried.status, json(retried)]).toEqual([
      0,
      expect.objectContaining({ status: 'SUCCEEDED', username: name }),
    ]);
    expect(await system.signIn(name, password)).toEqual(expect.any(String));

    const repeated = acceptedOutput.parse(json(await provision(['retry', id, '--no-wait', '--json'])));
    const { provisioning_id } = provisioningReport.parse(json(retried));

    expect(repeated).toMatchObject({ provisioning_id, status: 'SUCCEEDED' });

    const tooEarly = await provision(['retry', provisioning_id, '--json']);

    expect([tooEarly.status, errorOutput.parse(json(tooEarly)).error.code]).toEqual([
      5,
      'PROVISIONING_IN_PROGRESS',
    ]);
  });

  it('shows no password in its output or in the list of processes', async () => {
    const [name, password] = [newName('cli'), newPassword()];

    const { child, result } = startCommand(['create', name, '--human-user', 'h-1', '--password-stdin']);
    child.stdin?.end(password);
    const processes: string[] = [];
    let finished = false;
    const watched = result.finally(() => {
      finished = true;
    });
    while (!finished) processes.push((await ps('ps', ['axeww', '-o', 'pid,args'])).stdout);

    const { status, stdout, stderr } = await watched;

    expect(status).toBe(0);
    expect(processes.some((list) => list.includes(`create ${name} --human-user`))).toBe(true);
    expectNoLeak(password, stdout, stderr, processes.join('\n'));
  });

  it('prompts for the password on a terminal without an echo', async () => {
    const [name, password] = [newName('cli'), newPassword()];
    const typist = join(root, 'test', 'e2e', 'support', 'typist.py');
    const { status, stdout, stderr } = spawnSync(
      'python3',
      [typist, process.execPath, executable, 'create', name, '--human-user', 'h-1'],
      { cwd: root, env: environment(), input: password, encoding: 'utf8' },
    );

    expect([status, stderr]).toEqual([0, '']);
    expect(stdout).toContain('Password of the service user');
    expect(stdout).toContain('SUCCEEDED');
    expectNoLeak(password, stdout);
    expect(await system.signIn(name, password)).toEqual(expect.any(String));
  });

  it('prints events until it is interrupted', async () => {
    const follow = startCommand(['events', '--follow', '--json', '--name', 'ServiceUserProvisioned']);

    try {
      await eventually(async () => expect(follow.partial.stderr).toContain('Reading the logs'), 20_000);
      const { report } = await create(newName('cli'), newPassword());
      await eventually(
        async () => expect(follow.partial.stdout).toContain(`"provisioning_id":"${report.provisioning_id}"`),
        30_000,
      );
    } finally {
      follow.child.kill('SIGINT');
    }

    expect(await follow.result).toMatchObject({ status: 0 });
  });

  it('detects a defect of the system, and reports its remedy', async () => {
    /** Other tests of this system leave messages in queues, and failed roll-backs. */
    const affectedByOtherTests = ['dead-letter-queue', 'roll-backs', 'alarms'];
    const readFailedChecks = async () => {
      const { status, stdout } = await provision(['doctor', '--json']);
      const { checks, healthy } = doctorOutput.parse(JSON.parse(stdout));
      expect(status).toBe(healthy ? 0 : 1);
      expect(checks.filter(({ verdict }) => verdict === 'unchecked')).toEqual([]);
      return checks.filter(
        ({ verdict, check }) => verdict === 'failed' && !affectedByOtherTests.includes(check),
      );
    };

    expect(await readFailedChecks()).toEqual([]);

    const rule = {
      EventBusName: outputs.app1.event_bus_name,
      Name: everyEventRule(outputs.app1.event_bus_name),
    };
    const events = new EventBridgeClient(configuration);
    await events.send(new DisableRuleCommand(rule));

    try {
      expect(await readFailedChecks()).toEqual([
        expect.objectContaining({
          service: 'app1',
          check: 'event bus',
          remedy: expect.stringContaining(`aws events enable-rule --event-bus-name ${rule.EventBusName}`),
        }),
      ]);
    } finally {
      await events.send(new EnableRuleCommand(rule));
    }
    expect(await readFailedChecks()).toEqual([]);
  });

  it('completes commands and options in a shell', async () => {
    const script = await provision(['completion', 'bash']);

    expect(spawnSync('bash', ['-n'], { input: script.stdout, encoding: 'utf8' })).toMatchObject({
      status: 0,
      stderr: '',
    });
    expect((await provision(['complete', '--', 'time'])).stdout).toContain('timeline');
    expect((await provision(['complete', '--', 'list', '--f'])).stdout).toContain('--failed');
  });

  it('removes the user', async () => {
    const { name, cancelled } = present(await cancelling);

    expect([cancelled.status, json(cancelled)]).toEqual([
      0,
      expect.objectContaining({ status: 'SUCCEEDED', user: 'absent' }),
    ]);
    expect(json(cancelled)).not.toHaveProperty('left_behind');
    expect(await system.user(name)).toBeUndefined();
  });
});

describe('the command line on AWS, with only the permissions of docs/cli.md', () => {
  const scenarios: Readonly<Record<string, () => Promise<void>>> = {
    'lets callers create a user, read its status, cancel it and retry': async () => {
      const caller = onAws(await allowed(permissions.create));
      const created = await create(newName('cli'), newPassword(), caller, AWS);
      const { provisioning_id: id } = created.report;

      expect(created.status).toBe(0);
      expect((await provision([...AWS, 'status', id], '', caller)).status).toBe(0);
      expect((await provision([...AWS, 'cancel', id], '', caller)).status).toBe(0);
      expect((await provision([...AWS, 'retry', id], '', caller)).status).toBe(0);
      expect(new Set([permissions.status, permissions.cancel, permissions.retry].map(String))).toEqual(
        new Set([String(permissions.create)]),
      );
    },

    'lets operators list provisionings, and read timelines and events': async () => {
      const { report } = await create(newName('cli'), newPassword());
      const runs = await Promise.all(
        (
          [
            ['list', ['list', '--limit', '3']],
            ['timeline', ['timeline', report.provisioning_id]],
            ['events', ['events', '--id', report.provisioning_id]],
          ] as const
        ).map(async ([command, args]) => ({
          command,
          ...(await provision([...args, '--aws', '--json'], '', onAws(await allowed(permissions[command])))),
        })),
      );
      expect(runs.map(({ command, status, stderr }) => [command, status, stderr])).toEqual(
        runs.map(({ command }) => [command, 0, expect.any(String)]),
      );
      expect(timelineOutput.parse(JSON.parse(runs[1]?.stdout ?? '')).incomplete).toEqual([]);
    },

    'lets doctor run every check except the one of the API URL': async () => {
      const caller = onAws(await allowed(permissions.doctor));
      const { checks } = doctorOutput.parse(json(await provision([...AWS, 'doctor', '--json'], '', caller)));

      // The URL in the outputs of App2 is that of AWS.
      expect(
        checks.filter(
          ({ verdict, service, check }) => verdict === 'unchecked' && `${service} ${check}` !== 'app2 API',
        ),
      ).toEqual([]);
    },

    'reports a missing permission': async () => {
      const without = permissions.list.filter((action) => action !== 'states:ListExecutions');
      const listed = await provision(['list', '--aws', '--json'], '', onAws(await allowed(without)));

      expect(listed.status).toBe(3);
      expect(errorOutput.parse(json(listed)).error).toMatchObject({
        code: 'ACCESS_DENIED',
        message: expect.stringContaining('states:ListExecutions'),
      });
    },
  };
  let resultOf: (scenario: string) => Promise<void>;
  beforeAll(() => {
    resultOf = startAll(scenarios);
  });

  it.each(Object.keys(scenarios))('%s', (scenario) => resultOf(scenario));
});

it('the command line is the executable of package.json', () => {
  expect(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))).toMatchObject({
    bin: { provision: 'cli/provision.mjs' },
  });
});
