import * as z from 'zod';
import { failureCause } from '../failures.ts';
import { humanUserId, provisioningId, timestamp, username } from '../fields.ts';
import { onBehalfOf } from '../headers.ts';

/**
 * The audit events of both services, as a product for other teams: one row per `detail-type`. An event is a fact, so
 * names are in the past tense. JSON Schemas, the AsyncAPI document and docs/events.md are generated from this page.
 */
interface EventRow {
  /** Who sends it, on a bus of its own. */
  readonly source: EventSource;
  /**
   * Place in the order of the provisioning's events at that service. The one with the highest place tells how things
   * stand: a failed roll-back is tried again, so its success is later.
   */
  readonly sequence: number;
  /** Counts up with each change of the schema that a subscriber could notice; the one before is kept, too. */
  readonly version: string;
  readonly data: z.ZodType;
  /** What has happened. */
  readonly meaning: string;
  /** In which case, and how often. */
  readonly when: string;
  /** What of the user is there after it. */
  readonly user: 'present' | 'absent' | 'unknown';
  /** Which events of the same service may come after it, for the same provisioning. */
  readonly followed_by: readonly string[];
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

const once = 'Once per provisioning; a repeat has the same event_id.';

export const events = {
  ServiceUserProvisioned: {
    source: 'app1.provisioning',
    sequence: 10,
    version: '1',
    data: z.strictObject(subject),
    meaning: 'App2 has created the user, and App1 has seen it.',
    when: `At the good end of ProvisionServiceUser. ${once}`,
    user: 'present',
    followed_by: [
      'ServiceUserProvisioningRollBackFailed',
      'ServiceUserProvisioningFailed',
      'ServiceUserDeprovisioned',
    ],
  },
  ServiceUserProvisioningRollBackFailed: {
    source: 'app1.provisioning',
    sequence: 20,
    version: '1',
    data: z.strictObject({ ...subject, ...failure }),
    meaning: 'A provisioning could not be undone at App2 yet. A user of it may be left.',
    when: 'When an undo is out of retries. The sweep tries again, so another event follows.',
    user: 'unknown',
    followed_by: ['ServiceUserProvisioningFailed', 'ServiceUserDeprovisioned'],
  },
  ServiceUserProvisioningFailed: {
    source: 'app1.provisioning',
    sequence: 30,
    version: '1',
    data: z.strictObject({ ...subject, ...failure }),
    meaning: 'The provisioning has failed or was cancelled, and nothing of it is left.',
    when: `When a step has failed or the caller has cancelled, after the undo. ${once}`,
    user: 'absent',
    followed_by: [],
  },
  ServiceUserDeprovisioned: {
    source: 'app1.provisioning',
    sequence: 40,
    version: '1',
    data: z.strictObject(subject),
    meaning: 'The user of a provisioning that had succeeded was removed at the wish of its owner.',
    when: `At the end of RollBackProvisioning. ${once}`,
    user: 'absent',
    followed_by: [],
  },
  ServiceUserCreated: {
    source: 'app2.service-users',
    sequence: 10,
    version: '1',
    data: z.strictObject(atApp2),
    meaning: 'The user exists, with its password, in its group.',
    when: `At the good end of CreateServiceUser. ${once}`,
    user: 'present',
    followed_by: ['ServiceUserRollBackFailed', 'ServiceUserCreationRolledBack', 'ServiceUserRemoved'],
  },
  ServiceUserCreationRejected: {
    source: 'app2.service-users',
    sequence: 20,
    version: '1',
    data: z.strictObject({ ...atApp2, ...failure }),
    meaning: 'The credentials or the password were refused before anything was made.',
    when: `When DecryptCredentials fails. ${once}`,
    user: 'absent',
    followed_by: ['ServiceUserRollBackFailed', 'ServiceUserCreationRolledBack'],
  },
  ServiceUserRollBackFailed: {
    source: 'app2.service-users',
    sequence: 30,
    version: '1',
    data: z.strictObject({ ...atApp2, ...failure }),
    meaning: 'What a creation had made could not be removed yet. The user may be left.',
    when: 'When an undo is out of retries. The sweep tries again, so another event follows.',
    user: 'unknown',
    followed_by: ['ServiceUserCreationRolledBack', 'ServiceUserRemoved'],
  },
  ServiceUserCreationRolledBack: {
    source: 'app2.service-users',
    sequence: 40,
    version: '1',
    data: z.strictObject({ ...atApp2, ...failure }),
    meaning: 'The creation has failed or was cancelled, and what it had made is removed.',
    when: `After the undo of a creation that did not succeed. ${once}`,
    user: 'absent',
    followed_by: [],
  },
  ServiceUserRemoved: {
    source: 'app2.service-users',
    sequence: 50,
    version: '1',
    data: z.strictObject(atApp2),
    meaning: 'The user of a creation that had succeeded was removed at the wish of App1.',
    when: `At the end of RollBackServiceUser. ${once}`,
    user: 'absent',
    followed_by: [],
  },
} as const satisfies Record<string, EventRow>;

export type EventName = keyof typeof events;

/** All rows by name, as rows. */
export const eventRows: readonly (readonly [EventName, EventRow])[] = (Object.keys(events) as EventName[]) // keys of a const object: exactly EventName
  .map((name) => [name, events[name]] as const);

/** Who caused the event: the identity that the service itself verified. */
export const eventMetadata = z.strictObject({
  /** `<provisioning_id>:<sequence>:<name>`: the same for each repeat of the same fact. */
  event_id: z.string(),
  schema_version: z.string(),
  provisioning_id: provisioningId,
  sequence: z.int().positive(),
  occurred_at: timestamp,
  actor: z.string(),
  /** Fields of the data that nobody has verified. Absent in what the release before has started. */
  asserted: z.array(z.enum(['human_user_id', 'on_behalf_of'])).optional(),
});

/** Schema of an event's `detail`. */
export function eventDetail<Name extends EventName>(name: Name) {
  const { data, version, sequence } = events[name];
  return z.strictObject({
    metadata: eventMetadata.extend({
      schema_version: z.literal(version),
      sequence: z.literal(sequence),
    }),
    data,
  });
}
