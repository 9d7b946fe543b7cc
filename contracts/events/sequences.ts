import { type EventName, eventRows, events } from './catalogue.ts';

/** What the facts of one provisioning at one service may be, one after the other. docs/events.md draws it. */

const removals: readonly EventName[] = ['ServiceUserDeprovisioned', 'ServiceUserRemoved'];

/**
 * Whether a fact can be the first one that is told. Whatever happens may happen before anything was told, but only
 * what was told to be there is told to be removed.
 */
export const startsSequence = (name: EventName): boolean =>
  events[name].about === 'provisioning' && !removals.includes(name);

/** Whether a fact can be the last one: it is known what became of the user, and nothing has to follow. */
export const endsSequence = (name: EventName): boolean =>
  events[name].about === 'provisioning' &&
  events[name].user !== 'unknown' &&
  name !== 'ServiceUserProvisioningRequested';

const followers = new Map<string, readonly string[]>(
  eventRows.map(([name, { followed_by }]) => [name, followed_by]),
);

/**
 * What is wrong with the facts of one provisioning at one service, given in the order of their `sequence`, each once;
 * empty when they are a story that the catalogue knows. `ended`: whether it must have come to its end.
 */
export function sequenceViolations(facts: readonly EventName[], { ended }: { ended: boolean }): string[] {
  const faults: string[] = [];
  const [first] = facts;
  if (first !== undefined && !startsSequence(first)) faults.push(`${first} is the first fact.`);
  for (const [place, fact] of facts.entries()) {
    const next = facts[place + 1];
    if (next !== undefined && !followers.get(fact)?.includes(next)) faults.push(`${next} follows ${fact}.`);
  }
  const last = facts.at(-1);
  if (ended && (last === undefined || !endsSequence(last)))
    faults.push(`${last ?? 'Nothing'} is the last fact.`);
  return faults;
}
