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

/** The command line as it is installed, run as a program against the deployed system. */

const ps = promisify(execFile);
const executable = join(root, 'cli', 'provision.mjs');

interface Ended {
  status: number | null;
  stdout: string;
  stderr: string;
}

const environment = (over: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv => ({
  ...process.env,
  LOCAL_AWS_DIR: settings().directory,
  ...over,
});

function begin(
  args: string[],
  over: NodeJS.ProcessEnv = {},
): { child: ChildProcess; ended: Promise<Ended>; seen: Ended } {
  const child = spawn(process.execPath, [executable, ...args], { cwd: root, env: environment(over) });
  const seen: Ended = { status: null, stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    seen.stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    seen.stderr += text;
  });
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (status) => resolve({ ...seen, status }));
  });
  return { child, ended, seen };
}

async function provision(args: string[], input = '', over: NodeJS.ProcessEnv = {}): Promise<Ended> {
  const { child, ended } = begin(args, over);
  child.stdin?.end(input);
  return ended;
}

const json = ({ stdout }: Ended): unknown => JSON.parse(stdout);

/** Has a user made, from the command line. */
async function create(name: string, password: string, over: NodeJS.ProcessEnv = {}, more: string[] = []) {
  const args = ['create', name, '--human-user', 'h-1', '--password-stdin', '--json', ...more];
  const ended = await provision(args, `${password}\n`, over);
  return { ...ended, answer: provisioningReport.parse(json(ended)) };
}

/** As on AWS: no file of a local AWS, but credentials in the environment and outputs of stacks. */
const onAws = ({ accessKeyId, secretAccessKey, sessionToken }: Credentials): NodeJS.ProcessEnv => ({
  AWS_ENDPOINT_URL: outputs.endpoint,
  AWS_REGION: outputs.region,
  AWS_ACCESS_KEY_ID: accessKeyId,
  AWS_SECRET_ACCESS_KEY: secretAccessKey,
  AWS_SESSION_TOKEN: sessionToken,
  AWS_PROFILE: undefined,
});
/** Local AWS has all APIs under its own address, not under that of the output. */
const AWS = ['--aws', '--api-url', outputs.app1.api_url];

const allowed = (actions: readonly string[]) =>
  callerWho({ Effect: 'Allow', Action: [...actions], Resource: '*' });

/** A Node whose clock is so many milliseconds ahead. */
const ahead = (milliseconds: number): NodeJS.ProcessEnv => ({
  NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent(
    `const now=Date.now;globalThis.Date=class extends Date{constructor(...a){a.length?super(...a):super(Date.now())}static now(){return now()+${milliseconds}}}`,
  )}`,
});

describe('provision', () => {
  it('says that the clock of the machine is wrong, instead of what fails by it', async () => {
    const wrongBy = async (milliseconds: number) => {
      const { status, stdout } = await provision(['doctor', '--json'], '', ahead(milliseconds));
      const { checks } = doctorOutput.parse(JSON.parse(stdout));
      return { status, clock: checks.find(({ check }) => check === 'clock') };
    };

    const [refused, warned, status] = await Promise.all([
      wrongBy(600_000),
      wrongBy(-60_000),
      provision(['status', randomUUID(), '--json'], '', ahead(600_000)),
    ]);
    expect(refused).toMatchObject({
      status: 1,
      clock: { verdict: 'failed', found: expect.stringContaining("10 minutes ahead of AWS's") },
    });
    expect(warned).toMatchObject({ clock: { verdict: 'warning' } });
    expect([status.status, json(status)]).toEqual([
      3,
      { error: expect.objectContaining({ code: 'CLOCK_WRONG' }) },
    ]);
  });

  itWithFullDevice('does not say that a provisioning failed when its answer cannot be written', async () => {
    const [name, password] = [newName('full'), newPassword()];
    const args = ['create', name, '--human-user', 'h-1', '--password-stdin'];
    const child = spawn(process.execPath, [executable, ...args], {
      cwd: root,
      env: environment(),
      stdio: ['pipe', openSync(FULL_DEVICE, 'w'), 'pipe'],
    });
    let said = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
    child.stdin?.end(`${password}\n`);
    const [status] = await once(child, 'close');

    expect([status, said]).toEqual([74, expect.stringContaining('`npx provision list` shows it')]);
    expect(await system.signIn(name, password)).toEqual(expect.any(String));
  });

  /** Takes twenty seconds of waiting, which the other tests do not mind. */
  let cancelling: Promise<{ name: string; cancelled: Ended }> | undefined;

  it('makes a user who can sign in, and shows its way, its events and its end', async () => {
    const [name, password] = [newName('cli'), newPassword()];
    const made = await create(name, password);

    expect([made.status, made.answer]).toEqual([
      0,
      expect.objectContaining({ status: 'SUCCEEDED', user: 'present', username: name, next: null }),
    ]);
    expect(await system.signIn(name, password)).toEqual(expect.any(String));
    const { provisioning_id: id } = made.answer;

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

  it('tries a failed one again once its cause is repaired, with the same password, which nobody types', async () => {
    const [name, password] = [newName('cli'), newPassword()];
    const failed = await withoutPermission(
      outputs,
      { functionName: 'app1-encrypt-credentials' },
      'kms:ReEncryptFrom',
      () => create(name, password),
    );
    const { provisioning_id: id } = failed.answer;
    expect(failed.status).toBe(1);
    expect(failed.answer).toMatchObject({ status: 'FAILED', user: 'absent', left_behind: 'nothing' });

    const listed = await provision(['list', '--failed', '--since', '1h', '--limit', '100', '--json']);
    expect(listed.status).toBe(0);
    const row = listOutput.parse(json(listed)).provisionings.find((one) => one.provisioning_id === id);
    expect(row).toMatchObject({
      error: { step: 'EncryptCredentials', remedy: expect.any(String) },
      left_behind: 'nothing',
      next: `npx provision retry ${id}`,
    });

    const again = await provision(['retry', id, '--json']);
    expect([again.status, json(again)]).toEqual([
      0,
      expect.objectContaining({ status: 'SUCCEEDED', username: name }),
    ]);
    expect(await system.signIn(name, password)).toEqual(expect.any(String));

    const repeated = acceptedOutput.parse(json(await provision(['retry', id, '--no-wait', '--json'])));
    const { provisioning_id } = provisioningReport.parse(json(again));
    expect(repeated).toMatchObject({ provisioning_id, status: 'SUCCEEDED' });

    const tooEarly = await provision(['retry', provisioning_id, '--json']);
    expect([tooEarly.status, errorOutput.parse(json(tooEarly)).error.code]).toEqual([
      5,
      'PROVISIONING_IN_PROGRESS',
    ]);
  });

  it('shows a password nowhere: not in its output, not among the processes', async () => {
    const [name, password] = [newName('cli'), newPassword()];
    const { child, ended } = begin(['create', name, '--human-user', 'h-1', '--password-stdin']);
    child.stdin?.end(password);
    const processes: string[] = [];
    let over = false;
    const watched = ended.finally(() => {
      over = true;
    });
    while (!over) processes.push((await ps('ps', ['axeww', '-o', 'pid,args'])).stdout);
    const { status, stdout, stderr } = await watched;

    expect(status).toBe(0);
    expect(processes.some((list) => list.includes(`create ${name} --human-user`))).toBe(true);
    expectNoLeak(password, stdout, stderr, processes.join('\n'));
  });

  it('asks for the password on a terminal, and shows nothing of it there', async () => {
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

  it('follows the events until it is interrupted', async () => {
    const follow = begin(['events', '--follow', '--json', '--name', 'ServiceUserProvisioned']);
    try {
      await eventually(async () => expect(follow.seen.stderr).toContain('Reading the logs'), 20_000);
      const { answer } = await create(newName('cli'), newPassword());
      await eventually(
        async () => expect(follow.seen.stdout).toContain(`"provisioning_id":"${answer.provisioning_id}"`),
        30_000,
      );
    } finally {
      follow.child.kill('SIGINT');
    }
    expect(await follow.ended).toMatchObject({ status: 0 });
  });

  it('finds what is wrong with the system, and says what to do', async () => {
    /** Other tests of this system leave things lying in queues, and roll-backs that fail. */
    const lying = ['dead-letter-queue', 'roll-backs', 'alarms'];
    const look = async () => {
      const { status, stdout } = await provision(['doctor', '--json']);
      const { checks, healthy } = doctorOutput.parse(JSON.parse(stdout));
      expect(status).toBe(healthy ? 0 : 1);
      expect(checks.filter(({ verdict }) => verdict === 'unchecked')).toEqual([]);
      return checks.filter(({ verdict, check }) => verdict === 'failed' && !lying.includes(check));
    };
    expect(await look()).toEqual([]);

    const rule = {
      EventBusName: outputs.app1.event_bus_name,
      Name: everyEventRule(outputs.app1.event_bus_name),
    };
    const events = new EventBridgeClient(configuration);
    await events.send(new DisableRuleCommand(rule));
    try {
      expect(await look()).toEqual([
        expect.objectContaining({
          service: 'app1',
          check: 'event bus',
          remedy: expect.stringContaining(`aws events enable-rule --event-bus-name ${rule.EventBusName}`),
        }),
      ]);
    } finally {
      await events.send(new EnableRuleCommand(rule));
    }
    expect(await look()).toEqual([]);
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

  it('takes the user away again', async () => {
    const { name, cancelled } = present(await cancelling);
    expect([cancelled.status, json(cancelled)]).toEqual([
      0,
      expect.objectContaining({ status: 'SUCCEEDED', user: 'absent' }),
    ]);
    expect(json(cancelled)).not.toHaveProperty('left_behind');
    expect(await system.user(name)).toBeUndefined();
  });
});

describe('on AWS, with the permissions of docs/cli.md and no others', () => {
  const stories: Readonly<Record<string, () => Promise<void>>> = {
    'callers can ask for a user, ask about it, cancel it and try again': async () => {
      const caller = onAws(await allowed(permissions.create));
      const made = await create(newName('cli'), newPassword(), caller, AWS);
      const { provisioning_id: id } = made.answer;

      expect(made.status).toBe(0);
      expect((await provision([...AWS, 'status', id], '', caller)).status).toBe(0);
      expect((await provision([...AWS, 'cancel', id], '', caller)).status).toBe(0);
      expect((await provision([...AWS, 'retry', id], '', caller)).status).toBe(0);
      expect(new Set([permissions.status, permissions.cancel, permissions.retry].map(String))).toEqual(
        new Set([String(permissions.create)]),
      );
    },

    'operators can list, follow up and check': async () => {
      const { answer } = await create(newName('cli'), newPassword());
      const runs = await Promise.all(
        (
          [
            ['list', ['list', '--limit', '3']],
            ['timeline', ['timeline', answer.provisioning_id]],
            ['events', ['events', '--id', answer.provisioning_id]],
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

    'doctor sees everything but what is in the address of local AWS': async () => {
      const caller = onAws(await allowed(permissions.doctor));
      const { checks } = doctorOutput.parse(json(await provision([...AWS, 'doctor', '--json'], '', caller)));

      // The address that App2 puts out is one of AWS.
      expect(
        checks.filter(
          ({ verdict, service, check }) => verdict === 'unchecked' && `${service} ${check}` !== 'app2 API',
        ),
      ).toEqual([]);
    },

    'says which right is missing, and what it cannot see': async () => {
      const without = permissions.list.filter((right) => right !== 'states:ListExecutions');
      const listed = await provision(['list', '--aws', '--json'], '', onAws(await allowed(without)));

      expect(listed.status).toBe(3);
      expect(errorOutput.parse(json(listed)).error).toMatchObject({
        code: 'ACCESS_DENIED',
        message: expect.stringContaining('states:ListExecutions'),
      });
    },
  };
  let ended: (story: string) => Promise<void>;
  beforeAll(() => {
    ended = startAll(stories);
  });

  it.each(Object.keys(stories))('%s', (story) => ended(story));
});

it('is what package.json installs', () => {
  expect(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))).toMatchObject({
    bin: { provision: 'cli/provision.mjs' },
  });
});
