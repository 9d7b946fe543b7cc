import type { HistoryEvent } from '@aws-sdk/client-sfn';
import type { Definition } from './machines.ts';

/**
 * A state machine with an Inline Map over its input.
 * @param States the states of an iteration, which starts with the first
 * @param fields further fields of the Map
 * @param more the states after the Map; needs `Next` in `fields`
 */
export function mapOf(
  States: Record<string, object>,
  fields: object = {},
  more: Record<string, object> = {},
): Definition {
  const [StartAt = ''] = Object.keys(States);
  const ItemProcessor = { ProcessorConfig: { Mode: 'INLINE' }, StartAt, States };
  const end = 'Next' in fields ? {} : { End: true };
  return { StartAt: 'Map', States: { Map: { Type: 'Map', ItemProcessor, ...end, ...fields }, ...more } };
}

/**
 * The events of one iteration by the chain of `previousEventId`, which no other iteration can interrupt, from
 * MapIterationStarted.
 */
export function iterationOf(events: readonly HistoryEvent[], index: number): HistoryEvent[] {
  const found = events.filter(({ mapIterationStartedEventDetails: started }) => started?.index === index);
  for (const event of events) {
    const last = found.at(-1);
    const isEndOfMap = /^Map/.test(event.type ?? '');
    if (last !== undefined && event.previousEventId === last.id && !isEndOfMap) found.push(event);
  }
  return found;
}

export const typesOf = (events: readonly HistoryEvent[]): (string | undefined)[] =>
  events.map(({ type }) => type);
