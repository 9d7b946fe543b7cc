import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CloudWatchLogsClient, FilterLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { chosenGroups, main, printLogs } from '../../cli/logs.ts';
import { fakeClock } from '../support/clock.ts';
import { localOutputs } from '../support/outputs.ts';
import { thrownBy } from '../support/thrown.ts';

const logs = mockClient(CloudWatchLogsClient);
const CREATE = '/aws/lambda/app2-create-user';
const BUS = '/aws/events/app2-service-users';
const NOW = Date.parse('2026-01-01T12:00:00Z');
const filterCalls = () => logs.commandCalls(FilterLogEventsCommand).map(({ args }) => args[0].input);
const line = (eventId: string, second: number, message = eventId) => ({
  eventId,
  timestamp: NOW + second * 1_000,
  message,
});
const of = (logGroupName: string) => logs.on(FilterLogEventsCommand, { logGroupName });

beforeEach(() => {
  logs.reset();
  logs.on(FilterLogEventsCommand).resolves({ events: [] });
});

/** Prints the logs and stops after `pauses` pauses. */
async function printed(groups: string[], options: { start: number; follow: boolean }, pauses = 0) {
  const clock = fakeClock(NOW);
  const stop = new AbortController();
  let out = '';
  await printLogs(
    {
      logs: new CloudWatchLogsClient({ region: 'eu-central-1' }),
      clock: {
        now: clock.now,
        sleep: async (milliseconds) => {
          await clock.sleep(milliseconds);
          if (clock.sleeps.length === pauses) stop.abort();
        },
      },
      print: (text) => {
        out += text;
      },
      interrupted: stop.signal,
    },
    groups,
    options,
  );
  return out;
}

describe('chosenGroups', () => {
  const groups = [CREATE, '/aws/lambda/app2-set-password', '/aws/lambda/app1-call-target', BUS];

  it('returns all log groups without a name', () => {
    expect(chosenGroups(groups, undefined)).toEqual(groups);
  });

  it.each(['create-user', 'app2-create-user', CREATE])('returns the log group of the function %s', (name) => {
    expect(chosenGroups(groups, name)).toEqual([CREATE]);
  });

  it.each([
    ['creat-user', 'Did you mean create-user?'],
    ['create', 'Did you mean app2-create-user?'],
    ['app2-s', 'Did you mean app2-set-password or events/app2-service-users?'],
    [
      'x',
      'Use one of these names:\n  app2-create-user\n  app2-set-password\n  app1-call-target\n  events/app2-service-users',
    ],
  ])('rejects %s and proposes similar names', async (name, remedy) => {
    expect(await thrownBy((async () => chosenGroups(groups, name))())).toMatchObject({
      name: 'CommandError',
      remedy,
    });
  });
});

describe('npm run logs', () => {
  it('prints the lines of all groups by time, each with the name of its source', async () => {
    of(CREATE).resolves({ events: [line('created', 2)] });
    of(BUS).resolves({ events: [line('published', 1)] });

    const out = await printed([CREATE, BUS], { start: NOW, follow: false });

    expect(out).toBe(
      '2026-01-01T12:00:01.000Z  events/app2-service-users  published\n' +
        '2026-01-01T12:00:02.000Z  app2-create-user           created\n',
    );
    expect(filterCalls().map(({ startTime }) => startTime)).toEqual([NOW, NOW]);
  });

  it('prints each line once with --follow, also late ones, until it is interrupted', async () => {
    of(CREATE)
      .resolvesOnce({ events: [line('second', 2)] })
      .resolvesOnce({ events: [line('first', 1), line('second', 2)] })
      .resolves({ events: [line('second', 2)] });

    const out = await printed([CREATE], { start: NOW - 300_000, follow: true }, 3);

    expect(out.match(/first|second/g)).toEqual(['second', 'first']);
    expect(filterCalls().map(({ startTime }) => startTime)).toEqual([
      NOW - 300_000,
      NOW - 60_000,
      NOW - 58_000,
    ]);
  });

  it('replaces control characters', async () => {
    of(CREATE).resolves({ events: [line('a', 1, 'one\ttwo\u001b[2J\n')] });

    expect(await printed([CREATE], { start: NOW, follow: false })).toContain('one\ttwo\u{FFFD}[2J\n');
  });

  describe('without a deployed system', () => {
    const before = { ...process.env };
    let directory: string;
    beforeEach(() => {
      directory = mkdtempSync(join(tmpdir(), 'logs-'));
      process.env['LOCAL_AWS_DIR'] = directory;
      delete process.env['AWS_PROFILE'];
    });
    afterEach(() => {
      process.env = { ...before };
      rmSync(directory, { recursive: true, force: true });
    });

    it('proposes to start the local AWS again when it does not respond', async () => {
      writeFileSync(join(directory, 'outputs.json'), JSON.stringify(localOutputs()));
      logs
        .on(FilterLogEventsCommand)
        .rejects(Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' }));

      expect(await thrownBy(main(['create-user']))).toMatchObject({
        name: 'CommandError',
        message: 'There is no connection (ECONNREFUSED).',
        remedy: expect.stringContaining('npm run up'),
      });
    });

    it('proposes to start a local AWS', async () => {
      expect(await thrownBy(main([]))).toMatchObject({
        name: 'CommandError',
        message: expect.stringContaining('No local AWS is up'),
        remedy: expect.stringContaining('npm run up'),
      });
    });
  });
});
