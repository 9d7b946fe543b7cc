import { isDeepStrictEqual } from 'node:util';
import type { ReceivedEvent } from '../../../contracts/events/subscriber.ts';

/**
 * Events that a subscriber would drop as a repeat although they say something else: the same `event_id` with other
 * content. What differs between two publications of one event may be its time, what caused it, and why something failed:
 * an execution that is stopped while it publishes has its reason, and its roll-back another (docs/events.md).
 */
export function changedRepeats(events: readonly ReceivedEvent[]): string[] {
  const firsts = new Map<string, unknown>();
  return events.flatMap(({ detail: { metadata, data } }) => {
    const content = {
      data: { ...data, failure: '', compensation_failure: '' },
      metadata: { ...metadata, occurred_at: '', causation_id: '', trace_id: '' },
    };
    const first = firsts.get(metadata.event_id);
    if (first === undefined) firsts.set(metadata.event_id, content);
    if (first === undefined || isDeepStrictEqual(first, content)) return [];
    return [`${metadata.event_id} says ${JSON.stringify(content)}, and said ${JSON.stringify(first)}.`];
  });
}
