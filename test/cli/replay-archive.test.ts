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
import { PAUSE, replayArchive, SETTLING } from '../../cli/support/replay-archive.ts';
import { fakeClock } from '../support/clock.ts';
import { sdkError } from '../support/sdk-errors.ts';

const eventBridge = mockClient(EventBridgeClient);
const logs = mockClient(CloudWatchLogsClient);
const BUS = 'app1-provisioning';
const LOG_RULE = 'app1-provisioning-every-event';
const period = { from: new Date('2026-01-01T00:00:00Z'), to: new Date('2026-01-01T01:00:00Z') };
const NAME = 'app1-provisioning-20260102000000000';

let clock: ReturnType<typeof fakeClock>;
let said: string[];
const replay = (rule?: string, during = period) =>
  replayArchive({
    eventBridge: new EventBridgeClient({}),
    logs: new CloudWatchLogsClient({}),
    clock,
    report: (line) => said.push(line),
  })(BUS, during, rule);

const line = (event_id: string, replayName: string | undefined = NAME) => ({
  message: JSON.stringify({ 'replay-name': replayName, detail: { metadata: { event_id } } }),
});

beforeEach(() => {
  clock = fakeClock(Date.parse('2026-01-02T00:00:00Z'));
  said = [];
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

describe('a replay', () => {
  it('sends the events of the time to all rules of the bus', async () => {
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

  it('takes whole seconds, as events have them', async () => {
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

  it('sends them to one rule only', async () => {
    await replay(LOG_RULE);

    expect(eventBridge.commandCalls(DescribeRuleCommand)[0]?.args[0].input).toEqual({
      EventBusName: BUS,
      Name: LOG_RULE,
    });
    expect(started()).toMatchObject([{ Destination: { Arn: 'the bus', FilterArns: ['the rule'] } }]);
  });

  it('waits for the end and says how far it is', async () => {
    eventBridge
      .on(DescribeReplayCommand)
      .resolvesOnce({ State: 'STARTING' })
      .resolvesOnce({ State: 'RUNNING', EventLastReplayedTime: new Date('2026-01-01T00:30:00Z') })
      .resolves({ State: 'COMPLETED' });

    await replay();

    expect(said.slice(0, 2)).toEqual(['STARTING', 'RUNNING, at events of 2026-01-01T00:30:00.000Z']);
    expect(clock.sleeps.slice(0, 2)).toEqual([PAUSE, PAUSE]);
  });

  it.each(['FAILED', 'CANCELLED'] as const)('that is %s is a problem', async (State) => {
    eventBridge.on(DescribeReplayCommand).resolves({ State, StateReason: 'of the test' });

    await expect(replay()).rejects.toMatchObject({ message: `The replay ${NAME} is ${State}: of the test.` });
  });

  it('counts different events of this replay, once they do not grow in number', async () => {
    logs
      .on(FilterLogEventsCommand)
      .resolvesOnce({ events: [] })
      .resolvesOnce({ events: [line('a')] })
      .resolves({ events: [line('a'), line('a'), line('b'), line('c', 'another replay')] });

    await expect(replay()).resolves.toMatchObject({ events: 2 });
  });

  it('says that there was none after a minute', async () => {
    logs.on(FilterLogEventsCommand).resolves({ events: [] });

    await expect(replay()).resolves.toMatchObject({ events: 0 });
    expect(clock.sleeps.reduce((sum, one) => sum + one, 0)).toBeGreaterThanOrEqual(SETTLING);
  });

  it('does not count what the log does not get', async () => {
    await expect(replay('of-a-subscriber')).resolves.toMatchObject({ events: undefined });
    expect(logs.calls()).toEqual([]);
  });

  it.each([
    ['archive', () => eventBridge.on(DescribeArchiveCommand), undefined],
    ['rule', () => eventBridge.on(DescribeRuleCommand), 'none'],
  ] as const)('without its %s is not started', async (what, call, rule) => {
    eventBridge.on(DescribeArchiveCommand).resolves({ ArchiveArn: 'the archive', EventSourceArn: 'the bus' });
    call().rejects(sdkError('ResourceNotFoundException'));

    await expect(replay(rule)).rejects.toMatchObject({
      name: 'CommandError',
      message: expect.stringMatching(new RegExp(`^The ${what} .* is not there`)),
    });
    expect(started()).toEqual([]);
  });
});
