import { type EventName, eventRows, events } from './catalogue.ts';

/** Valid sequences of the audit events of one provisioning at one service. docs/events.md has the diagram. */

const removals: readonly EventName[] = ['ServiceUserDeprovisioned', 'ServiceUserRemoved'];

/**
 * Whether an event can be the first one of a sequence. A failure or a cancellation can precede every other event; a
 * removal is only published for a user whose creation was published.
 */
export const startsSequence = (name: EventName): boolean =>
  events[name].about === 'provisioning' && !removals.includes(name);

/** Whether an event can be the last one: the state of the user is known, and no other event must follow. */
export const endsSequence = (name: EventName): boolean =>
  events[name].about === 'provisioning' &&
  events[name].user !== 'unknown' &&
  name !== 'ServiceUserProvisioningRequested';

const followers = new Map<string, readonly string[]>(
  eventRows.map(([name, { followed_by }]) => [name, followed_by]),
);

/**
 * Violations in the events of one provisioning at one service, as sentences; empty for a valid sequence.
 * @param names the events without duplicates, in the order of their `sequence`
 * @param finished whether the provisioning has finished, so that the sequence must be complete
 */
export function sequenceViolations(
  names: readonly EventName[],
  { finished }: { finished: boolean },
): string[] {
  const violations: string[] = [];
  const [first] = names;
  if (first !== undefined && !startsSequence(first)) violations.push(`${first} is the first event.`);
  for (const [index, name] of names.entries()) {
    const next = names[index + 1];
    if (next !== undefined && !followers.get(name)?.includes(next))
      violations.push(`${next} follows ${name}.`);
  }
  const last = names.at(-1);
  if (finished && (last === undefined || !endsSequence(last)))
    violations.push(`${last ?? 'No event'} is the last event.`);
  return violations;
}
