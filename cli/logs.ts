import { setTimeout } from 'node:timers/promises';
import { CloudWatchLogsClient, paginateFilterLogEvents } from '@aws-sdk/client-cloudwatch-logs';
import { nearest } from '../infra/nearest.ts';
import { availableOutputs, listServices } from './services.ts';
import { colors } from './support/colors.ts';
import { newCommand, runOnSystem } from './support/command.ts';
import { CommandError } from './support/command-error.ts';
import { printableLines } from './support/printable.ts';
import { type TargetEnvironment, targetEnvironment, targetEnvironmentOptions } from './target-environment.ts';
import { by, since } from './values.ts';

/** The default period, in milliseconds. */
const DEFAULT_PERIOD = 15 * 60_000;
/** Milliseconds between two reads with `--follow`. */
const PAUSE = 2_000;
/** Milliseconds by which each read overlaps the previous one, because lines can arrive late. */
const OVERLAP = 60_000;
/** FilterLogEvents has a quota of a few calls per second: the SDK retries a throttled call. */
const ATTEMPTS = 10;

/**
 * `npm run logs -- [function] [--follow]`: prints the lines of the log groups of all services, oldest first, from the local
 * AWS that is up or from AWS. Without a function it reads every log group: functions, workflows, APIs and buses.
 */
export async function main(args: string[]): Promise<number> {
  const command = newCommand('logs')
    .description('Prints the logs of all services, or of one function, oldest line first.')
    .argument('[function]', 'create-user or app2-create-user (default: all log groups)')
    .option('--follow', 'continue until interrupted; starts now unless --since is given')
    .option('--since <time>', '90s, 15m, 1h, 7d, or a time in ISO 8601 (default: 15m)', by(since));
  return runOnSystem(
    () => command.parse(args, { from: 'user' }),
    async () => {
      const [name] = command.processedArgs;
      const { follow = false, since: start, ...rest } = command.opts();
      const target = targetEnvironment(targetEnvironmentOptions.parse(rest));
      const groups = chosenGroups(await logGroupsOf(target), name);
      const interrupted = interruption();
      const now = Date.now();
      await printLogs(
        {
          logs: target.client(CloudWatchLogsClient, target.local ? {} : { maxAttempts: ATTEMPTS }),
          clock: {
            now: Date.now,
            sleep: (milliseconds) => setTimeout(milliseconds, undefined, { signal: interrupted }),
          },
          print: (line) => void process.stdout.write(line),
          interrupted,
        },
        groups,
        { start: start?.(now) ?? (follow ? now : now - DEFAULT_PERIOD), follow },
      );
      return 0;
    },
  );
}

/** The log groups of the services that are in this account and region. @throws CliError when none is */
async function logGroupsOf(target: TargetEnvironment): Promise<string[]> {
  const services = await listServices(target);
  const [missing] = services.flatMap(({ outputs }) => (outputs.isAvailable ? [] : [outputs.error]));
  const groups = availableOutputs(services).flatMap(({ log_groups }) => log_groups);
  if (groups.length === 0 && missing !== undefined) throw missing;
  return groups;
}

/** The name of a log group's source: `app2-create-user`, `app2-CreateServiceUser`, `apigateway/app2-service-users`, `events/…`. */
const nameOf = (group: string): string => group.replace(/^\/aws\/(lambda\/|vendedlogs\/states\/)?/, '');
/** The last part of the name; an API and a bus can have the same. */
const lastOf = (group: string): string => group.slice(group.lastIndexOf('/') + 1);

/**
 * The log groups of the source with this name, with or without the prefix of its service or kind; all without a name.
 * @throws CommandError when there is none, with similar names
 */
export function chosenGroups(groups: readonly string[], name: string | undefined): readonly string[] {
  if (name === undefined) return groups;
  const chosen = groups.filter((group) =>
    [group, nameOf(group), lastOf(group), unprefixed(lastOf(group))].includes(name),
  );
  if (chosen.length > 0) return chosen;
  const all = groups.map(nameOf);
  const similar = all.filter((one) => one.includes(name));
  const typo = nearest(name, [...all, ...groups.map((group) => unprefixed(lastOf(group)))]);
  const proposals = similar.length === 0 && typo !== undefined ? [typo] : similar;
  throw new CommandError(
    `There is no log group for ${name}.`,
    proposals.length > 0
      ? `Did you mean ${proposals.join(' or ')}?`
      : `Use one of these names:\n  ${all.join('\n  ')}`,
  );
}

/** The name of a function without the prefix of its service. */
const unprefixed = (name: string): string => name.replace(/^[a-z][a-z0-9]{1,19}-/, '');

interface Reading {
  logs: CloudWatchLogsClient;
  clock: { now(): number; sleep(milliseconds: number): Promise<unknown> };
  print: (line: string) => void;
  /** Stops `follow`. */
  interrupted: AbortSignal;
}

/**
 * Prints each line since `start` (milliseconds since the epoch) once; with `follow`, until it is interrupted.
 * docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html
 */
export async function printLogs(
  { logs, clock, print, interrupted }: Reading,
  groups: readonly string[],
  { start, follow }: { start: number; follow: boolean },
): Promise<void> {
  const printed = new Set<string>();
  const width = Math.max(...groups.map((group) => nameOf(group).length));
  for (let from = start; !interrupted.aborted; ) {
    const readAt = clock.now();
    const lines = (await linesOf(logs, groups, from)).filter(({ id }) => !printed.has(id));
    for (const { id, time, group, message } of lines) {
      printed.add(id);
      print(`${colors.dim(new Date(time).toISOString())}  ${nameOf(group).padEnd(width)}  ${message}\n`);
    }
    if (!follow) return;
    from = Math.max(from, readAt - OVERLAP);
    await clock.sleep(PAUSE).catch((error: unknown) => {
      if (!interrupted.aborted) throw error;
    });
  }
}

interface Line {
  id: string;
  /** Milliseconds since the epoch. */
  time: number;
  group: string;
  message: string;
}

/** The lines of these groups since a time, oldest first. Sequential calls: all callers of the account share one quota. */
async function linesOf(
  client: CloudWatchLogsClient,
  groups: readonly string[],
  startTime: number,
): Promise<Line[]> {
  const lines: Line[] = [];
  for (const logGroupName of groups)
    for await (const { events = [] } of paginateFilterLogEvents({ client }, { logGroupName, startTime }))
      for (const { eventId = '', timestamp = 0, message = '' } of events)
        lines.push({
          id: `${logGroupName} ${eventId}`,
          time: timestamp,
          group: logGroupName,
          message: printableLines(message.trimEnd()),
        });
  return lines.sort((one, other) => one.time - other.time);
}

/** Aborted when the user ends the command. */
function interruption(): AbortSignal {
  const interrupted = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.once(signal, () => interrupted.abort());
  return interrupted.signal;
}
