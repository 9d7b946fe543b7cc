import type { HistoryEvent } from '@aws-sdk/client-sfn';

/**
 * The shape of a history: of each event its id, that of the event that it names as the one before it, and its type. That
 * is how recordings are compared here; they are LocalStack's, and a test names the one that it stands on
 * (docs/decisions/0030-recorded-on-aws.md).
 */
export const shapeOf = (
  events: readonly HistoryEvent[],
): [id: number | undefined, previous: number | undefined, type: string | undefined][] =>
  events.map(({ id, previousEventId, type }) => [id, previousEventId, type]);

/** The only event of this type. */
export function only(events: readonly HistoryEvent[], type: HistoryEvent['type']): HistoryEvent {
  const [one, ...more] = events.filter((event) => event.type === type);
  if (one === undefined || more.length > 0) throw new Error(`There are ${more.length + 1} events ${type}.`);
  return one;
}
