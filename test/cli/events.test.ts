import { CloudWatchLogsClient, FilterLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { CliError } from '../../cli/cli-error.ts';
import { eventLine } from '../../cli/json-output.ts';
import { sdkError } from '../support/sdk-errors.ts';
import { OTHER_PROVISIONING_ID, PROVISIONING_ID } from '../support/subject.ts';
import { fakeRuntime } from './support/runtime.ts';

const logs = mockClient(CloudWatchLogsClient);
const NOW = Date.parse('2026-01-01T12:00:00Z');
const line = (id: string, name: string, second: number, provisioning_id = PROVISIONING_ID, data = {}) => ({
  eventId: id,
  message: JSON.stringify({
    'detail-type': name,
    source: 'app1.provisioning',
    detail: {
      metadata: {
        event_id: `${provisioning_id}:10:${name}`,
        schema_version: '1',
        provisioning_id,
        sequence: 10,
        occurred_at: `2026-01-01T12:00:0${second}.000Z`,
        actor: 'me',
      },
      data: { username: 'ada', human_user_id: 'h-1', ...data },
    },
  }),
});
const failure = { failure: { step: 'CreateUser', error: 'UserAlreadyExists' } };
const app1 = () => logs.on(FilterLogEventsCommand, { logGroupName: '/aws/events/app1-provisioning' });
const app2 = () => logs.on(FilterLogEventsCommand, { logGroupName: '/aws/events/app2-service-users' });
const filterCalls = () => logs.commandCalls(FilterLogEventsCommand).map(({ args }) => args[0].input);
const linesOf = (out: string) =>
  out
    .trim()
    .split('\n')
    .map((text) => eventLine.parse(JSON.parse(text)));

beforeEach(() => {
  logs.reset();
  logs.on(FilterLogEventsCommand).resolves({ events: [] });
});

describe('provision events', () => {
  it('prints the events of both buses, oldest first, one JSON object per line', async () => {
    app1().resolves({ events: [line('b', 'ServiceUserProvisioned', 2)] });
    app2().resolves({ events: [line('a', 'ServiceUserCreated', 1), { eventId: 'x', message: 'no event' }] });
    const cli = fakeRuntime({ now: NOW });

    expect(await cli.run('events', '--json')).toBe(0);

    expect(linesOf(cli.output.out).map(({ name }) => name)).toEqual([
      'ServiceUserCreated',
      'ServiceUserProvisioned',
    ]);
    expect(filterCalls().map(({ startTime }) => startTime)).toEqual([NOW - 3_600_000, NOW - 3_600_000]);
  });

  it('prints the service that published an event', async () => {
    app1().resolves({ events: [line('a', 'ServiceUserProvisioned', 1)] });
    const cli = fakeRuntime({ now: NOW });

    await cli.run('events');

    expect(cli.output.out).toContain('2026-01-01 12:00:01 UTC  app1  ServiceUserProvisioned');
  });

  it('prints the cause of a failure for people', async () => {
    app1().resolves({ events: [line('a', 'ServiceUserProvisioningFailed', 1, PROVISIONING_ID, failure)] });
    const cli = fakeRuntime({ now: NOW });

    await cli.run('events');

    expect(cli.output.out).toMatch(
      /ServiceUserProvisioningFailed +\S+ +ada +UserAlreadyExists at CreateUser\n/,
    );
  });

  it('filters by provisioning and name', async () => {
    app1().resolves({
      events: [
        line('a', 'ServiceUserProvisioned', 1, OTHER_PROVISIONING_ID, { username: PROVISIONING_ID }),
        line('b', 'ServiceUserProvisioned', 2),
        line('c', 'ServiceUserDeprovisioned', 3),
      ],
    });
    const cli = fakeRuntime({ now: NOW });

    await cli.run('events', '--id', PROVISIONING_ID, '--name', 'ServiceUserProvisioned', '--json');

    expect(linesOf(cli.output.out)).toMatchObject([{ occurred_at: '2026-01-01T12:00:02.000Z' }]);
    expect(filterCalls()[0]?.filterPattern).toBe(`"${PROVISIONING_ID}"`);
  });

  it('prints each event once with --follow, also late ones, until it is interrupted', async () => {
    app1()
      .resolvesOnce({ events: [line('a', 'ServiceUserProvisioned', 3)] })
      .resolvesOnce({
        events: [line('a', 'ServiceUserProvisioned', 3), line('b', 'ServiceUserProvisioned', 1)],
      })
      .resolves({ events: [line('b', 'ServiceUserProvisioned', 1)] });
    const cli = fakeRuntime({ now: NOW, interruptAfter: 4 });

    expect(await cli.run('events', '--follow', '--since', '5m', '--json')).toBe(0);

    expect(linesOf(cli.output.out)).toHaveLength(2);

    const starts = filterCalls().map(({ startTime = 0 }) => startTime);

    expect(starts[0]).toBe(NOW - 300_000);
    expect(starts.at(-1)).toBeGreaterThan(NOW - 60_000);
  });

  it('prints the events of the available bus, and names the other service', async () => {
    const elsewhere = new CliError('unreachable', 'NOT_DEPLOYED', 'There is no stack App2 here.', 'x');
    app1().resolves({ events: [line('a', 'ServiceUserProvisioned', 1)] });
    const cli = fakeRuntime({ now: NOW, connection: { target: () => Promise.reject(elsewhere) } });

    expect(await cli.run('events', '--json')).toBe(0);
    expect(linesOf(cli.output.out)).toHaveLength(1);
    expect(cli.output.err).toContain('There is no stack App2 here. Its events are not printed.');
  });

  it('fails when the log group of a bus does not exist', async () => {
    app1().rejects(sdkError('ResourceNotFoundException'));
    const cli = fakeRuntime({ now: NOW });

    expect(await cli.run('events')).toBe(3);
    expect(cli.output.err).toContain('There is no log group /aws/events/app1-provisioning');
  });
});
