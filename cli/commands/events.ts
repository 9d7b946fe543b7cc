import * as z from 'zod';
import { events as catalogue, type EventName } from '../../contracts/events/catalogue.ts';
import { provisioningId } from '../../contracts/fields.ts';
import type { EventLine } from '../answers.ts';
import { examples, type Program } from '../base.ts';
import { eventsOn, type Logged } from '../bus-log.ts';
import { seen } from '../connect.ts';
import type { Exit } from '../exit-status.ts';
import { at } from '../format.ts';
import type { Run, Session } from '../session.ts';
import { colors } from '../support/colors.ts';
import { by, since } from '../values.ts';

const names = Object.keys(catalogue) as [EventName, ...EventName[]]; // keys of a const object that is not empty
const eventName = z.enum(names, { error: `must be one of ${names.join(', ')}` });

/** Between two looks, in milliseconds; and how far back each of them looks, since lines may come late. */
const PAUSE = 2_000;
const LATE = 60_000;
const AN_HOUR = 3_600_000;

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
  let from = options.since?.(now) ?? (follow ? now : now - AN_HOUR);
  progress.say(`Reading the logs of the buses at ${session.connection.where}`);
  const known = new Set<string>();
  const busNames = await busesOf(session);
  for (;;) {
    const looked = clock.now();
    const found = await Promise.all(
      busNames.map((bus) => eventsOn(session, bus, { since: from, provisioningId: options.id })),
    );
    print(session, found.flat(), known, options);
    if (!follow) return 'ok';
    from = Math.max(from, looked - LATE);
    await clock.sleep(PAUSE).catch((error: unknown) => {
      if (!interrupted.aborted) throw error;
    });
    if (interrupted.aborted) return 'ok';
  }
}

/** The buses that can be seen; says which cannot. @throws CliError when none can */
async function busesOf({ connection, terminal, progress }: Session): Promise<string[]> {
  const looked = await Promise.all([seen(connection.app1), seen(connection.app2)]);
  const missing = looked.flatMap((one) => (one.there ? [] : [one.why]));
  const [first] = missing;
  if (first !== undefined && missing.length === looked.length) throw first;
  progress.end();
  for (const { message } of missing) terminal.err(`${message} Its events are not shown.\n`);
  return looked.flatMap((one) => (one.there ? [one.value.event_bus_name] : []));
}

function print(session: Session, found: Logged[], known: Set<string>, { name }: Options): void {
  const lines = found
    .filter(({ id, event }) => !known.has(id) && (name === undefined || event.name === name))
    .sort((one, other) => one.event.occurred_at.localeCompare(other.event.occurred_at));
  for (const { id, event } of lines) {
    known.add(id);
    session.answer(event, readable(event));
  }
}

function readable({ occurred_at, name, provisioning_id, data }: EventLine): string {
  const failure = z.object({ failure: z.object({ step: z.string(), error: z.string() }) }).safeParse(data);
  const why = failure.success ? `  ${failure.data.failure.error} at ${failure.data.failure.step}` : '';
  const user = typeof data['username'] === 'string' ? `  ${data['username']}` : '';
  const width = Math.max(...names.map((one) => one.length));
  return `${colors.dim(at(occurred_at))}  ${name.padEnd(width)}  ${provisioning_id}${user}${why}`;
}

export const addEvents = (program: Program, run: Run) =>
  program
    .command('events')
    .summary('the audit events of both services')
    .description(
      'Prints the audit events as the logs of both buses received them, the oldest first; with --json one JSON object a line.',
    )
    .option('--follow', 'go on until interrupted; from now on, unless --since says otherwise')
    .option('--id <provisioning_id>', 'only those of this provisioning', by(provisioningId))
    .option('--name <event>', 'only those of this name, as in docs/events.md', by(eventName))
    .option('--since <time>', '90s, 15m, 1h, 7d, or a point in time (default: 1h)', by(since))
    .addHelpText(
      'after',
      examples(
        ['what one provisioning said', 'events --id 0b54a0a5-91d2-4f21-9a5d-6a1c2f7f7d01 --since 7d'],
        [
          'failures as they happen, for a script',
          'events --follow --name ServiceUserProvisioningFailed --json',
        ],
      ),
    )
    .action((options, command) => run(command, (session) => events(session, options)));
