import { isDeepStrictEqual } from 'node:util';
import type { ReceivedEvent } from '../../../contracts/events/subscriber.ts';

/**
 * Events that a subscriber would discard as duplicates although their content differs: the same `event_id` with different
 * data. Two publications of one event may differ in the time, the cause and the reason of a failure: an execution that is
 * stopped while it publishes gives one reason, and its roll-back another (docs/events.md). Each roll-back that fails
 * publishes what it found at the targets.
 */
export function changedRepeats(events: readonly ReceivedEvent[]): string[] {
  const firsts = new Map<string, unknown>();
  return events.flatMap(({ 'detail-type': name, detail: { metadata, data } }) => {
    const isFailedRollBack = name === 'ServiceUserProvisioningRollBackFailed';
    const content = {
      data: {
        ...data,
        failure: '',
        compensation_failure: '',
        ...(isFailedRollBack ? { outcomes: '' } : {}),
      },
      metadata: { ...metadata, occurred_at: '', causation_id: '', trace_id: '' },
    };
    const first = firsts.get(metadata.event_id);
    if (first === undefined) firsts.set(metadata.event_id, content);
    if (first === undefined || isDeepStrictEqual(first, content)) return [];
    return [
      `${metadata.event_id} contains ${JSON.stringify(content)}, and contained ${JSON.stringify(first)}.`,
    ];
  });
}
