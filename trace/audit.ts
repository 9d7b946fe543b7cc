import * as z from 'zod';
import { eventRows } from '../contracts/events/catalogue.ts';
import type { AuditEvent } from './model.ts';
import { shorten } from './shorten.ts';

/** The fields that every version of the envelope of an audit event has. The page shows all other fields unchanged. */
const publishedEvent = z.looseObject({
  'detail-type': z.string(),
  detail: z.looseObject({
    metadata: z.looseObject({
      provisioning_id: z.string(),
      event_id: z.string(),
      occurred_at: z.iso.datetime(),
    }),
    data: z.looseObject({ failure: z.unknown().optional() }).optional(),
  }),
});

/** The audit events of a provisioning among the messages of a bus's log, without repeats of an event_id. */
export function auditEventsOf(
  messages: readonly string[],
  provisioningId: string,
  service: string,
): AuditEvent[] {
  const found = new Map<string, AuditEvent>();
  for (const message of messages) {
    const event = publishedEvent.safeParse(JSON.parse(message));
    if (!event.success) continue; // another sender's
    const { 'detail-type': name, detail } = event.data;
    const { event_id, occurred_at, provisioning_id } = detail.metadata;
    if (provisioning_id !== provisioningId || found.has(event_id)) continue;
    const row = eventRows.find(([known]) => known === name)?.[1];
    found.set(event_id, {
      id: event_id,
      service,
      name,
      occurred_at,
      ...(row === undefined ? {} : { meaning: row.meaning }),
      bad: detail.data?.failure !== undefined,
      event: shorten(event.data),
    });
  }
  return [...found.values()].sort((a, b) => a.occurred_at.localeCompare(b.occurred_at));
}
