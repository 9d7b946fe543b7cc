import * as z from 'zod';
import { kindOf } from '../services.ts';
import { type EventName, eventDetail, eventRows, eventSource, events, sourceOf } from './catalogue.ts';

/** For subscribers: event patterns for rules, and a reader for delivered events. */

const received = <Name extends EventName>(name: Name) =>
  z.object({
    source: eventSource[events[name].publisher],
    'detail-type': z.literal(name),
    detail: eventDetail(name),
  });

type DataOf<Name extends EventName> = z.infer<(typeof events)[Name]['data']>;
type MetadataOf<Name extends EventName> = z.infer<ReturnType<typeof eventDetail<Name>>>['metadata'];

/**
 * An event of the catalogue as EventBridge delivers it, without the other fields of EventBridge's envelope. The
 * `detail-type` discriminates the union.
 */
export type ReceivedEvent = {
  [Name in EventName]: {
    source: string;
    'detail-type': Name;
    detail: { metadata: MetadataOf<Name>; data: DataOf<Name> };
  };
}[EventName];

const envelope = z.object({ source: z.string(), 'detail-type': z.string() });

/** The catalogue does not have the event. */
export class UnknownEvent extends Error {
  override readonly name = 'UnknownEvent';
}

/**
 * Parses an event with its schema.
 * @throws UnknownEvent if the catalogue does not have the event; ZodError if the event does not match its schema
 */
export function readEvent(event: unknown): ReceivedEvent {
  const { source, 'detail-type': type } = envelope.parse(event);
  const row = eventRows.find(
    ([name, { publisher }]) => name === type && eventSource[publisher].safeParse(source).success,
  );
  if (row === undefined) throw new UnknownEvent(`${source} has no event ${type} in the catalogue.`);
  const [name] = row;
  return received(name).parse(event) as ReceivedEvent; // parsed by the schema of exactly this name
}

/** Storage for the ids of handled events. Keep them as long as EventBridge can repeat or replay the events. */
export interface HandledEvents {
  /** Stores an event_id; resolves to whether it was new. */
  add(eventId: string): Promise<boolean>;
}

/**
 * Parses an event and calls `handle` unless the event was handled before: EventBridge delivers at least once, and a
 * replay delivers again. The id is stored before `handle` is called, so an error of `handle` is not retried; if `handle`
 * is idempotent, store the id afterwards instead.
 * @throws UnknownEvent, ZodError as `readEvent`
 */
export async function handleOnce<Result>(
  event: unknown,
  handledEvents: HandledEvents,
  handle: (event: ReceivedEvent) => Promise<Result>,
): Promise<Result | undefined> {
  const parsed = readEvent(event);
  return (await handledEvents.add(parsed.detail.metadata.event_id)) ? handle(parsed) : undefined;
}

type Text = string | null | undefined;
/** Names of the text fields of a type; of a union, those that each member has. */
type TextFields<Of> = { [Field in keyof Of]-?: Of[Field] extends Text ? Field : never }[keyof Of];

/**
 * Filter on the data of events: every named field must have one of its values. Only fields that each of the events has:
 * a pattern with another field would never match.
 */
export type DataFilter<Name extends EventName = EventName> = {
  [Field in TextFields<DataOf<Name>>]?: readonly string[];
} & { provisioning_id?: readonly string[] };

/**
 * The event pattern of a rule that matches these events of one service and no others.
 * docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern.html
 * @param service name of the service that publishes the events: `app1`, or a target
 * @throws Error if a service of its kind does not publish one of the events
 */
export function eventPattern<Name extends EventName>(
  service: string,
  names: readonly [Name, ...Name[]],
  filter: DataFilter<Name> = {},
) {
  const unpublished = names.filter((name) => events[name].publisher !== kindOf(service));
  if (unpublished.length > 0) throw new Error(`${service} does not publish ${unpublished.join(', ')}.`);
  const { provisioning_id, ...data }: { readonly [field: string]: readonly string[] | undefined } = filter;
  const fields = Object.entries(data).filter(([, values]) => values !== undefined);
  return {
    source: [sourceOf(service)],
    'detail-type': [...new Set(names)],
    detail: {
      metadata: {
        schema_version: [...new Set(names.map((name) => events[name].version))],
        ...(provisioning_id === undefined ? {} : { provisioning_id }),
      },
      ...(fields.length === 0 ? {} : { data: Object.fromEntries(fields) }),
    },
  };
}
