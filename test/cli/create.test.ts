import { describe, expect, it } from '@jest/globals';
import { acceptedAnswer, errorAnswer, shownProvisioning } from '../../cli/answers.ts';
import { problemBody } from '../../contracts/problems.ts';
import { expectNoLeak } from '../support/leaks.ts';
import { PASSWORD, PROVISIONING_ID } from '../support/subject.ts';
import { world } from './support/world.ts';

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
    'refuses %j as a username before anything is asked or sent',
    async (name) => {
      const here = world({ stdin: PASSWORD });

      expect(await here.run('create', name, '--human-user', 'h-1', '--password-stdin')).toBe(2);
      expect(here.sent).toEqual([]);
      expect(here.shown.err).toContain('must start with a letter or a digit');
    },
  );

  it('says while it waits what the provisioning waits for', async () => {
    const waiting_for = {
      what: 'target',
      target: 'app2',
      step: 'Authenticate',
      since: '2026-01-01T00:00:00.500Z',
      code: 'TARGET_UNAVAILABLE',
      retry_at: '2026-01-01T00:05:00.000Z',
    };
    const here = world({
      stdin: PASSWORD,
      answers: [
        [202, accepted],
        [200, { ...running, waiting_for }],
        [200, done],
        [200, { ...running, waiting_for }],
      ],
    });

    expect(await here.run(...fromInput)).toBe(0);
    const told = 'app2 since 2026-01-01 00:00:00 UTC (TARGET_UNAVAILABLE in Authenticate)';
    expect(here.shown.progress).toContain(`running, waits for ${told}`);

    await here.run('status', PROVISIONING_ID);
    expect(here.shown.out).toMatch(/waits for +app2 since/);
    expect(here.shown.out).toMatch(/tries again +2026-01-01 00:05:00 UTC/);
  });

  it('sends a username in lower case', async () => {
    const here = world({ stdin: PASSWORD, answers: [[200, done]] });

    expect(await here.run('create', 'Ada', '--human-user', 'h-1', '--password-stdin')).toBe(0);
    expect(JSON.parse(here.sent[0]?.body ?? '')).toMatchObject({ username: 'ada' });
  });

  it('sends the password of standard input, without the end of its line, and waits for the end', async () => {
    const here = world({
      stdin: `${PASSWORD}\n`,
      answers: [
        [202, accepted],
        [200, running],
        [200, done],
      ],
    });

    expect(await here.run(...fromInput)).toBe(0);

    expect(here.sent.map(({ method, path }) => `${method} ${path}`)).toEqual([
      'POST /create-service-user',
      `GET /create-service-user/${PROVISIONING_ID}`,
      `GET /create-service-user/${PROVISIONING_ID}`,
    ]);
    expect(JSON.parse(here.sent[0]?.body ?? '')).toEqual({
      username: 'ada',
      password: PASSWORD,
      human_user_id: 'h-1',
    });
    expect(here.shown.out).toContain('✔ SUCCEEDED');
    expect(here.shown.progress).toContain(`Accepted as ${PROVISIONING_ID}`);
  });

  it('asks for the password twice on a terminal', async () => {
    const here = world({
      typed: [PASSWORD, PASSWORD],
      answers: [
        [202, accepted],
        [200, done],
      ],
    });

    expect(await here.run(...create)).toBe(0);
    expect(JSON.parse(here.sent[0]?.body ?? '')).toMatchObject({ password: PASSWORD });
  });

  it('makes a key of its own for each request, unless it is given one', async () => {
    const keys = [];
    for (const more of [[], [], ['--idempotency-key', 'order-1']]) {
      const here = world({
        stdin: PASSWORD,
        answers: [
          [202, accepted],
          [200, done],
        ],
      });
      await here.run(...fromInput, ...more);
      keys.push(here.sent[0]?.headers['idempotency-key']);
    }

    expect(keys[0]).toMatch(/^[0-9a-f-]{36}$/);
    expect(keys[1]).not.toBe(keys[0]);
    expect(keys[2]).toBe('order-1');
  });

  it.each([
    ['as an option', [...create, '--password', PASSWORD], {}],
    ['as an option with =', [...create, `--password=${PASSWORD}`], {}],
    ['in the environment', fromInput, { PROVISION_PASSWORD: PASSWORD }],
    ['as an option that there is not', [...fromInput, `--passwort=${PASSWORD}`], {}],
    ['as a second argument', [...create.slice(0, 2), PASSWORD, ...create.slice(2)], {}],
    ['as the name', ['create', `${PASSWORD} `, ...fromInput.slice(2)], {}],
  ])('refuses a password %s, repeats it nowhere and sends nothing', async (_where, args, environment) => {
    for (const form of [[], ['--json']]) {
      const here = world({ stdin: 'another-Passw0rd', environment });

      expect(await here.run(...args, ...form)).toBe(2);
      expect(here.sent).toEqual([]);
      expectNoLeak(PASSWORD, here.shown.out, here.shown.err, here.shown.progress);
      if (form.length > 0) errorAnswer.parse(here.answer());
      else expect(here.shown.err).not.toBe('');
    }
  });

  it.each([
    ['nobody can be asked', create, {}, 'NO_TERMINAL'],
    ['the two differ', create, { typed: [PASSWORD, 'x'] }, 'PASSWORDS_DIFFER'],
    ['standard input is empty', fromInput, { stdin: '' }, 'PASSWORD_INVALID'],
    ['standard input has two lines', fromInput, { stdin: `${PASSWORD}\nx\n` }, 'PASSWORD_INVALID'],
    ['the password has a tab', fromInput, { stdin: `${PASSWORD}\tx` }, 'PASSWORD_INVALID'],
    ['the password ends with a space', fromInput, { stdin: `${PASSWORD} \n` }, 'PASSWORD_INVALID'],
    ['what is typed could not be read', create, { typed: ['P\ufffd', 'P\ufffd'] }, 'PASSWORD_INVALID'],
  ])('says so when %s', async (_what, args, given, code) => {
    const here = world(given);

    expect(await here.run(...args, '--json')).toBe(2);
    expect(here.answer()).toMatchObject({ error: { code } });
    expect(here.sent).toEqual([]);
    expectNoLeak(PASSWORD, here.shown.out);
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
    ['UTF-8 that was cut off', Buffer.from(`${PASSWORD}\u00e9`).subarray(0, -1), 'is not well-formed UTF-8'],
    ['a surrogate in UTF-8', Buffer.from([0x50, 0xed, 0xa0, 0x80, 0x31]), 'is not well-formed UTF-8'],
    ['an overlong form', Buffer.from([0x50, 0xc0, 0xaf, 0x31]), 'is not well-formed UTF-8'],
  ])('refuses a password in %s, says what is wrong, and sends nothing', async (_what, stdin, why) => {
    const here = world({ stdin });

    expect(await here.run(...fromInput)).toBe(2);
    expect(here.shown.err).toContain(why);
    expect(here.sent).toEqual([]);
    expectNoLeak(PASSWORD, here.shown.out, here.shown.err, here.shown.progress);
  });

  it('sends a password in UTF-8 as it is', async () => {
    const here = world({
      stdin: Buffer.from('P\u00e4ssw\u00f6rd-\u5bc6-1 \u{1F511}\n'),
      answers: [[200, done]],
    });

    expect(await here.run(...fromInput)).toBe(0);
    expect(JSON.parse(here.sent[0]?.body ?? '')).toMatchObject({
      password: 'P\u00e4ssw\u00f6rd-\u5bc6-1 \u{1F511}',
    });
  });

  it('says why it failed, what is left, and what to do', async () => {
    const here = world({
      stdin: PASSWORD,
      answers: [
        [202, accepted],
        [200, failed],
      ],
    });

    expect(await here.run(...fromInput)).toBe(1);
    for (const text of [
      '✖ FAILED',
      'RequestUserCreation',
      'TARGET_UNAVAILABLE: App2 did not answer in time, repeatedly.',
      'left behind   nothing',
      'Send a new request later.',
      `npx provision retry ${PROVISIONING_ID}`,
    ])
      expect(here.shown.out).toContain(text);
    expectNoLeak(PASSWORD, here.shown.out, here.shown.err, here.shown.progress);
  });

  it('is over only when nothing is being removed any more', async () => {
    const here = world({
      stdin: PASSWORD,
      answers: [
        [202, accepted],
        [200, removing],
        [200, failed],
      ],
    });

    expect(await here.run(...fromInput, '--json')).toBe(1);
    expect(shownProvisioning.parse(here.answer())).toMatchObject({ user: 'absent', left_behind: 'nothing' });
  });

  it('does not wait with --no-wait, and says where to ask', async () => {
    const here = world({ stdin: PASSWORD, answers: [[202, accepted]] });

    expect(await here.run(...fromInput, '--no-wait', '--json')).toBe(0);
    expect(here.sent).toHaveLength(1);
    expect(acceptedAnswer.parse(here.answer())).toEqual({
      provisioning_id: PROVISIONING_ID,
      status: 'RUNNING',
      next: `npx provision status ${PROVISIONING_ID} --watch`,
    });
  });

  it('gives up after --timeout, and says that it goes on', async () => {
    const here = world({
      stdin: PASSWORD,
      answers: [
        [202, accepted],
        [200, running],
      ],
    });

    expect(await here.run(...fromInput, '--timeout', '30s', '--json')).toBe(6);
    expect(here.sleeps.reduce((sum, pause) => sum + pause, 0)).toBe(30_000);
    expect(here.answer()).toMatchObject({
      error: { code: 'PENDING', remedy: expect.stringContaining(`status ${PROVISIONING_ID} --watch`) },
    });
  });

  it('asks again when what was accepted cannot be found at once, or App1 is busy for a moment', async () => {
    const here = world({
      stdin: PASSWORD,
      answers: [
        [202, accepted],
        [404, problemBody('NOT_FOUND')],
        [503, problemBody('SERVICE_UNAVAILABLE')],
        [200, done],
      ],
    });

    expect(await here.run(...fromInput)).toBe(0);
  });

  it('does not ask for ever where nobody answers', async () => {
    const here = world({
      stdin: PASSWORD,
      answers: [
        [202, accepted],
        [503, problemBody('SERVICE_UNAVAILABLE')],
      ],
    });

    expect(await here.run(...fromInput, '--json')).toBe(3);
    expect(here.answer()).toMatchObject({ error: { code: 'SERVICE_UNAVAILABLE' } });
  });

  it('can be interrupted while it waits', async () => {
    const here = world({
      stdin: PASSWORD,
      answers: [
        [202, accepted],
        [200, running],
      ],
      interruptAfter: 2,
    });

    expect(await here.run(...fromInput)).toBe(130);
    expect(here.shown.err).toContain('What was asked for goes on.');
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
  ])('says what App1 answers: %i', async (status, body, exit, message) => {
    const here = world({ stdin: PASSWORD, answers: [[status, body]] });

    expect(await here.run(...fromInput)).toBe(exit);
    expect(here.shown.err).toContain(message);
    expect(here.shown.out).toBe('');
  });
});

describe('provision retry', () => {
  it('asks App1 to try again, without a password, and waits for the end', async () => {
    const here = world({
      answers: [
        [202, accepted],
        [200, done],
      ],
    });

    expect(await here.run('retry', PROVISIONING_ID)).toBe(0);
    expect(here.sent[0]).toEqual({
      method: 'POST',
      path: `/create-service-user/${PROVISIONING_ID}/retry`,
      headers: {},
      body: undefined,
    });
  });

  it('can be another retry by a key', async () => {
    const here = world({
      answers: [
        [202, accepted],
        [200, done],
      ],
    });

    await here.run('retry', PROVISIONING_ID, '--idempotency-key', 'second');
    expect(here.sent[0]?.headers).toEqual({ 'idempotency-key': 'second' });
  });

  it('reports that the provisioning is in progress', async () => {
    const here = world({ answers: [[409, problemBody('PROVISIONING_IN_PROGRESS')]] });

    expect(await here.run('retry', PROVISIONING_ID)).toBe(5);
    expect(here.shown.err).toContain('The provisioning is in progress.');
  });
});

describe('provision status', () => {
  it.each([
    ['running', running, 0, `npx provision status ${PROVISIONING_ID} --watch`],
    ['done', done, 0, null],
    ['failed', failed, 1, `npx provision retry ${PROVISIONING_ID}`],
    ['being removed', removing, 1, `npx provision status ${PROVISIONING_ID} --watch`],
    [
      'not undone yet',
      { ...removing, error: { ...failed.error, code: 'ROLL_BACK_FAILED' } },
      1,
      'npx provision doctor',
    ],
    [
      'failed for good',
      { ...failed, username: "a'$(x)", error: { ...failed.error, retryable: false } },
      1,
      `npx provision create 'a'\\''$(x)' --human-user h-1`,
    ],
  ])('tells of one that is %s what comes next', async (_what, body, exit, next) => {
    const here = world({ answers: [[200, body]] });

    expect(await here.run('status', PROVISIONING_ID, '--json')).toBe(exit);
    expect(shownProvisioning.parse(here.answer())).toMatchObject({ next });
    expect(here.sent).toHaveLength(1);
  });

  it('passes over what a newer App1 says beside', async () => {
    const here = world({ answers: [[200, { ...done, colour: 'red' }]] });

    expect(await here.run('status', PROVISIONING_ID, '--json')).toBe(0);
    expect(here.answer()).not.toHaveProperty('colour');
  });

  it('watches until it is over', async () => {
    const here = world({
      answers: [
        [200, running],
        [200, running],
        [200, done],
      ],
    });

    expect(await here.run('status', PROVISIONING_ID, '--watch')).toBe(0);
    expect(here.sent).toHaveLength(3);
    expect(here.sent.every(({ headers }) => headers['prefer'] === 'wait=20')).toBe(true);
  });

  it('has App1 wait no longer than there is time for', async () => {
    const here = world({ answers: [[200, done]] });

    expect(await here.run('status', PROVISIONING_ID, '--watch', '--timeout', '5s')).toBe(0);
    expect(here.sent.map(({ headers }) => headers['prefer'])).toEqual(['wait=5']);
  });

  it('says that there is none, at once also when it watches', async () => {
    const here = world({ answers: [[404, problemBody('NOT_FOUND')]] });

    expect(await here.run('status', PROVISIONING_ID, '--watch')).toBe(4);
    expect(here.sent).toHaveLength(1);
  });
});

describe('provision cancel', () => {
  const gone = { ...done, user: 'absent' };

  it('asks until the user is gone, and shows it', async () => {
    const here = world({ answers: [[202, { ...done, user: 'being_removed' }], [204], [200, gone]] });

    expect(await here.run('cancel', PROVISIONING_ID, '--json')).toBe(0);
    expect(here.sent.map(({ method }) => method)).toEqual(['DELETE', 'DELETE', 'GET']);
    expect(here.answer()).toMatchObject({ status: 'SUCCEEDED', user: 'absent', next: null });
  });

  it('does not wait with --no-wait, and says that it is being removed', async () => {
    const here = world({ answers: [[202, { ...done, user: 'being_removed' }]] });

    expect(await here.run('cancel', PROVISIONING_ID, '--no-wait', '--json')).toBe(0);
    expect(here.sent).toHaveLength(1);
    expect(here.answer()).toMatchObject({ user: 'being_removed', left_behind: 'maybe_a_user' });
  });
});

describe('the command line', () => {
  it.each([
    ['an unknown command', ['creat']],
    ['an unknown option', ['list', '--nope']],
    ['a status that there is not', ['list', '--status', 'GONE']],
    ['a time that is none', ['list', '--since', 'yesterday']],
    ['an id that is none', ['status', 'x']],
    ['a missing option', ['create', 'ada']],
    ['a name of an event that there is not', ['events', '--name', 'Nope']],
  ])('says that %s is wrong usage, as JSON with --json', async (_what, args) => {
    const here = world();
    expect(await here.run(...args)).toBe(2);
    expect(here.shown).toMatchObject({ out: '', err: expect.stringMatching(/^error: /) });

    const json = world();
    expect(await json.run(...args, '--json')).toBe(2);
    expect(errorAnswer.parse(json.answer())).toMatchObject({ error: { code: 'USAGE' } });
  });

  it('suggests what may have been meant', async () => {
    const here = world();
    await here.run('creat');
    expect(here.shown.err).toContain('(Did you mean create?)');
  });

  it('shows its help', async () => {
    const here = world();
    expect(await here.run('list', '--help')).toBe(0);
    expect(here.shown.out).toContain('$ npx provision list --failed --since 1h');
  });
});
