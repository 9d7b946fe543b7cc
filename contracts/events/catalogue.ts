import * as z from 'zod';
import { failureFact } from '../failures.ts';
import { creationId, provisioningId, timestamp } from '../fields.ts';
import { causationId, traceId } from '../origin.ts';
import { storedText } from '../stored.ts';

/**
 * The audit events of both services, as a product for other teams: one row per `detail-type`. An event is a fact, so
 * names are in the past tense. JSON Schemas, the AsyncAPI document and docs/events.md are generated from this page.
 */
interface EventRow {
  /** Who sends it, on a bus of its own. */
  readonly source: EventSource;
  /** What the fact is about: one provisioning, or the credentials with which App1 signs in to App2. */
  readonly about: 'provisioning' | 'credentials';
  /**
   * Place in the order of the events of one generation of a provisioning at that service. The one with the highest place
   * tells how things stand: a failed roll-back is tried again, so its success is later.
   */
  readonly sequence: number;
  /** Counts up with each change of the schema that a subscriber could notice; the one before is kept, too. */
  readonly version: string;
  readonly data: z.ZodType;
  /** What has happened. */
  readonly meaning: string;
  /** In which case, and how often. */
  readonly when: string;
  /** What of the user is there after it; `unchanged` when the fact is no change of it. */
  readonly user: 'present' | 'absent' | 'unknown' | 'unchanged';
  /** Which events of the same service may come after it, for the same provisioning. */
  readonly followed_by: readonly string[];
}

/** Each service publishes on its own bus under its own source. */
export const eventSources = { app1: 'app1.provisioning', app2: 'app2.service-users' } as const;
export type EventSource = (typeof eventSources)[keyof typeof eventSources];

/** Marks what is about a person, in the JSON Schemas, too. */
const personal = { description: 'Personal data.' };

/** As the execution has them: events of provisionings that began under other rules for requests are published, too. */
const subject = { username: storedText.meta(personal), human_user_id: storedText.meta(personal) };
const atApp2 = {
  ...subject,
  /** Whom App1 says that it has verified as its caller; null when it said nothing. */
  on_behalf_of: storedText.nullable().meta(personal),
};
/** Why it ended badly. */
const failure = { failure: failureFact };
/** And why that could not be undone. */
const failures = { ...failure, compensation_failure: failureFact };

/**
 * Fields of the data that nobody has verified: they are what the actor said. All others the service itself knows.
 */
export const assertedFields = {
  'app1.provisioning': ['human_user_id'],
  'app2.service-users': ['human_user_id', 'on_behalf_of'],
} as const satisfies Record<EventSource, readonly string[]>;

const once = 'Once per generation of a provisioning; a repeat has the same event_id.';

export const events = {
  ServiceUserProvisioningRequested: {
    source: 'app1.provisioning',
    about: 'provisioning',
    sequence: 10,
    version: '1',
    data: z.strictObject(subject),
    meaning: 'A caller has asked for a service user, and the request was accepted.',
    when: `At the begin of ProvisionServiceUser; not when it is stopped before. ${once}`,
    user: 'absent',
    followed_by: [
      'ServiceUserProvisioned',
      'ServiceUserProvisioningRollBackFailed',
      'ServiceUserProvisioningFailed',
      'ServiceUserProvisioningCancelled',
    ],
  },
  ServiceUserProvisioned: {
    source: 'app1.provisioning',
    about: 'provisioning',
    sequence: 20,
    version: '1',
    data: z.strictObject(subject),
    meaning: 'App2 has created the user, and App1 has seen it.',
    when: `At the good end of ProvisionServiceUser. ${once}`,
    user: 'present',
    followed_by: [
      'ServiceUserProvisioningRollBackFailed',
      'ServiceUserProvisioningFailed',
      'ServiceUserProvisioningCancelled',
      'ServiceUserDeprovisioned',
    ],
  },
  ServiceUserProvisioningRollBackFailed: {
    source: 'app1.provisioning',
    about: 'provisioning',
    sequence: 30,
    version: '1',
    data: z.strictObject({ ...subject, ...failures }),
    meaning: 'A provisioning could not be undone at App2 yet. A user of it may be left.',
    when: 'When an undo is out of retries. The sweep tries again, so another event follows.',
    user: 'unknown',
    followed_by: [
      'ServiceUserProvisioningFailed',
      'ServiceUserProvisioningCancelled',
      'ServiceUserDeprovisioned',
    ],
  },
  ServiceUserProvisioningFailed: {
    source: 'app1.provisioning',
    about: 'provisioning',
    sequence: 40,
    version: '1',
    data: z.strictObject({ ...subject, ...failure }),
    meaning: 'The provisioning has failed, and nothing of it is left.',
    when: `When a step has failed, or the execution was stopped or timed out, after the undo. ${once}`,
    user: 'absent',
    followed_by: ['ServiceUserProvisioningCancelled'],
  },
  ServiceUserProvisioningCancelled: {
    source: 'app1.provisioning',
    about: 'provisioning',
    sequence: 50,
    version: '1',
    data: z.strictObject(subject),
    meaning:
      'The owner wanted the user no longer before the provisioning had ended, and nothing of it is left.',
    when: `At the end of RollBackProvisioning, after a DELETE that came while it was running. ${once}`,
    user: 'absent',
    followed_by: [],
  },
  ServiceUserDeprovisioned: {
    source: 'app1.provisioning',
    about: 'provisioning',
    sequence: 60,
    version: '1',
    data: z.strictObject(subject),
    meaning: 'The user of a provisioning that had succeeded was removed at the wish of its owner.',
    when: `At the end of RollBackProvisioning. ${once}`,
    user: 'absent',
    followed_by: [],
  },
  ServiceUserCreated: {
    source: 'app2.service-users',
    about: 'provisioning',
    sequence: 10,
    version: '1',
    data: z.strictObject(atApp2),
    meaning: 'The user exists, with its password, in its group.',
    when: `At the good end of CreateServiceUser. ${once}`,
    user: 'present',
    followed_by: [
      'ServiceUserRollBackFailed',
      'ServiceUserCreationRolledBack',
      'ServiceUserCreationCancelled',
      'ServiceUserRemoved',
    ],
  },
  ServiceUserCreationRejected: {
    source: 'app2.service-users',
    about: 'provisioning',
    sequence: 20,
    version: '1',
    data: z.strictObject({ ...atApp2, ...failure }),
    meaning: 'The credentials or the password were refused before anything was made.',
    when: `When DecryptCredentials fails. ${once}`,
    user: 'absent',
    followed_by: [
      'ServiceUserRollBackFailed',
      'ServiceUserCreationRolledBack',
      'ServiceUserCreationCancelled',
    ],
  },
  ServiceUserRollBackFailed: {
    source: 'app2.service-users',
    about: 'provisioning',
    sequence: 30,
    version: '1',
    data: z.strictObject({ ...atApp2, ...failures }),
    meaning: 'What a creation had made could not be removed yet. The user may be left.',
    when: 'When an undo is out of retries. The sweep tries again, so another event follows.',
    user: 'unknown',
    followed_by: ['ServiceUserCreationRolledBack', 'ServiceUserCreationCancelled', 'ServiceUserRemoved'],
  },
  ServiceUserCreationRolledBack: {
    source: 'app2.service-users',
    about: 'provisioning',
    sequence: 40,
    version: '1',
    data: z.strictObject({ ...atApp2, ...failure }),
    meaning: 'The creation has failed, and what it had made is removed.',
    when: `After the undo of a creation that did not succeed. ${once}`,
    user: 'absent',
    followed_by: ['ServiceUserCreationCancelled'],
  },
  ServiceUserCreationCancelled: {
    source: 'app2.service-users',
    about: 'provisioning',
    sequence: 50,
    version: '1',
    data: z.strictObject(atApp2),
    meaning: 'App1 wanted the user no longer before its creation had ended, and nothing of it is left.',
    when: `At the end of RollBackServiceUser, after a DELETE that came while it was running. ${once}`,
    user: 'absent',
    followed_by: [],
  },
  ServiceUserRemoved: {
    source: 'app2.service-users',
    about: 'provisioning',
    sequence: 60,
    version: '1',
    data: z.strictObject(atApp2),
    meaning: 'The user of a creation that had succeeded was removed at the wish of App1.',
    when: `At the end of RollBackServiceUser. ${once}`,
    user: 'absent',
    followed_by: [],
  },
  MachineCredentialsRotated: {
    source: 'app2.service-users',
    about: 'credentials',
    sequence: 10,
    version: '1',
    data: z.strictObject({
      /** The secret that holds the credentials; the ones before stay valid until the next rotation. */
      secret_arn: z.string(),
      /** Version of the secret that is current now. */
      version_id: z.string(),
    }),
    meaning: 'App1 signs in to App2 with new credentials from now on.',
    when: 'At the end of each rotation of the secret; a repeat has the same event_id.',
    user: 'unchanged',
    followed_by: [],
  },
} as const satisfies Record<string, EventRow>;

export type EventName = keyof typeof events;

/** All rows by name, as rows. */
export const eventRows: readonly (readonly [EventName, EventRow])[] = (Object.keys(events) as EventName[]) // keys of a const object: exactly EventName
  .map((name) => [name, events[name]] as const);

/** The envelope, the same for every event. */
export const eventMetadata = z.strictObject({
  /** The same for each repeat of the same fact, and for no other fact (`eventId`). */
  event_id: z.string(),
  schema_version: z.string(),
  /** Null when the fact is not about a provisioning. */
  provisioning_id: provisioningId.nullable(),
  /**
   * The generation of the provisioning, which tells it from an earlier one under the same provisioning_id. Null when the
   * fact is not about a provisioning.
   */
  creation_id: creationId.nullable(),
  sequence: z.int().positive(),
  occurred_at: timestamp,
  /** Who caused the fact: the identity that the service itself has verified. */
  actor: z.string(),
  causation_id: causationId,
  /** Null when what caused the fact belongs to no trace. */
  trace_id: traceId.nullable(),
  /** Fields of the data that nobody has verified. */
  asserted: z.array(z.enum(['human_user_id', 'on_behalf_of'])),
});

/**
 * `<service>:<provisioning_id>:<creation_id>:<sequence>:<event>`; of a fact about credentials
 * `<service>:<version of the secret>:<sequence>:<event>`. `about` are the ids in between.
 */
export const eventId = (name: EventName, ...about: readonly string[]): string => {
  const { source, sequence } = events[name];
  return [serviceOf(source), ...about, sequence, name].join(':');
};

/** The service that sends events under this source. */
export const serviceOf = (source: EventSource): string => source.replace(/\..*$/, '');

const idsOf = {
  provisioning: { provisioning_id: provisioningId, creation_id: creationId },
  credentials: { provisioning_id: z.null(), creation_id: z.null() },
} as const;

/** A field of a row, with the type that it has in just this row. */
const fieldOf = <Row, Field extends keyof Row>(row: Row, field: Field): Row[Field] => row[field];

/** Schema of an event's `detail`. */
export function eventDetail<Name extends EventName>(name: Name) {
  const row = events[name];
  return z.strictObject({
    metadata: eventMetadata.extend({
      schema_version: z.literal(fieldOf(row, 'version')),
      ...fieldOf(idsOf, fieldOf(row, 'about')),
      sequence: z.literal(fieldOf(row, 'sequence')),
    }),
    data: fieldOf(row, 'data'),
  });
}
