import * as z from 'zod';
import { events as catalogue, type EventName } from '../../contracts/events/catalogue.ts';
import { provisioningId } from '../../contracts/fields.ts';
import { examples, type Program } from '../base.ts';
import { type LoggedEvent, readBusLog } from '../bus-log.ts';
import type { Exit } from '../exit-status.ts';
import { formatTime } from '../format.ts';
import type { EventLine } from '../json-output.ts';
import { listServices } from '../services.ts';
import type { Run, Session } from '../session.ts';
import { colors } from '../support/colors.ts';
import { by, since } from '../values.ts';

const names = Object.keys(catalogue) as [EventName, ...EventName[]]; // the keys of a const object that is not empty
const eventName = z.enum(names, { error: `must be one of ${names.join(', ')}` });

/** Milliseconds between two reads of the logs. */
const PAUSE = 2_000;
/** Each read goes back this many milliseconds, because log lines can arrive late. */
const MAX_DELAY = 60_000;
const HOUR = 3_600_000;

interface Options {
  follow?: true;
  id?: string;
  name?: EventName;
  since?: (now: number) => number;
}

export async function events(session: Session, options: Options): Promise<Exit> {
  const { clock, interrupted, progress } = session;
  const follow = options.follow === true;
  const now = clock.now();
  let from = options.since?.(now) ?? (follow ? now : now - HOUR);
  progress.update(`Reading the logs of the buses at ${session.connection.displayName}`);
  const printedIds = new Set<string>();
  const buses = await findBuses(session);
  const serviceWidth = Math.max(...buses.map(({ service }) => service.length));
  for (;;) {
    const readAt = clock.now();
    const found = await Promise.all(
      buses.map(({ bus }) => readBusLog(session, bus, { since: from, provisioningId: options.id })),
    );
    print(session, found.flat(), printedIds, { ...options, serviceWidth });
    if (!follow) return 'ok';
    from = Math.max(from, readAt - MAX_DELAY);
    await clock.sleep(PAUSE).catch((error: unknown) => {
      if (!interrupted.aborted) throw error;
    });
    if (interrupted.aborted) return 'ok';
  }
}

/** The buses of the services. Prints which services are not available. @throws CliError when none is */
async function findBuses({
  connection,
  terminal,
  progress,
}: Session): Promise<{ service: string; bus: string }[]> {
  const services = await listServices(connection);
  const missing = services.flatMap(({ outputs }) => (outputs.isAvailable ? [] : [outputs.error]));
  const [first] = missing;
  if (first !== undefined && missing.length === services.length) throw first;
  progress.stop();
  for (const { message } of missing) terminal.err(`${message} Its events are not printed.\n`);
  return services.flatMap(({ name, outputs }) =>
    outputs.isAvailable ? [{ service: name, bus: outputs.value.event_bus_name }] : [],
  );
}

function print(
  session: Session,
  found: LoggedEvent[],
  printedIds: Set<string>,
  { name, serviceWidth }: Pick<Options, 'name'> & { serviceWidth: number },
): void {
  const lines = found
    .filter(({ id, event }) => !printedIds.has(id) && (name === undefined || event.name === name))
    .sort((one, other) => one.event.occurred_at.localeCompare(other.event.occurred_at));
  for (const { id, event } of lines) {
    printedIds.add(id);
    session.print(event, formatEvent(event, serviceWidth));
  }
}

function formatEvent(
  { occurred_at, source, name, provisioning_id, data }: EventLine,
  serviceWidth: number,
): string {
  const failure = z.object({ failure: z.object({ step: z.string(), error: z.string() }) }).safeParse(data);
  const why = failure.success ? `  ${failure.data.failure.error} at ${failure.data.failure.step}` : '';
  const user = typeof data['username'] === 'string' ? `  ${data['username']}` : '';
  const width = Math.max(...names.map((one) => one.length));
  // A source begins with the name of its service.
  const [service = source] = source.split('.');
  return `${colors.dim(formatTime(occurred_at))}  ${service.padEnd(serviceWidth)}  ${name.padEnd(width)}  ${provisioning_id}${user}${why}`;
}

export const addEvents = (program: Program, run: Run) =>
  program
    .command('events')
    .summary('print the audit events of all services')
    .description(
      'Prints the audit events from the logs of all buses, oldest first; with --json one JSON object per line.',
    )
    .option('--follow', 'continue until interrupted; starts now unless --since is given')
    .option('--id <provisioning_id>', 'only events of this provisioning', by(provisioningId))
    .option('--name <event>', 'only events of this name (docs/events.md)', by(eventName))
    .option('--since <time>', '90s, 15m, 1h, 7d, or a time in ISO 8601 (default: 1h)', by(since))
    .addHelpText(
      'after',
      examples(
        ['the events of one provisioning', 'events --id 0b54a0a5-91d2-4f21-9a5d-6a1c2f7f7d01 --since 7d'],
        [
          'failures as they happen, for a script',
          'events --follow --name ServiceUserProvisioningFailed --json',
        ],
      ),
    )
    .action((options, command) => run(command, (session) => events(session, options)));
