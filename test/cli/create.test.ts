import { describe, expect, it } from '@jest/globals';
import { acceptedOutput, errorOutput, provisioningReport } from '../../cli/json-output.ts';
import { problemBody } from '../../contracts/problems.ts';
import { expectNoLeak } from '../support/leaks.ts';
import { PASSWORD, PROVISIONING_ID } from '../support/subject.ts';
import { fakeRuntime } from './support/runtime.ts';

const accepted = {
  provisioning_id: PROVISIONING_ID,
  status: 'RUNNING',
  status_url: 'https://app1.example/s',
};
const running = {
  provisioning_id: PROVISIONING_ID,
  status: 'RUNNING',
  user: 'absent',
  username: 'ada',
  human_user_id: 'h-1',
  started_at: '2026-01-01T00:00:00.000Z',
};
const done = { ...running, status: 'SUCCEEDED', user: 'present', stopped_at: '2026-01-01T00:00:02.000Z' };
const failed = {
  ...done,
  status: 'FAILED',
  user: 'absent',
  error: {
    code: 'TARGET_UNAVAILABLE',
    step: 'RequestUserCreation',
    message: 'App2 did not answer in time, repeatedly.',
    remedy: 'Send a new request later.',
    retryable: true,
  },
};
const removing = { ...failed, status: 'ABORTED', user: 'being_removed' };
const create = ['create', 'ada', '--human-user', 'h-1'];
const fromInput = [...create, '--password-stdin'];

describe('provision create', () => {
  it.each(['al ice', '..', 'al/ice', 'zo\u00eb', '.alice'])(
    'rejects the username %j before it prompts or sends a request',
    async (name) => {
      const cli = fakeRuntime({ stdin: PASSWORD });

      expect(await cli.run('create', name, '--human-user', 'h-1', '--password-stdin')).toBe(2);
      expect(cli.sent).toEqual([]);
      expect(cli.output.err).toContain('must start with a letter or a digit');
    },
  );

  const waiting_for = {
    what: 'target',
    target: 'app2',
    step: 'Authenticate',
    since: '2026-01-01T00:00:00.500Z',
    code: 'TARGET_UNAVAILABLE',
    retry_at: '2026-01-01T00:05:00.000Z',
  };

  it('reports what the provisioning waits for', async () => {
    const cli = fakeRuntime({
      stdin: PASSWORD,
      responses: [
        [202, accepted],
        [200, { ...running, waiting_for }],
        [200, done],
      ],
    });

    expect(await cli.run(...fromInput)).toBe(0);

    expect(cli.output.progress).toContain(
      'running, waits for app2 since 2026-01-01 00:00:00 UTC (TARGET_UNAVAILABLE in Authenticate)',
    );
  });

  it('prints what the provisioning waits for in its status, with the next retry', async () => {
    const cli = fakeRuntime({ responses: [[200, { ...running, waiting_for }]] });

    await cli.run('status', PROVISIONING_ID);

    expect(cli.output.out).toMatch(/waits for +app2 since/);
    expect(cli.output.out).toMatch(/next retry +2026-01-01 00:05:00 UTC/);
  });

  it('requests the user at the target of the option', async () => {
    const cli = fakeRuntime({ stdin: PASSWORD, responses: [[200, done]] });

    expect(await cli.run(...fromInput, '--target', 'payments')).toBe(0);
    expect(JSON.parse(cli.sent[0]?.body ?? '')).toMatchObject({ targets: ['payments'] });
  });

  it.each(['Payments', 'app1'])('rejects the target %j before it sends a request', async (name) => {
    const cli = fakeRuntime({ stdin: PASSWORD });

    expect(await cli.run(...fromInput, '--target', name)).toBe(2);
    expect(cli.sent).toEqual([]);
  });

  it('prints the target, and proposes the next request for the same target', async () => {
    const rejected = {
      ...failed,
      error: { ...failed.error, code: 'PASSWORD_REJECTED', retryable: false },
      targets: [{ target: 'payments', user: 'absent' }],
    };
    const cli = fakeRuntime({ stdin: PASSWORD, responses: [[200, rejected]] });

    expect(await cli.run(...fromInput, '--target', 'payments')).toBe(1);
    expect(cli.output.out).toMatch(/targets +payments: absent/);
    expect(cli.output.out).toMatch(/next +npx provision create ada --human-user h-1 --target payments/);
  });

  it('sends a username in lower case', async () => {
    const cli = fakeRuntime({ stdin: PASSWORD, responses: [[200, done]] });

    expect(await cli.run('create', 'Ada', '--human-user', 'h-1', '--password-stdin')).toBe(0);
    expect(JSON.parse(cli.sent[0]?.body ?? '')).toMatchObject({ username: 'ada' });
  });

  it('sends the password of standard input without the line end, and waits until it has finished', async () => {
    const cli = fakeRuntime({
      stdin: `${PASSWORD}\n`,
      responses: [
        [202, accepted],
        [200, running],
        [200, done],
      ],
    });

    expect(await cli.run(...fromInput)).toBe(0);

    expect(cli.sent.map(({ method, path }) => `${method} ${path}`)).toEqual([
      'POST /create-service-user',
      `GET /create-service-user/${PROVISIONING_ID}`,
      `GET /create-service-user/${PROVISIONING_ID}`,
    ]);
    expect(JSON.parse(cli.sent[0]?.body ?? '')).toEqual({
      username: 'ada',
      password: PASSWORD,
      human_user_id: 'h-1',
    });
    expect(cli.output.out).toContain('✔ SUCCEEDED');
    expect(cli.output.progress).toContain(`Accepted as ${PROVISIONING_ID}`);
  });

  it('prompts for the password twice on a terminal', async () => {
    const cli = fakeRuntime({
      typed: [PASSWORD, PASSWORD],
      responses: [
        [202, accepted],
        [200, done],
      ],
    });

    expect(await cli.run(...create)).toBe(0);
    expect(JSON.parse(cli.sent[0]?.body ?? '')).toMatchObject({ password: PASSWORD });
  });

  it('generates an idempotency key for each request unless one is given', async () => {
    const keys = [];
    for (const more of [[], [], ['--idempotency-key', 'order-1']]) {
      const cli = fakeRuntime({
        stdin: PASSWORD,
        responses: [
          [202, accepted],
          [200, done],
        ],
      });
      await cli.run(...fromInput, ...more);
      keys.push(cli.sent[0]?.headers['idempotency-key']);
    }

    expect(keys[0]).toMatch(/^[0-9a-f-]{36}$/);
    expect(keys[1]).not.toBe(keys[0]);
    expect(keys[2]).toBe('order-1');
  });

  it.each([
    ['as an option', [...create, '--password', PASSWORD], {}],
    ['as an option with =', [...create, `--password=${PASSWORD}`], {}],
    ['in the environment', fromInput, { PROVISION_PASSWORD: PASSWORD }],
    ['as an unknown option', [...fromInput, `--passwort=${PASSWORD}`], {}],
    ['as a second argument', [...create.slice(0, 2), PASSWORD, ...create.slice(2)], {}],
    ['as the name', ['create', `${PASSWORD} `, ...fromInput.slice(2)], {}],
  ])('rejects a password %s, prints it nowhere and sends no request', async (_where, args, environment) => {
    for (const form of [[], ['--json']]) {
      const cli = fakeRuntime({ stdin: 'another-Passw0rd', environment });

      expect(await cli.run(...args, ...form)).toBe(2);
      expect(cli.sent).toEqual([]);
      expectNoLeak(PASSWORD, cli.output.out, cli.output.err, cli.output.progress);
      if (form.length > 0) errorOutput.parse(cli.jsonOutput());
      else expect(cli.output.err).not.toBe('');
    }
  });

  it.each([
    ['there is no terminal', create, {}, 'NO_TERMINAL'],
    ['the two passwords differ', create, { typed: [PASSWORD, 'x'] }, 'PASSWORDS_DIFFER'],
    ['standard input is empty', fromInput, { stdin: '' }, 'PASSWORD_INVALID'],
    ['standard input has two lines', fromInput, { stdin: `${PASSWORD}\nx\n` }, 'PASSWORD_INVALID'],
    ['the password contains a tab', fromInput, { stdin: `${PASSWORD}\tx` }, 'PASSWORD_INVALID'],
    ['the password ends with a space', fromInput, { stdin: `${PASSWORD} \n` }, 'PASSWORD_INVALID'],
    ['the typed text is not valid', create, { typed: ['P\ufffd', 'P\ufffd'] }, 'PASSWORD_INVALID'],
  ])('fails when %s', async (_what, args, given, code) => {
    const cli = fakeRuntime(given);

    expect(await cli.run(...args, '--json')).toBe(2);
    expect(cli.jsonOutput()).toMatchObject({ error: { code } });
    expect(cli.sent).toEqual([]);
    expectNoLeak(PASSWORD, cli.output.out);
  });

  it.each([
    ['Latin-1', Buffer.from(`${PASSWORD}-\u00e9`, 'latin1'), 'is not well-formed UTF-8'],
    ['UTF-16', Buffer.from(PASSWORD, 'utf16le'), 'as text in UTF-16'],
    [
      'UTF-16 with a byte order mark',
      Buffer.from(`\ufeff${PASSWORD}`, 'utf16le'),
      'a byte order mark of UTF-16',
    ],
    [
      'big-endian UTF-16',
      Buffer.from(`\ufeff${PASSWORD}`, 'utf16le').swap16(),
      'a byte order mark of UTF-16',
    ],
    ['UTF-8 with a byte order mark', Buffer.from(`\ufeff${PASSWORD}`), 'a byte order mark of UTF-8'],
    ['truncated UTF-8', Buffer.from(`${PASSWORD}\u00e9`).subarray(0, -1), 'is not well-formed UTF-8'],
    ['a surrogate in UTF-8', Buffer.from([0x50, 0xed, 0xa0, 0x80, 0x31]), 'is not well-formed UTF-8'],
    ['an overlong form', Buffer.from([0x50, 0xc0, 0xaf, 0x31]), 'is not well-formed UTF-8'],
  ])('rejects a password in %s, reports the cause, and sends no request', async (_what, stdin, cause) => {
    const cli = fakeRuntime({ stdin });

    expect(await cli.run(...fromInput)).toBe(2);
    expect(cli.output.err).toContain(cause);
    expect(cli.sent).toEqual([]);
    expectNoLeak(PASSWORD, cli.output.out, cli.output.err, cli.output.progress);
  });

  it('sends a password in UTF-8 unchanged', async () => {
    const cli = fakeRuntime({
      stdin: Buffer.from('P\u00e4ssw\u00f6rd-\u5bc6-1 \u{1F511}\n'),
      responses: [[200, done]],
    });

    expect(await cli.run(...fromInput)).toBe(0);
    expect(JSON.parse(cli.sent[0]?.body ?? '')).toMatchObject({
      password: 'P\u00e4ssw\u00f6rd-\u5bc6-1 \u{1F511}',
    });
  });

  it('prints the cause of a failure, what is left behind, and the remedy', async () => {
    const cli = fakeRuntime({
      stdin: PASSWORD,
      responses: [
        [202, accepted],
        [200, failed],
      ],
    });

    expect(await cli.run(...fromInput)).toBe(1);
    for (const text of [
      '✖ FAILED',
      'RequestUserCreation',
      'TARGET_UNAVAILABLE: App2 did not answer in time, repeatedly.',
      'left behind   nothing',
      'Send a new request later.',
      `npx provision retry ${PROVISIONING_ID}`,
    ])
      expect(cli.output.out).toContain(text);
    expectNoLeak(PASSWORD, cli.output.out, cli.output.err, cli.output.progress);
  });

  it('waits until the user of a failed provisioning is removed', async () => {
    const cli = fakeRuntime({
      stdin: PASSWORD,
      responses: [
        [202, accepted],
        [200, removing],
        [200, failed],
      ],
    });

    expect(await cli.run(...fromInput, '--json')).toBe(1);
    expect(provisioningReport.parse(cli.jsonOutput())).toMatchObject({
      user: 'absent',
      left_behind: 'nothing',
    });
  });

  it('does not wait with --no-wait, and prints the next command', async () => {
    const cli = fakeRuntime({ stdin: PASSWORD, responses: [[202, accepted]] });

    expect(await cli.run(...fromInput, '--no-wait', '--json')).toBe(0);
    expect(cli.sent).toHaveLength(1);
    expect(acceptedOutput.parse(cli.jsonOutput())).toEqual({
      provisioning_id: PROVISIONING_ID,
      status: 'RUNNING',
      next: `npx provision status ${PROVISIONING_ID} --watch`,
    });
  });

  it('fails with PENDING after --timeout', async () => {
    const cli = fakeRuntime({
      stdin: PASSWORD,
      responses: [
        [202, accepted],
        [200, running],
      ],
    });

    expect(await cli.run(...fromInput, '--timeout', '30s', '--json')).toBe(6);
    expect(cli.sleeps.reduce((sum, pause) => sum + pause, 0)).toBe(30_000);
    expect(cli.jsonOutput()).toMatchObject({
      error: { code: 'PENDING', remedy: expect.stringContaining(`status ${PROVISIONING_ID} --watch`) },
    });
  });

  it('polls again when a new provisioning is not found or App1 is unavailable', async () => {
    const cli = fakeRuntime({
      stdin: PASSWORD,
      responses: [
        [202, accepted],
        [404, problemBody('NOT_FOUND')],
        [503, problemBody('SERVICE_UNAVAILABLE')],
        [200, done],
      ],
    });

    expect(await cli.run(...fromInput)).toBe(0);
  });

  it('stops polling after repeated failures', async () => {
    const cli = fakeRuntime({
      stdin: PASSWORD,
      responses: [
        [202, accepted],
        [503, problemBody('SERVICE_UNAVAILABLE')],
      ],
    });

    expect(await cli.run(...fromInput, '--json')).toBe(3);
    expect(cli.jsonOutput()).toMatchObject({ error: { code: 'SERVICE_UNAVAILABLE' } });
  });

  it('can be interrupted while it waits', async () => {
    const cli = fakeRuntime({
      stdin: PASSWORD,
      responses: [
        [202, accepted],
        [200, running],
      ],
      interruptAfter: 2,
    });

    expect(await cli.run(...fromInput)).toBe(130);
    expect(cli.output.err).toContain('The request continues.');
  });

  it.each([
    [
      400,
      problemBody('INVALID_REQUEST', [{ pointer: '/password', detail: 'is wrong' }]),
      2,
      '/password is wrong.',
    ],
    [403, problemBody('FORBIDDEN'), 3, 'Not allowed.'],
    [409, problemBody('IDEMPOTENCY_CONFLICT'), 5, 'Idempotency key already used.'],
    [429, problemBody('THROTTLED'), 3, 'Too many requests.'],
    [502, '<html>', 3, 'not one of App1'],
  ])("prints App1's error %i", async (status, body, exit, message) => {
    const cli = fakeRuntime({ stdin: PASSWORD, responses: [[status, body]] });

    expect(await cli.run(...fromInput)).toBe(exit);
    expect(cli.output.err).toContain(message);
    expect(cli.output.out).toBe('');
  });
});

describe('provision retry', () => {
  it('requests a retry without a password, and waits until it has finished', async () => {
    const cli = fakeRuntime({
      responses: [
        [202, accepted],
        [200, done],
      ],
    });

    expect(await cli.run('retry', PROVISIONING_ID)).toBe(0);
    expect(cli.sent[0]).toEqual({
      method: 'POST',
      path: `/create-service-user/${PROVISIONING_ID}/retry`,
      headers: {},
      body: undefined,
    });
  });

  it('sends the idempotency key of another retry', async () => {
    const cli = fakeRuntime({
      responses: [
        [202, accepted],
        [200, done],
      ],
    });

    await cli.run('retry', PROVISIONING_ID, '--idempotency-key', 'second');

    expect(cli.sent[0]?.headers).toEqual({ 'idempotency-key': 'second' });
  });

  it('reports that the provisioning is in progress', async () => {
    const cli = fakeRuntime({ responses: [[409, problemBody('PROVISIONING_IN_PROGRESS')]] });

    expect(await cli.run('retry', PROVISIONING_ID)).toBe(5);
    expect(cli.output.err).toContain('The provisioning is in progress.');
  });
});

describe('provision status', () => {
  it.each([
    ['running', running, 0, `npx provision status ${PROVISIONING_ID} --watch`],
    ['done', done, 0, null],
    ['failed', failed, 1, `npx provision retry ${PROVISIONING_ID}`],
    ['being removed', removing, 1, `npx provision status ${PROVISIONING_ID} --watch`],
    [
      'not rolled back yet',
      { ...removing, error: { ...failed.error, code: 'ROLL_BACK_FAILED' } },
      1,
      'npx provision doctor',
    ],
    [
      'permanently failed',
      { ...failed, username: "a'$(x)", error: { ...failed.error, retryable: false } },
      1,
      `npx provision create 'a'\\''$(x)' --human-user h-1`,
    ],
  ])('prints the next command for a provisioning that is %s', async (_what, body, exit, next) => {
    const cli = fakeRuntime({ responses: [[200, body]] });

    expect(await cli.run('status', PROVISIONING_ID, '--json')).toBe(exit);
    expect(provisioningReport.parse(cli.jsonOutput())).toMatchObject({ next });
    expect(cli.sent).toHaveLength(1);
  });

  it('ignores fields that a newer App1 adds', async () => {
    const cli = fakeRuntime({ responses: [[200, { ...done, colour: 'red' }]] });

    expect(await cli.run('status', PROVISIONING_ID, '--json')).toBe(0);
    expect(cli.jsonOutput()).not.toHaveProperty('colour');
  });

  it('polls with --watch until it has finished', async () => {
    const cli = fakeRuntime({
      responses: [
        [200, running],
        [200, running],
        [200, done],
      ],
    });

    expect(await cli.run('status', PROVISIONING_ID, '--watch')).toBe(0);
    expect(cli.sent).toHaveLength(3);
    expect(cli.sent.every(({ headers }) => headers['prefer'] === 'wait=20')).toBe(true);
  });

  it('sends a Prefer header within --timeout', async () => {
    const cli = fakeRuntime({ responses: [[200, done]] });

    expect(await cli.run('status', PROVISIONING_ID, '--watch', '--timeout', '5s')).toBe(0);
    expect(cli.sent.map(({ headers }) => headers['prefer'])).toEqual(['wait=5']);
  });

  it('reports an unknown id at once, also with --watch', async () => {
    const cli = fakeRuntime({ responses: [[404, problemBody('NOT_FOUND')]] });

    expect(await cli.run('status', PROVISIONING_ID, '--watch')).toBe(4);
    expect(cli.sent).toHaveLength(1);
  });
});

describe('provision cancel', () => {
  const removed = { ...done, user: 'absent' };

  it('polls until the user is removed, and prints the result', async () => {
    const cli = fakeRuntime({
      responses: [[202, { ...done, user: 'being_removed' }], [204], [200, removed]],
    });

    expect(await cli.run('cancel', PROVISIONING_ID, '--json')).toBe(0);
    expect(cli.sent.map(({ method }) => method)).toEqual(['DELETE', 'DELETE', 'GET']);
    expect(cli.jsonOutput()).toMatchObject({ status: 'SUCCEEDED', user: 'absent', next: null });
  });

  it('ends when the roll-back has finished and the target is gone, and prints that it was not checked', async () => {
    const unchecked = { ...done, user: 'unknown', targets: [{ target: 'old', user: 'gone' }] };
    const cli = fakeRuntime({
      responses: [
        [202, { ...unchecked, user: 'being_removed' }],
        [200, unchecked],
      ],
    });

    expect(await cli.run('cancel', PROVISIONING_ID)).toBe(0);
    expect(cli.sent.map(({ method }) => method)).toEqual(['DELETE', 'DELETE', 'GET']);
    expect(cli.output.out).toMatch(/user +\S+, for \S+: unknown/);
    expect(cli.output.out).toMatch(/targets +old: gone, not checked/);
  });

  it('does not wait with --no-wait, and reports that the user is being removed', async () => {
    const cli = fakeRuntime({ responses: [[202, { ...done, user: 'being_removed' }]] });

    expect(await cli.run('cancel', PROVISIONING_ID, '--no-wait', '--json')).toBe(0);
    expect(cli.sent).toHaveLength(1);
    expect(cli.jsonOutput()).toMatchObject({ user: 'being_removed', left_behind: 'maybe_a_user' });
  });
});

describe('the command line', () => {
  it.each([
    ['an unknown command', ['creat']],
    ['an unknown option', ['list', '--nope']],
    ['an unknown status', ['list', '--status', 'GONE']],
    ['an invalid time', ['list', '--since', 'yesterday']],
    ['an invalid id', ['status', 'x']],
    ['a missing option', ['create', 'ada']],
    ['an unknown event name', ['events', '--name', 'Nope']],
  ])('reports %s as wrong usage, as JSON with --json', async (_what, args) => {
    const cli = fakeRuntime();

    const json = fakeRuntime();

    expect(await cli.run(...args)).toBe(2);
    expect(await json.run(...args, '--json')).toBe(2);

    expect(cli.output).toMatchObject({ out: '', err: expect.stringMatching(/^error: /) });
    expect(errorOutput.parse(json.jsonOutput())).toMatchObject({ error: { code: 'USAGE' } });
  });

  it('suggests a similar command', async () => {
    const cli = fakeRuntime();
    await cli.run('creat');

    expect(cli.output.err).toContain('(Did you mean create?)');
  });

  it('prints the help of a command with its examples', async () => {
    const cli = fakeRuntime();

    expect(await cli.run('list', '--help')).toBe(0);
    expect(cli.output.out).toContain('$ npx provision list --failed --since 1h');
  });
});
