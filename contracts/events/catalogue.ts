import * as z from 'zod';
import { failureCause, publishedFailure } from '../failures.ts';
import { creationId, provisioningId, timestamp } from '../fields.ts';
import { causationId, traceId } from '../origin.ts';
import { targetOutcome } from '../outcomes.ts';
import { kindOf, type ServiceKind } from '../services.ts';
import { storedText } from '../stored.ts';

/**
 * The audit events of App1 and of targets, a public contract for subscribers: one row per `detail-type`. Names are in the past
 * tense. The JSON Schemas, the AsyncAPI document and docs/events.md are generated from this file.
 */
interface EventRow {
  /** The kind of service that publishes it: App1, or every target. Each service has a bus of its own. */
  readonly publisher: ServiceKind;
  /** Subject of the event: a provisioning, or the credentials with which App1 signs in to App2. */
  readonly about: 'provisioning' | 'credentials';
  /**
   * Order of the events of one generation of a provisioning at that service. The event with the highest number has the
   * present state: a failed roll-back is retried, so its success has a higher number.
   */
  readonly sequence: number;
  /** Increases with each change of the schema that a subscriber can notice; the previous schema is kept. */
  readonly version: string;
  readonly data: z.ZodType;
  /** The action that the event records. */
  readonly meaning: string;
  /** Condition and number of publications. */
  readonly when: string;
  /** Whether the user exists after the event; `unchanged` if the event does not concern a user. */
  readonly user: 'present' | 'absent' | 'unknown' | 'unchanged';
  /** Events of the same service that can follow for the same provisioning. */
  readonly followed_by: readonly string[];
}

const APP1_SOURCE = 'app1.provisioning';

/** Source under which a service publishes its audit events, on its own bus. @param service name of the service */
export const sourceOf = (service: string): string =>
  kindOf(service) === 'app1' ? APP1_SOURCE : `${service}.service-users`;

/** Schemas of the sources, by the kind of the service. */
export const eventSource = {
  app1: z.literal(APP1_SOURCE),
  app2: z.string().regex(/^(?!app1\.)[a-z][a-z0-9]{1,19}\.service-users$/, 'must be the source of a target'),
} as const satisfies Record<ServiceKind, z.ZodType<string>>;

/** The name of the service that publishes events with this source. */
export const serviceOf = (source: string): string => source.replace(/\..*$/, '');

/** Marks personal data, also in the JSON Schemas. */
const personal = { description: 'Personal data.' };

/** Stored values: provisionings that were accepted under other rules for requests have events, too. */
const subject = { username: storedText.meta(personal), human_user_id: storedText.meta(personal) };
const atApp2 = {
  ...subject,
  /** The caller of App1, as App1 states it; null without the header On-Behalf-Of. */
  on_behalf_of: storedText.nullable().meta(personal),
};
const atApp1 = {
  ...subject,
  /** Names of the targets of the provisioning. */
  targets: z.array(storedText).min(1),
};
/** After a compensation of App1. */
const compensated = {
  ...atApp1,
  /** What the compensation found at each target, in the order of `targets`. */
  outcomes: z.array(targetOutcome).min(1),
};
const failure = { failure: publishedFailure };
const failures = { ...failure, compensation_failure: publishedFailure };
/** At App1 with the name of the target; absent if the step belongs to no target. */
const failureOfTarget = publishedFailure.extend(failureCause.pick({ target: true }).shape);

/**
 * Fields of the data that the actor states and the service has not verified. All other fields are the service's own.
 */
export const assertedFields = {
  app1: ['human_user_id'],
  app2: ['human_user_id', 'on_behalf_of'],
} as const satisfies Record<ServiceKind, readonly string[]>;

const once = 'Once per generation of a provisioning; a duplicate has the same event_id.';

export const events = {
  ServiceUserProvisioningRequested: {
    publisher: 'app1',
    about: 'provisioning',
    sequence: 10,
    version: '1',
    data: z.strictObject(atApp1),
    meaning: 'App1 accepted a request for a service user.',
    when: `At the start of ProvisionServiceUser, unless the execution is stopped before. ${once}`,
    user: 'absent',
    followed_by: [
      'ServiceUserProvisioned',
      'ServiceUserProvisioningRollBackFailed',
      'ServiceUserProvisioningFailed',
      'ServiceUserProvisioningCancelled',
    ],
  },
  ServiceUserProvisioned: {
    publisher: 'app1',
    about: 'provisioning',
    sequence: 20,
    version: '1',
    data: z.strictObject(atApp1),
    meaning: 'Each target created the user, and App1 received the confirmations.',
    when: `When ProvisionServiceUser succeeds. ${once}`,
    user: 'present',
    followed_by: [
      'ServiceUserProvisioningRollBackFailed',
      'ServiceUserProvisioningFailed',
      'ServiceUserProvisioningCancelled',
      'ServiceUserDeprovisioned',
    ],
  },
  ServiceUserProvisioningRollBackFailed: {
    publisher: 'app1',
    about: 'provisioning',
    sequence: 30,
    version: '1',
    data: z.strictObject({
      ...compensated,
      failure: failureOfTarget,
      compensation_failure: failureOfTarget,
    }),
    meaning:
      'The compensation of a provisioning failed. Its user may remain at the targets where `user` is `unknown`.',
    when: 'When the retries of a compensation are used up. The sweep starts another roll-back, so another event follows.',
    user: 'unknown',
    followed_by: [
      'ServiceUserProvisioningFailed',
      'ServiceUserProvisioningCancelled',
      'ServiceUserDeprovisioned',
    ],
  },
  ServiceUserProvisioningFailed: {
    publisher: 'app1',
    about: 'provisioning',
    sequence: 40,
    version: '1',
    data: z.strictObject({ ...compensated, failure: failureOfTarget }),
    meaning: 'The provisioning failed, and no user of it remains at a target that is not gone.',
    when: `After the compensation of a provisioning in which a step failed, or that was stopped or timed out. ${once}`,
    user: 'absent',
    followed_by: ['ServiceUserProvisioningCancelled'],
  },
  ServiceUserProvisioningCancelled: {
    publisher: 'app1',
    about: 'provisioning',
    sequence: 50,
    version: '1',
    data: z.strictObject(compensated),
    meaning:
      'The owner cancelled the provisioning before it finished, and no user of it remains at a target that is not gone.',
    when: `At the end of RollBackProvisioning, after a DELETE for a running provisioning. ${once}`,
    user: 'absent',
    followed_by: [],
  },
  ServiceUserDeprovisioned: {
    publisher: 'app1',
    about: 'provisioning',
    sequence: 60,
    version: '1',
    data: z.strictObject(compensated),
    meaning: 'The owner had the user of a successful provisioning removed.',
    when: `At the end of RollBackProvisioning. ${once}`,
    user: 'absent',
    followed_by: [],
  },
  ServiceUserCreated: {
    publisher: 'app2',
    about: 'provisioning',
    sequence: 10,
    version: '1',
    data: z.strictObject(atApp2),
    meaning: 'The user exists, with its password, in its group.',
    when: `When CreateServiceUser succeeds. ${once}`,
    user: 'present',
    followed_by: [
      'ServiceUserRollBackFailed',
      'ServiceUserCreationRolledBack',
      'ServiceUserCreationCancelled',
      'ServiceUserRemoved',
    ],
  },
  ServiceUserCreationRejected: {
    publisher: 'app2',
    about: 'provisioning',
    sequence: 20,
    version: '1',
    data: z.strictObject({ ...atApp2, ...failure }),
    meaning: 'App2 rejected the credentials or the password before it created a user.',
    when: `When DecryptCredentials fails. ${once}`,
    user: 'absent',
    followed_by: [
      'ServiceUserRollBackFailed',
      'ServiceUserCreationRolledBack',
      'ServiceUserCreationCancelled',
    ],
  },
  ServiceUserRollBackFailed: {
    publisher: 'app2',
    about: 'provisioning',
    sequence: 30,
    version: '1',
    data: z.strictObject({ ...atApp2, ...failures }),
    meaning: 'The compensation of a creation failed. Its user may remain.',
    when: 'When the retries of a compensation are used up. The sweep starts another roll-back, so another event follows.',
    user: 'unknown',
    followed_by: ['ServiceUserCreationRolledBack', 'ServiceUserCreationCancelled', 'ServiceUserRemoved'],
  },
  ServiceUserCreationRolledBack: {
    publisher: 'app2',
    about: 'provisioning',
    sequence: 40,
    version: '1',
    data: z.strictObject({ ...atApp2, ...failure }),
    meaning: 'The creation failed, and its user was removed.',
    when: `After the compensation of a creation that did not succeed. ${once}`,
    user: 'absent',
    followed_by: ['ServiceUserCreationCancelled'],
  },
  ServiceUserCreationCancelled: {
    publisher: 'app2',
    about: 'provisioning',
    sequence: 50,
    version: '1',
    data: z.strictObject(atApp2),
    meaning: 'App1 cancelled the creation before it finished, and no user of it remains.',
    when: `At the end of RollBackServiceUser, after a DELETE for a running creation. ${once}`,
    user: 'absent',
    followed_by: [],
  },
  ServiceUserRemoved: {
    publisher: 'app2',
    about: 'provisioning',
    sequence: 60,
    version: '1',
    data: z.strictObject(atApp2),
    meaning: 'App1 had the user of a successful creation removed.',
    when: `At the end of RollBackServiceUser. ${once}`,
    user: 'absent',
    followed_by: [],
  },
  MachineCredentialsRotated: {
    publisher: 'app2',
    about: 'credentials',
    sequence: 10,
    version: '1',
    data: z.strictObject({
      /** The secret with the credentials; the previous credentials stay valid until the next rotation. */
      secret_arn: z.string(),
      /** The current version of the secret. */
      version_id: z.string(),
    }),
    meaning: 'The secret has new credentials, with which App1 signs in to App2.',
    when: 'At the end of each rotation of the secret; a duplicate has the same event_id.',
    user: 'unchanged',
    followed_by: [],
  },
} as const satisfies Record<string, EventRow>;

export type EventName = keyof typeof events;

/** All events with their names. */
export const eventRows: readonly (readonly [EventName, EventRow])[] = (Object.keys(events) as EventName[]) // keys of a const object: exactly EventName
  .map((name) => [name, events[name]] as const);

/** `detail.metadata`, the same fields in every event. */
export const eventMetadata = z.strictObject({
  /** Identifies the event: equal in its duplicates, and in no other event (`eventId`). */
  event_id: z.string(),
  schema_version: z.string(),
  /** Null if the event is not about a provisioning. */
  provisioning_id: provisioningId.nullable(),
  /**
   * The generation of the provisioning, which distinguishes it from another one with the same provisioning_id. Null if
   * the event is not about a provisioning.
   */
  creation_id: creationId.nullable(),
  sequence: z.int().positive(),
  occurred_at: timestamp,
  /** The identity that caused the event, as the service has verified it. */
  actor: z.string(),
  causation_id: causationId,
  /** Null if the cause belongs to no trace. */
  trace_id: traceId.nullable(),
  /** Fields of the data that are not verified. */
  asserted: z.array(z.enum(['human_user_id', 'on_behalf_of'])),
});

/**
 * The event_id: `<service>:<provisioning_id>:<creation_id>:<sequence>:<event>`; of an event about credentials
 * `<service>:<version of the secret>:<sequence>:<event>`.
 * @param service name of the service that publishes it
 * @param subjectIds provisioning_id and creation_id, or the version of the secret
 */
export const eventId = (service: string, name: EventName, ...subjectIds: readonly string[]): string =>
  [service, ...subjectIds, events[name].sequence, name].join(':');

const idsOf = {
  provisioning: { provisioning_id: provisioningId, creation_id: creationId },
  credentials: { provisioning_id: z.null(), creation_id: z.null() },
} as const;

/** A field of a row, with its type in this row. */
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
