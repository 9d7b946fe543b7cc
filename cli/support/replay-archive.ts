import { type CloudWatchLogsClient, paginateFilterLogEvents } from '@aws-sdk/client-cloudwatch-logs';
import {
  DescribeArchiveCommand,
  DescribeReplayCommand,
  DescribeRuleCommand,
  type EventBridgeClient,
  StartReplayCommand,
} from '@aws-sdk/client-eventbridge';
import * as z from 'zod';
import { hasErrorName } from '../../handlers/shared/errors.ts';
import { busArchive, busLog, everyEventRule } from '../../infra/names.ts';
import { CommandError } from './command-error.ts';

export interface Period {
  from: Date;
  to: Date;
}

export interface Clock {
  now(): number;
  sleep(milliseconds: number): Promise<unknown>;
}

interface Services {
  eventBridge: EventBridgeClient;
  logs: CloudWatchLogsClient;
  clock: Clock;
  report: (line: string) => void;
}

/** Milliseconds between two polls of a replay, and between two counts. */
export const PAUSE = 2_000;

/** Milliseconds after the end of a replay in which its events can still arrive in the log. */
export const LOG_DELAY = 60_000;

export interface ReplayResult {
  name: string;
  /** Number of distinct events of this replay in the log; `undefined` when the rule does not write to the log. */
  events: number | undefined;
}

/**
 * Replays the archived events of a bus to all its rules or to one, and waits until the replay has finished.
 * docs.aws.amazon.com/eventbridge/latest/userguide/eb-replay-archived-event.html
 * @throws CommandError when the bus, archive or rule does not exist, or the replay fails
 */
export const replayArchive =
  ({ eventBridge, logs, clock, report }: Services) =>
  async (busName: string, { from, to }: Period, rule?: string): Promise<ReplayResult> => {
    const { ArchiveArn, EventSourceArn } = await eventBridge
      .send(new DescribeArchiveCommand({ ArchiveName: busArchive(busName) }))
      .catch(notFound(`The archive ${busArchive(busName)}`));
    const filter = rule === undefined ? undefined : await ruleArn(eventBridge, busName, rule);
    const startedAt = clock.now();
    const ReplayName = `${busName}-${new Date(startedAt).toISOString().replace(/\D/g, '').slice(0, 17)}`;
    await eventBridge.send(
      new StartReplayCommand({
        ReplayName,
        EventSourceArn: ArchiveArn,
        ...wholeSeconds({ from, to }),
        Destination: { Arn: EventSourceArn, ...(filter === undefined ? {} : { FilterArns: [filter] }) },
      }),
    );
    await waitForReplay(eventBridge, ReplayName, clock, report);
    const isForTheLog = rule === undefined || rule === everyEventRule(busName);
    if (!isForTheLog) return { name: ReplayName, events: undefined };
    const count = () => countReplayedEvents(logs, busLog(busName), ReplayName, startedAt);
    return { name: ReplayName, events: await waitForStableCount(count, clock, report) };
  };

/** Event times have whole seconds, so the period is extended to whole seconds. */
const wholeSeconds = ({ from, to }: Period) => ({
  EventStartTime: new Date(Math.floor(from.getTime() / 1000) * 1000),
  EventEndTime: new Date(Math.ceil(to.getTime() / 1000) * 1000),
});

const notFound =
  (what: string) =>
  (error: unknown): never => {
    if (!hasErrorName(error, 'ResourceNotFoundException')) throw error;
    throw new CommandError(`${what} does not exist.`, 'Check the profile, the region and the deployment.');
  };

async function ruleArn(eventBridge: EventBridgeClient, EventBusName: string, Name: string): Promise<string> {
  const { Arn = '' } = await eventBridge
    .send(new DescribeRuleCommand({ EventBusName, Name }))
    .catch(notFound(`The rule ${Name} of the bus ${EventBusName}`));
  return Arn;
}

async function waitForReplay(
  eventBridge: EventBridgeClient,
  ReplayName: string,
  clock: Clock,
  report: (line: string) => void,
): Promise<void> {
  for (;;) {
    const { State, StateReason, EventLastReplayedTime } = await eventBridge.send(
      new DescribeReplayCommand({ ReplayName }),
    );
    if (State === 'COMPLETED') return;
    if (State !== 'STARTING' && State !== 'RUNNING')
      throw new CommandError(
        `The replay ${ReplayName} is ${State}${StateReason === undefined ? '' : `: ${StateReason}`}.`,
        'Start it again. An event that arrives twice has the same event_id.',
      );
    const reached =
      EventLastReplayedTime === undefined ? '' : `, at events of ${EventLastReplayedTime.toISOString()}`;
    report(`${State}${reached}`);
    await clock.sleep(PAUSE);
  }
}

/** Counts until the number no longer grows, at most for LOG_DELAY. */
async function waitForStableCount(
  count: () => Promise<number>,
  clock: Clock,
  report: (line: string) => void,
): Promise<number> {
  const deadline = clock.now() + LOG_DELAY;
  let previous = -1;
  for (;;) {
    const current = await count();
    if ((current === previous && current > 0) || clock.now() > deadline) return current;
    previous = current;
    report(`replayed; ${current} events in the log`);
    await clock.sleep(PAUSE);
  }
}

const replayedEvent = z.looseObject({
  'replay-name': z.string(),
  detail: z.looseObject({ metadata: z.looseObject({ event_id: z.string() }) }),
});

/** The number of distinct events of a replay in a log. */
async function countReplayedEvents(
  client: CloudWatchLogsClient,
  logGroupName: string,
  replay: string,
  startTime: number,
): Promise<number> {
  const ids = new Set<string>();
  // A quoted pattern matches lines that contain the text in any field.
  const search = { logGroupName, startTime, filterPattern: `"${replay}"` };
  for await (const { events = [] } of paginateFilterLogEvents({ client }, search))
    for (const { message = '' } of events) {
      const event = replayedEvent.safeParse(JSON.parse(message));
      if (event.success && event.data['replay-name'] === replay) ids.add(event.data.detail.metadata.event_id);
    }
  return ids.size;
}
