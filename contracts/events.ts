import * as z from 'zod';
import { failureCause } from './failures.ts';
import { humanUserId, provisioningId, timestamp, username } from './fields.ts';
import { onBehalfOf } from './headers.ts';

/**
 * The audit events of both services. One row per `detail-type`: who sends it, its place in the order of the
 * provisioning's events at that service, and what its data holds. An event is a fact, so names are in the past tense.
 * The one with the highest sequence tells how things stand: a failed roll-back is tried again, so its success is later.
 */
interface EventRow {
  readonly source: EventSource;
  readonly sequence: number;
  readonly data: z.ZodType;
}

/** Each service publishes on its own bus under its own source. */
export const eventSources = { app1: 'app1.provisioning', app2: 'app2.service-users' } as const;
export type EventSource = (typeof eventSources)[keyof typeof eventSources];

const subject = { username, human_user_id: humanUserId };
const atApp2 = {
  ...subject,
  /** Whom App1 says that it has verified as its caller; null when it said nothing. Absent as `asserted` is. */
  on_behalf_of: onBehalfOf.nullable().optional(),
};
const failure = { failure: failureCause };

/**
 * Fields of the data that nobody has verified: they are what the actor said. All others the service itself knows.
 */
export const assertedFields = {
  'app1.provisioning': ['human_user_id'],
  'app2.service-users': ['human_user_id', 'on_behalf_of'],
} as const satisfies Record<EventSource, readonly string[]>;

export const events = {
  ServiceUserProvisioned: { source: 'app1.provisioning', sequence: 10, data: z.strictObject(subject) },
  ServiceUserProvisioningRollBackFailed: {
    source: 'app1.provisioning',
    sequence: 20,
    data: z.strictObject({ ...subject, ...failure }),
  },
  ServiceUserProvisioningFailed: {
    source: 'app1.provisioning',
    sequence: 30,
    data: z.strictObject({ ...subject, ...failure }),
  },
  ServiceUserDeprovisioned: { source: 'app1.provisioning', sequence: 40, data: z.strictObject(subject) },
  ServiceUserCreated: { source: 'app2.service-users', sequence: 10, data: z.strictObject(atApp2) },
  ServiceUserCreationRejected: {
    source: 'app2.service-users',
    sequence: 20,
    data: z.strictObject({ ...atApp2, ...failure }),
  },
  ServiceUserRollBackFailed: {
    source: 'app2.service-users',
    sequence: 30,
    data: z.strictObject({ ...atApp2, ...failure }),
  },
  ServiceUserCreationRolledBack: {
    source: 'app2.service-users',
    sequence: 40,
    data: z.strictObject({ ...atApp2, ...failure }),
  },
  ServiceUserRemoved: { source: 'app2.service-users', sequence: 50, data: z.strictObject(atApp2) },
} as const satisfies Record<string, EventRow>;

export type EventName = keyof typeof events;

/** Version of every event's schema; counts up with each change that a subscriber could notice. */
export const EVENT_SCHEMA_VERSION = '1';

/** Who caused the event: the identity that the service itself verified. */
export const eventMetadata = z.strictObject({
  /** `<provisioning_id>:<sequence>:<name>`: the same for each repeat of the same fact. */
  event_id: z.string(),
  schema_version: z.literal(EVENT_SCHEMA_VERSION),
  provisioning_id: provisioningId,
  sequence: z.int().positive(),
  occurred_at: timestamp,
  actor: z.string(),
  /** Fields of the data that nobody has verified. Absent in what the release before has started. */
  asserted: z.array(z.enum(['human_user_id', 'on_behalf_of'])).optional(),
});

/** Schema of an event's `detail`. */
export function eventDetail<Name extends EventName>(name: Name) {
  return z.strictObject({ metadata: eventMetadata, data: events[name].data });
}
