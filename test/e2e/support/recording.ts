import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { root } from '../../../cli/support/paths.ts';

/** Recorded events of a deployed system, for the contract tests of subscribers; one file per event. */
export const recordings = join(root, 'contracts', 'events', 'produced');

const event = z.looseObject({ 'detail-type': z.string(), source: z.string(), detail: z.looseObject({}) });
export type ProducedEvent = z.infer<typeof event>;
export const producedEvent = event;

/** The recordings of an event; empty if there are none. */
export function recorded(name: string): ProducedEvent[] {
  const file = join(recordings, `${name}.json`);
  return existsSync(file) ? z.array(event).parse(JSON.parse(readFileSync(file, 'utf8'))) : [];
}

/** The fields of an event with the types of their values, as text: equal for events that differ in values only. */
export function shapeOf({ source, 'detail-type': name, detail }: ProducedEvent): string {
  return JSON.stringify(typesOf({ source, name, detail }));
}

function typesOf(value: unknown): unknown {
  if (value === null) return 'null';
  if (Array.isArray(value)) return [...new Set(value.map((item) => JSON.stringify(typesOf(item))))].sort();
  if (typeof value !== 'object') return typeof value;
  const fields = Object.entries(value).sort(([a], [b]) => a.localeCompare(b));
  return Object.fromEntries(fields.map(([field, inner]) => [field, typesOf(inner)]));
}

/** One event of each shape. */
export function variantsOf(events: readonly ProducedEvent[]): ProducedEvent[] {
  const firsts = new Map<string, ProducedEvent>();
  for (const produced of events) if (!firsts.has(shapeOf(produced))) firsts.set(shapeOf(produced), produced);
  return [...firsts.values()];
}

/** Writes one event of each shape, unless the recording has the same shapes already. */
export function record(name: string, produced: readonly ProducedEvent[]): void {
  const variants = variantsOf(produced);
  const shapes = (events: readonly ProducedEvent[]) => JSON.stringify(events.map(shapeOf).sort());
  if (shapes(variants) === shapes(recorded(name))) return;
  mkdirSync(recordings, { recursive: true });
  writeFileSync(join(recordings, `${name}.json`), `${JSON.stringify(variants, undefined, 2)}\n`);
}
