import * as z from 'zod';
import { type EventName, eventDetail, eventRows, events } from './catalogue.ts';

/** What a subscriber needs: a pattern for its rule, and a reader for what comes. */

const received = <Name extends EventName>(name: Name) =>
  z.object({
    source: z.literal(events[name].source),
    'detail-type': z.literal(name),
    detail: eventDetail(name),
  });

type DataOf<Name extends EventName> = z.infer<(typeof events)[Name]['data']>;
type MetadataOf<Name extends EventName> = z.infer<ReturnType<typeof eventDetail<Name>>>['metadata'];

/**
 * An event of the catalogue as EventBridge delivers it; what EventBridge adds is passed over. Its `detail-type` tells
 * which data it has.
 */
export type ReceivedEvent = {
  [Name in EventName]: {
    source: (typeof events)[Name]['source'];
    'detail-type': Name;
    detail: { metadata: MetadataOf<Name>; data: DataOf<Name> };
  };
}[EventName];

const envelope = z.object({ source: z.string(), 'detail-type': z.string() });

/** An event that is none of the catalogue, or of a version that this release does not know. */
export class UnknownEvent extends Error {
  override readonly name = 'UnknownEvent';
}

/**
 * Reads an event and checks it against its schema.
 * @throws UnknownEvent for one that the catalogue does not have; ZodError for one that is not as it was published
 */
export function readEvent(event: unknown): ReceivedEvent {
  const { source, 'detail-type': type } = envelope.parse(event);
  const row = eventRows.find(([name, { source: sender }]) => name === type && sender === source);
  if (row === undefined) throw new UnknownEvent(`${source} has no event ${type} in the catalogue.`);
  const [name] = row;
  return received(name).parse(event) as ReceivedEvent; // parsed by the schema of exactly this name
}

/** Where a subscriber keeps which events it has handled, for as long as EventBridge repeats and replays them. */
export interface Seen {
  /** Remembers an event_id; says whether it was new. */
  add(eventId: string): Promise<boolean>;
}

/**
 * Reads an event and hands it on, once: EventBridge delivers at least once, and a replay delivers again. When the
 * handling may be repeated, remember the event after it instead.
 */
export async function handleOnce<Result>(
  event: unknown,
  seen: Seen,
  handle: (event: ReceivedEvent) => Promise<Result>,
): Promise<Result | undefined> {
  const known = readEvent(event);
  return (await seen.add(known.detail.metadata.event_id)) ? handle(known) : undefined;
}

type Text = string | null | undefined;
/** Names of the fields of a type that hold a text; of a union those that each of its members has. */
type TextFields<Of> = { [Field in keyof Of]-?: Of[Field] extends Text ? Field : never }[keyof Of];

/**
 * Values of fields that an event must have, all of them; of each field one of several values. Only fields that each of
 * the events has: a pattern with another one would not match.
 */
export type Where<Name extends EventName = EventName> = {
  [Field in TextFields<DataOf<Name>>]?: readonly string[];
} & { provisioning_id?: readonly string[] };

/**
 * The pattern of a rule for these events, and for no others.
 * docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern.html
 */
export function eventPattern<Name extends EventName>(
  wanted: readonly [Name, ...Name[]],
  where: Where<Name> = {},
) {
  const { provisioning_id, ...data }: { readonly [field: string]: readonly string[] | undefined } = where;
  const fields = Object.entries(data).filter(([, values]) => values !== undefined);
  return {
    source: [...new Set(wanted.map((name) => events[name].source))],
    'detail-type': [...new Set(wanted)],
    detail: {
      metadata: {
        schema_version: [...new Set(wanted.map((name) => events[name].version))],
        ...(provisioning_id === undefined ? {} : { provisioning_id }),
      },
      ...(fields.length === 0 ? {} : { data: Object.fromEntries(fields) }),
    },
  };
}
