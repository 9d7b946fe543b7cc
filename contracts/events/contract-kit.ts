import * as z from 'zod';
import { type EventName, eventDetail, eventSource, events, sourceOf } from './catalogue.ts';
import { readEvent } from './subscriber.ts';

/**
 * Contract tests for subscribers: the schema that a subscriber reads events with, checked against the catalogue and
 * against recorded events of a deployed system (produced/, one file per event). A check returns the violations as
 * sentences, or an empty array.
 */
export interface Expectation<Name extends EventName = EventName> {
  /** Events that the subscriber reads. */
  events: readonly [Name, ...Name[]];
  /** Name of the service whose events it reads; without a name, it has to read those of every service. */
  service?: string;
  /** Schema of the fields that it reads, of the event as EventBridge delivers it. */
  reads: z.ZodType;
}

/**
 * Checks that the subscriber can read every event that the catalogue allows. JSON Schema has no refinements (`refine`)
 * and transforms; `checkAgainstProduced` evaluates them.
 */
export function checkAgainstCatalogue({ events: names, service, reads }: Expectation): string[] {
  const readSchema = z.toJSONSchema(reads, { io: 'input' });
  return names.flatMap((name) => {
    if (events[name] === undefined) return [`${name}: the catalogue has no such event.`];
    const published = z.object({
      source: service === undefined ? eventSource[events[name].publisher] : z.literal(sourceOf(service)),
      'detail-type': z.literal(name),
      detail: eventDetail(name),
    });
    return violations(z.toJSONSchema(published, { io: 'output' }), readSchema, name);
  });
}

/** Checks that the subscriber can read every recorded event, and that at least one of each was recorded. */
export function checkAgainstProduced(
  { events: names, reads }: Expectation,
  produced: readonly unknown[],
): string[] {
  return names.flatMap((name) => {
    const eventsOfName = produced.filter((event) => detailTypeOf(event) === name);
    if (eventsOfName.length === 0) return [`${name}: no such event was recorded.`];
    return eventsOfName.flatMap((event) => {
      const read = reads.safeParse(readEvent(event));
      return read.success
        ? []
        : read.error.issues.map(({ path, message }) => `${[name, ...path].join('.')}: ${message}`);
    });
  });
}

/** Events that a subscriber's pattern must match, and events that it must not match. */
export interface PatternExpectation {
  pattern: object;
  matches: readonly object[];
  ignores: readonly object[];
}

/**
 * Checks an event pattern against events.
 * @param testEventPattern calls EventBridge's TestEventPattern with the event as it is delivered
 * docs.aws.amazon.com/eventbridge/latest/APIReference/API_TestEventPattern.html
 */
export async function checkPattern(
  { pattern, matches, ignores }: PatternExpectation,
  testEventPattern: (pattern: object, event: object) => Promise<boolean>,
): Promise<string[]> {
  const misjudged = async (tested: readonly object[], expected: boolean) => {
    const results = await Promise.all(tested.map((event) => testEventPattern(pattern, event)));
    return tested.filter((_, index) => results[index] !== expected);
  };
  return [
    ...(await misjudged(matches, true)).map((event) => `not matched: ${JSON.stringify(event)}`),
    ...(await misjudged(ignores, false)).map((event) => `matched: ${JSON.stringify(event)}`),
  ];
}

const detailTypeOf = (event: unknown): string =>
  z.object({ 'detail-type': z.string() }).parse(event)['detail-type'];

type JsonSchema = z.core.JSONSchema.JSONSchema;
type MaybeSchema = boolean | JsonSchema | MaybeSchema[] | undefined;

/** A subschema as an object: no schema and `true` accept everything, `false` accepts nothing. */
const normalize = (schema: MaybeSchema): JsonSchema =>
  typeof schema === 'object' && !Array.isArray(schema) ? schema : schema === false ? { not: {} } : {};

/** Keywords that do not constrain the value. */
const ANNOTATIONS = ['$schema', '$id', 'title', 'description'];

/** The alternatives of a schema: of `anyOf`, and of several types. */
function alternatives({ anyOf, type: types, ...keywords }: JsonSchema): JsonSchema[] {
  if (anyOf !== undefined) return anyOf.flatMap(alternatives);
  return [types].flat().map((type) => {
    if (type === undefined) return keywords;
    return type === 'null' ? { type } : { ...keywords, type };
  });
}

/**
 * Reasons for which the reader may refuse a value that the publisher may send. Conservative: a keyword of the reader
 * that differs from the catalogue's counts as a violation, even if it is weaker.
 * @param path position of the value in the event
 */
function violations(published: JsonSchema, read: JsonSchema, path: string): string[] {
  const readers = alternatives(read);
  return alternatives(published).flatMap((sent) => {
    const perReader = readers.map((reader) => violationsOf(sent, reader, path));
    return perReader.some(({ length }) => length === 0) ? [] : (perReader[0] ?? []);
  });
}

function violationsOf(sent: JsonSchema, read: JsonSchema, path: string): string[] {
  const values = sent.enum ?? (sent.const === undefined ? undefined : [sent.const]);
  if (values !== undefined) {
    const reader = z.fromJSONSchema(read);
    const unread = values.filter((value) => !reader.safeParse(value).success);
    return unread.map((value) => `${path}: ${JSON.stringify(value)} can be sent, but the schema refuses it.`);
  }
  return [
    ...keywordViolations(sent, read, path),
    ...fieldViolations(sent, read, path),
    ...(read.items === undefined
      ? []
      : violations(normalize(sent.items), normalize(read.items), `${path}[]`)),
  ];
}

/** Keywords of the reader, `type` included, that the catalogue does not have. */
function keywordViolations(sent: JsonSchema, read: JsonSchema, path: string): string[] {
  const { required, additionalProperties, properties, items, ...keywords } = read;
  return Object.entries(keywords)
    .filter(
      ([keyword, value]) =>
        !ANNOTATIONS.includes(keyword) && JSON.stringify(value) !== JSON.stringify(sent[keyword]),
    )
    .filter(([, value]) => !(value === 'number' && sent.type === 'integer'))
    .map(
      ([keyword, value]) =>
        `${path}: the schema requires ${keyword} ${JSON.stringify(value)}, which the catalogue does not guarantee.`,
    );
}

function fieldViolations(sent: JsonSchema, read: JsonSchema, path: string): string[] {
  const { properties: fields = {}, required = [] } = sent;
  const readFields = read.properties ?? {};
  const missing = (read.required ?? []).filter((field) => !required.includes(field));
  const unknown =
    read.additionalProperties === false
      ? Object.keys(fields).filter((field) => !Object.hasOwn(readFields, field))
      : [];
  return [
    ...missing.map((field) => `${path}.${field}: the schema requires the field, but it is not always sent.`),
    ...unknown.map((field) => `${path}.${field}: is sent, but the schema refuses unknown fields.`),
    ...Object.entries(readFields)
      .filter(([field]) => Object.hasOwn(fields, field))
      .flatMap(([field, schema]) =>
        violations(normalize(fields[field]), normalize(schema), `${path}.${field}`),
      ),
  ];
}
