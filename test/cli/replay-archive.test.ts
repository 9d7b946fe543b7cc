import { CloudWatchLogsClient, FilterLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs';
import {
  DescribeArchiveCommand,
  DescribeReplayCommand,
  DescribeRuleCommand,
  EventBridgeClient,
  StartReplayCommand,
} from '@aws-sdk/client-eventbridge';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { LOG_DELAY, PAUSE, replayArchive } from '../../cli/support/replay-archive.ts';
import { fakeClock } from '../support/clock.ts';
import { sdkError } from '../support/sdk-errors.ts';

const eventBridge = mockClient(EventBridgeClient);
const logs = mockClient(CloudWatchLogsClient);
const BUS = 'app1-provisioning';
const LOG_RULE = 'app1-provisioning-every-event';
const period = { from: new Date('2026-01-01T00:00:00Z'), to: new Date('2026-01-01T01:00:00Z') };
const NAME = 'app1-provisioning-20260102000000000';

let clock: ReturnType<typeof fakeClock>;
let reports: string[];
const replay = (rule?: string, during = period) =>
  replayArchive({
    eventBridge: new EventBridgeClient({}),
    logs: new CloudWatchLogsClient({}),
    clock,
    report: (line) => reports.push(line),
  })(BUS, during, rule);

const line = (event_id: string, replayName: string | undefined = NAME) => ({
  message: JSON.stringify({ 'replay-name': replayName, detail: { metadata: { event_id } } }),
});

beforeEach(() => {
  clock = fakeClock(Date.parse('2026-01-02T00:00:00Z'));
  reports = [];
  eventBridge.reset();
  logs.reset();
  eventBridge
    .on(DescribeArchiveCommand, { ArchiveName: `${BUS}-archive` })
    .resolves({ ArchiveArn: 'the archive', EventSourceArn: 'the bus' });
  eventBridge.on(DescribeRuleCommand).resolves({ Arn: 'the rule' });
  eventBridge.on(StartReplayCommand).resolves({});
  eventBridge.on(DescribeReplayCommand).resolves({ State: 'COMPLETED' });
  logs.on(FilterLogEventsCommand).resolves({ events: [line('a'), line('b')] });
});

const started = () => eventBridge.commandCalls(StartReplayCommand).map(({ args }) => args[0].input);

describe('replayArchive', () => {
  it('replays the events of a period to all rules of the bus', async () => {
    await expect(replay()).resolves.toEqual({ name: NAME, events: 2 });

    expect(started()).toEqual([
      {
        ReplayName: NAME,
        EventSourceArn: 'the archive',
        EventStartTime: period.from,
        EventEndTime: period.to,
        Destination: { Arn: 'the bus' },
      },
    ]);
  });

  it('extends the period to whole seconds', async () => {
    await replay(undefined, {
      from: new Date('2026-01-01T00:00:00.999Z'),
      to: new Date('2026-01-01T00:00:01.001Z'),
    });

    expect(started()).toMatchObject([
      {
        EventStartTime: new Date('2026-01-01T00:00:00Z'),
        EventEndTime: new Date('2026-01-01T00:00:02Z'),
      },
    ]);
  });

  it('replays to one rule only', async () => {
    await replay(LOG_RULE);

    expect(eventBridge.commandCalls(DescribeRuleCommand)[0]?.args[0].input).toEqual({
      EventBusName: BUS,
      Name: LOG_RULE,
    });
    expect(started()).toMatchObject([{ Destination: { Arn: 'the bus', FilterArns: ['the rule'] } }]);
  });

  it('waits until the replay has finished, and reports progress', async () => {
    eventBridge
      .on(DescribeReplayCommand)
      .resolvesOnce({ State: 'STARTING' })
      .resolvesOnce({ State: 'RUNNING', EventLastReplayedTime: new Date('2026-01-01T00:30:00Z') })
      .resolves({ State: 'COMPLETED' });

    await replay();

    expect(reports.slice(0, 2)).toEqual(['STARTING', 'RUNNING, at events of 2026-01-01T00:30:00.000Z']);
    expect(clock.sleeps.slice(0, 2)).toEqual([PAUSE, PAUSE]);
  });

  it.each(['FAILED', 'CANCELLED'] as const)('fails when the replay is %s', async (State) => {
    eventBridge.on(DescribeReplayCommand).resolves({ State, StateReason: 'of the test' });

    await expect(replay()).rejects.toMatchObject({ message: `The replay ${NAME} is ${State}: of the test.` });
  });

  it('counts distinct events of this replay until the number no longer grows', async () => {
    logs
      .on(FilterLogEventsCommand)
      .resolvesOnce({ events: [] })
      .resolvesOnce({ events: [line('a')] })
      .resolves({ events: [line('a'), line('a'), line('b'), line('c', 'another replay')] });

    await expect(replay()).resolves.toMatchObject({ events: 2 });
  });

  it('returns zero after a minute without an event', async () => {
    logs.on(FilterLogEventsCommand).resolves({ events: [] });

    await expect(replay()).resolves.toMatchObject({ events: 0 });
    expect(clock.sleeps.reduce((sum, one) => sum + one, 0)).toBeGreaterThanOrEqual(LOG_DELAY);
  });

  it('does not count events of a rule that does not write to the log', async () => {
    await expect(replay('of-a-subscriber')).resolves.toMatchObject({ events: undefined });
    expect(logs.calls()).toEqual([]);
  });

  it.each([
    ['archive', () => eventBridge.on(DescribeArchiveCommand), undefined],
    ['rule', () => eventBridge.on(DescribeRuleCommand), 'none'],
  ] as const)('is not started when the %s does not exist', async (what, call, rule) => {
    eventBridge.on(DescribeArchiveCommand).resolves({ ArchiveArn: 'the archive', EventSourceArn: 'the bus' });
    call().rejects(sdkError('ResourceNotFoundException'));

    await expect(replay(rule)).rejects.toMatchObject({
      name: 'CommandError',
      message: expect.stringMatching(new RegExp(`^The ${what} .* does not exist`)),
    });
    expect(started()).toEqual([]);
  });
});
