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

/** Milliseconds between two looks at a replay, and between two counts. */
export const PAUSE = 2_000;

/** Milliseconds after its end in which events of a replay still come to the log. */
export const SETTLING = 60_000;

export interface Replayed {
  name: string;
  /** Distinct events that came to the log by this replay; undefined when it was not for the log. */
  events: number | undefined;
}

/**
 * Replays the archived events of a bus, to all its rules or to one, and waits for the end.
 * docs.aws.amazon.com/eventbridge/latest/userguide/eb-replay-archived-event.html
 * @throws CommandError when bus, archive or rule are not there, or the replay does not end well
 */
export const replayArchive =
  ({ eventBridge, logs, clock, report }: Services) =>
  async (busName: string, { from, to }: Period, rule?: string): Promise<Replayed> => {
    const { ArchiveArn, EventSourceArn } = await eventBridge
      .send(new DescribeArchiveCommand({ ArchiveName: busArchive(busName) }))
      .catch(notThere(`The archive ${busArchive(busName)}`));
    const filter = rule === undefined ? undefined : await ruleArn(eventBridge, busName, rule);
    const begun = clock.now();
    const ReplayName = `${busName}-${new Date(begun).toISOString().replace(/\D/g, '').slice(0, 17)}`;
    await eventBridge.send(
      new StartReplayCommand({
        ReplayName,
        EventSourceArn: ArchiveArn,
        ...wholeSeconds({ from, to }),
        Destination: { Arn: EventSourceArn, ...(filter === undefined ? {} : { FilterArns: [filter] }) },
      }),
    );
    await ended(eventBridge, ReplayName, clock, report);
    const isForTheLog = rule === undefined || rule === everyEventRule(busName);
    if (!isForTheLog) return { name: ReplayName, events: undefined };
    const count = () => countIn(logs, busLog(busName), ReplayName, begun);
    return { name: ReplayName, events: await settled(count, clock, report) };
  };

/** Events have their time in whole seconds, so a part of one at either end would leave out what was meant. */
const wholeSeconds = ({ from, to }: Period) => ({
  EventStartTime: new Date(Math.floor(from.getTime() / 1000) * 1000),
  EventEndTime: new Date(Math.ceil(to.getTime() / 1000) * 1000),
});

const notThere =
  (what: string) =>
  (error: unknown): never => {
    if (!hasErrorName(error, 'ResourceNotFoundException')) throw error;
    throw new CommandError(`${what} is not there.`, 'Check the profile and region, and what was deployed.');
  };

async function ruleArn(eventBridge: EventBridgeClient, EventBusName: string, Name: string): Promise<string> {
  const { Arn = '' } = await eventBridge
    .send(new DescribeRuleCommand({ EventBusName, Name }))
    .catch(notThere(`The rule ${Name} of the bus ${EventBusName}`));
  return Arn;
}

async function ended(
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
        'Start it again; what comes twice has the same event_id.',
      );
    const reached =
      EventLastReplayedTime === undefined ? '' : `, at events of ${EventLastReplayedTime.toISOString()}`;
    report(`${State}${reached}`);
    await clock.sleep(PAUSE);
  }
}

/** A count that does not grow any more, or that of the end of the settling time. */
async function settled(
  count: () => Promise<number>,
  clock: Clock,
  report: (line: string) => void,
): Promise<number> {
  const until = clock.now() + SETTLING;
  let before = -1;
  for (;;) {
    const now = await count();
    if ((now === before && now > 0) || clock.now() > until) return now;
    before = now;
    report(`replayed; ${now} events have come to the log`);
    await clock.sleep(PAUSE);
  }
}

const replayed = z.looseObject({
  'replay-name': z.string(),
  detail: z.looseObject({ metadata: z.looseObject({ event_id: z.string() }) }),
});

/** How many different events a replay has brought to a log. */
async function countIn(
  client: CloudWatchLogsClient,
  logGroupName: string,
  replay: string,
  startTime: number,
): Promise<number> {
  const ids = new Set<string>();
  // Text in quotes finds lines that contain it; which field that is, the event tells.
  const search = { logGroupName, startTime, filterPattern: `"${replay}"` };
  for await (const { events = [] } of paginateFilterLogEvents({ client }, search))
    for (const { message = '' } of events) {
      const event = replayed.safeParse(JSON.parse(message));
      if (event.success && event.data['replay-name'] === replay) ids.add(event.data.detail.metadata.event_id);
    }
  return ids.size;
}
