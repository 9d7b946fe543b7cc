import * as z from 'zod';
import { type EventName, eventDetail, events } from './catalogue.ts';
import { readEvent } from './subscriber.ts';

/**
 * For a subscriber's own tests: what it relies on, held against the catalogue and against events that a deployed
 * system has produced (produced/, one file per event). A check gives what is broken, in sentences; nothing when all is
 * kept.
 */
export interface Expectation<Name extends EventName = EventName> {
  /** Events that the subscriber relies on. */
  events: readonly [Name, ...Name[]];
  /** What it reads of each of them, as EventBridge delivers it; what it does not read is left out. */
  reads: z.ZodType;
}

/**
 * Whether every event that the catalogue allows is one that the subscriber can read. Own refinements (`refine`) and
 * what a transform makes of a value are not seen; `brokenByProduced` sees them.
 */
export function brokenByCatalogue({ events: names, reads }: Expectation): string[] {
  const read = z.toJSONSchema(reads, { io: 'input' });
  return names.flatMap((name) => {
    if (events[name] === undefined) return [`${name}: the catalogue has no such event.`];
    const sent = z.object({
      source: z.literal(events[name].source),
      'detail-type': z.literal(name),
      detail: eventDetail(name),
    });
    return refused(z.toJSONSchema(sent, { io: 'output' }), read, name);
  });
}

/** Whether the subscriber can read every event that was produced of those it relies on, and whether any was. */
export function brokenByProduced(
  { events: names, reads }: Expectation,
  produced: readonly unknown[],
): string[] {
  const typed = produced.map((event) => ({ name: typeOf(event), event }));
  return names.flatMap((name) => {
    const own = typed.filter((one) => one.name === name);
    if (own.length === 0) return [`${name}: none was produced.`];
    return own.flatMap(({ event }) => {
      const read = reads.safeParse(readEvent(event));
      return read.success
        ? []
        : read.error.issues.map(({ path, message }) => `${[name, ...path].join('.')}: ${message}`);
    });
  });
}

/** What a subscriber's pattern must let through, and what it must not. */
export interface PatternExpectation {
  pattern: object;
  matches: readonly object[];
  passesOver: readonly object[];
}

/**
 * Whether a pattern lets through what it should and nothing else.
 * @param judge EventBridge's own judgement: `TestEventPattern`, to which an event is given as it is delivered
 */
export async function brokenByPattern(
  { pattern, matches, passesOver }: PatternExpectation,
  judge: (pattern: object, event: object) => Promise<boolean>,
): Promise<string[]> {
  const wrong = async (all: readonly object[], wanted: boolean) => {
    const judged = await Promise.all(all.map((event) => judge(pattern, event)));
    return all.filter((_, at) => judged[at] !== wanted);
  };
  return [
    ...(await wrong(matches, true)).map((event) => `not matched: ${JSON.stringify(event)}`),
    ...(await wrong(passesOver, false)).map((event) => `matched: ${JSON.stringify(event)}`),
  ];
}

const typeOf = (event: unknown): string =>
  z.object({ 'detail-type': z.string() }).parse(event)['detail-type'];

type JsonSchema = z.core.JSONSchema.JSONSchema;
type MaybeSchema = boolean | JsonSchema | MaybeSchema[] | undefined;

/** The schema at a place: anything goes where there is none, and nothing is read of what zod does not write. */
const schemaAt = (schema: MaybeSchema): JsonSchema =>
  typeof schema === 'object' && !Array.isArray(schema) ? schema : schema === false ? { not: {} } : {};

/** Words that say nothing of the value. */
const REMARKS = ['$schema', '$id', 'title', 'description'];

/** The schemas of which a value meets one. */
function alternatives({ anyOf, type, ...rules }: JsonSchema): JsonSchema[] {
  if (anyOf !== undefined) return anyOf.flatMap(alternatives);
  const types = Array.isArray(type) ? type : [type];
  return types.map((one) =>
    one === undefined ? rules : one === 'null' ? { type: one } : { ...rules, type: one },
  );
}

/**
 * Why something that the one schema allows may be refused by the other. Errs to the safe side: a rule about the value
 * that is not the catalogue's own, word for word, counts as broken.
 */
function refused(sent: JsonSchema, read: JsonSchema, place: string): string[] {
  const reads = alternatives(read);
  return alternatives(sent).flatMap((one) => {
    const complaints = reads.map((each) => refusedByOne(one, each, place));
    return complaints.some(({ length }) => length === 0) ? [] : (complaints[0] ?? []);
  });
}

function refusedByOne(sent: JsonSchema, read: JsonSchema, place: string): string[] {
  const values = sent.enum ?? (sent.const === undefined ? undefined : [sent.const]);
  if (values !== undefined) {
    const reader = z.fromJSONSchema(read);
    const unread = values.filter((value) => !reader.safeParse(value).success);
    return unread.map((value) => `${place}: ${JSON.stringify(value)} can be sent, and is not read.`);
  }
  return [
    ...rulesBroken(sent, read, place),
    ...fieldsRefused(sent, read, place),
    ...(read.items === undefined ? [] : refused(schemaAt(sent.items), schemaAt(read.items), `${place}[]`)),
  ];
}

/** Every word of what is read that is not told of fields or items, `type` among them: it must be the catalogue's. */
function rulesBroken(sent: JsonSchema, read: JsonSchema, place: string): string[] {
  const { required, additionalProperties, properties, items, ...rules } = read;
  return Object.entries(rules)
    .filter(
      ([rule, value]) => !REMARKS.includes(rule) && JSON.stringify(value) !== JSON.stringify(sent[rule]),
    )
    .filter(([, value]) => !(value === 'number' && sent.type === 'integer'))
    .map(
      ([rule, value]) => `${place}: is read with ${rule} ${JSON.stringify(value)}, which is not promised.`,
    );
}

function fieldsRefused(sent: JsonSchema, read: JsonSchema, place: string): string[] {
  const { properties: fields = {}, required = [] } = sent;
  const wanted = read.properties ?? {};
  const missing = (read.required ?? []).filter((field) => !required.includes(field));
  const unknown =
    read.additionalProperties === false
      ? Object.keys(fields).filter((field) => !Object.hasOwn(wanted, field))
      : [];
  return [
    ...missing.map((field) => `${place}.${field}: is read always, and is not always sent.`),
    ...unknown.map((field) => `${place}.${field}: is sent, and refused as unknown.`),
    ...Object.entries(wanted)
      .filter(([field]) => Object.hasOwn(fields, field))
      .flatMap(([field, schema]) => refused(schemaAt(fields[field]), schemaAt(schema), `${place}.${field}`)),
  ];
}
