import { createHash } from 'node:crypto';
import * as z from 'zod';
import {
  assertedFields,
  type EventName,
  eventDetail,
  eventId,
  eventRows,
  eventSource,
  events,
  sourceOf,
} from '../../contracts/events/catalogue.ts';
import { endsSequence, startsSequence } from '../../contracts/events/sequences.ts';
import { type ServiceKind, serviceKinds } from '../../contracts/services.ts';
import { app1Names, targetNames } from '../../infra/names.ts';

/** Generates JSON Schemas, an AsyncAPI document and docs/events.md from the catalogue of events. */

const SCHEMAS = 'contracts/events/schemas';
export const schemaFile = (name: EventName): string => `${SCHEMAS}/${name}.v${events[name].version}.json`;

/** Buses and sources by publisher. A target's begin with its name. */
const buses: Record<ServiceKind, string> = { app1: app1Names.bus, app2: targetNames('{target}').bus };
const sources: Record<ServiceKind, string> = { app1: sourceOf('app1'), app2: '{target}.service-users' };

/** Names of the channels in the AsyncAPI document. */
const channels: Record<ServiceKind, string> = { app1: app1Names.bus, app2: 'service-users' };

const owners: Record<ServiceKind, string> = {
  app1: 'the team of App1, user management',
  app2: 'the team of the target',
};

/** File with the hash of each published schema, by `name@version`: published schemas do not change. */
export const publishedFile = 'contracts/events/published.json';
export const hashOf = (schema: object): string =>
  createHash('sha256').update(JSON.stringify(schema)).digest('hex');

/** JSON Schema of an event's `detail`. */
export function jsonSchemaOf(name: EventName): object {
  const { $schema, ...schema } = z.toJSONSchema(eventDetail(name), { io: 'output' });
  const { publisher, version, meaning } = events[name];
  return {
    $schema,
    // A URN namespace must not contain a dot (RFC 8141), and validators reject one that does.
    $id: `urn:${{ app1: 'app1-provisioning', app2: 'service-users' }[publisher]}:${name}:${version}`,
    title: name,
    description: meaning,
    ...schema,
  };
}

const PROVISIONING_ID = '0b54a0a5-91d2-4f21-9a5d-6a1c2f7f7d01';
const CREATION_ID = '6f0b7c52-3c1e-4d0a-8a55-0f6f3f2c9b11';
const ROTATION_ID = '5d0f3c1e-6f3e-4b9a-8a54-0b6c0d5b9f10';
const samples: Record<string, unknown> = {
  username: 'ada',
  human_user_id: 'h-1815',
  on_behalf_of: '111122223333/AROAEXAMPLEID',
  failure: { step: 'SetPassword', error: 'ServiceUnavailable', code: 'SERVICE_UNAVAILABLE' },
  compensation_failure: {
    step: 'DeleteUser',
    error: 'Lambda.TooManyRequestsException',
    code: 'SERVICE_THROTTLED',
  },
  secret_arn: 'arn:aws:secretsmanager:eu-central-1:444455556666:secret:app2-api-client-credentials-AbCdEf',
  version_id: ROTATION_ID,
};

const samplesAtApp1: Record<string, unknown> = {
  ...samples,
  targets: ['app2', 'payments'],
  outcomes: [
    { target: 'app2', user: 'absent' },
    { target: 'payments', user: 'absent' },
  ],
  failure: {
    target: 'payments',
    step: 'RequestUserCreation',
    error: 'UserAlreadyExists',
    code: 'USER_ALREADY_EXISTS',
  },
};

/** Samples that differ in one event. */
const samplesOf: Partial<Record<EventName, Record<string, unknown>>> = {
  ServiceUserProvisioningRollBackFailed: {
    outcomes: [
      { target: 'app2', user: 'unknown', error: 'TargetUnavailable' },
      { target: 'payments', user: 'absent' },
    ],
    compensation_failure: {
      target: 'app2',
      step: 'CancelUserCreation',
      error: 'TargetUnavailable',
      code: 'TARGET_UNAVAILABLE',
    },
  },
};

const fromRequest = (publisher: ServiceKind) => ({
  actor: publisher === 'app1' ? '111122223333/AROAEXAMPLEID' : 'owner-app1',
  causation_id: 'request:9f1c1f6e-7d0b-4a57-9a41-2f2ad0c6a0b5',
  trace_id: '1-69259e40-a1b2c3d4e5f60718293a4b5c',
  asserted: assertedFields[publisher],
});
const fromRotation = {
  actor: 'secretsmanager.amazonaws.com',
  causation_id: `rotation:${ROTATION_ID}`,
  trace_id: null,
  asserted: [],
};

/** An example of an event as a subscriber receives it: of App1, or of the target App2. */
export function exampleOf(name: EventName) {
  const { publisher, about, sequence, version, data } = events[name];
  const ofProvisioning = about === 'provisioning';
  const values = { ...(publisher === 'app1' ? samplesAtApp1 : samples), ...samplesOf[name] };
  return {
    'detail-type': name,
    source: sourceOf(publisher),
    detail: {
      metadata: {
        event_id: ofProvisioning
          ? eventId(publisher, name, PROVISIONING_ID, CREATION_ID)
          : eventId(publisher, name, ROTATION_ID),
        schema_version: version,
        provisioning_id: ofProvisioning ? PROVISIONING_ID : null,
        creation_id: ofProvisioning ? CREATION_ID : null,
        sequence,
        occurred_at: '2026-11-23T12:00:00.000Z',
        ...(ofProvisioning ? fromRequest(publisher) : fromRotation),
      },
      data: Object.fromEntries(Object.keys(data.shape).map((field) => [field, values[field]])),
    },
  };
}

/** AsyncAPI 3: www.asyncapi.com/docs/reference/specification/v3.0.0 */
function asyncApi(): object {
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'Audit events of cross-service user provisioning',
      version: '1',
      description:
        'Audit events about service users, on the EventBridge buses of the services that own them.',
    },
    defaultContentType: 'application/json',
    channels: Object.fromEntries(
      serviceKinds.map((publisher) => [
        channels[publisher],
        {
          address: buses[publisher],
          title: { app1: 'Bus of App1', app2: 'Bus of a target' }[publisher],
          ...(publisher === 'app1'
            ? {}
            : { parameters: { target: { description: 'Name of the target', examples: ['app2'] } } }),
          messages: Object.fromEntries(
            rowsOf(publisher).map(([name]) => [name, { $ref: `#/components/messages/${name}` }]),
          ),
        },
      ]),
    ),
    operations: Object.fromEntries(
      eventRows.map(([name, { publisher }]) => [
        `publish${name}`,
        {
          action: 'send',
          channel: { $ref: `#/channels/${channels[publisher]}` },
          messages: [{ $ref: `#/channels/${channels[publisher]}/messages/${name}` }],
        },
      ]),
    ),
    components: {
      messages: Object.fromEntries(
        eventRows.map(([name, { publisher, meaning, when }]) => [
          name,
          {
            name,
            title: name,
            summary: meaning,
            description: when,
            payload: {
              type: 'object',
              required: ['source', 'detail-type', 'detail'],
              properties: {
                source: sourceSchema(publisher),
                'detail-type': { const: name },
                detail: { $ref: `./schemas/${name}.v${events[name].version}.json` },
              },
            },
            examples: [{ name: 'example', payload: exampleOf(name) }],
          },
        ]),
      ),
    },
  };
}

/** JSON Schema of the source, without the dialect. */
function sourceSchema(publisher: ServiceKind): object {
  const { $schema, ...schema } = z.toJSONSchema(eventSource[publisher]);
  return schema;
}

const rowsOf = (publisher: ServiceKind) => eventRows.filter(([, row]) => row.publisher === publisher);

/** The valid event sequences of one service, as a state diagram. */
function stateDiagram(publisher: ServiceKind): string {
  const rows = rowsOf(publisher).filter(([, { about }]) => about === 'provisioning');
  return [
    '```mermaid',
    'stateDiagram-v2',
    ...rows.filter(([name]) => startsSequence(name)).map(([name]) => `  [*] --> ${name}`),
    ...rows.flatMap(([name, { followed_by }]) => followed_by.map((next) => `  ${name} --> ${next}`)),
    ...rows.filter(([name]) => endsSequence(name)).map(([name]) => `  ${name} --> [*]`),
    '```',
  ].join('\n');
}

function chapter(name: EventName): string {
  const { publisher, sequence, version, meaning, when, user, followed_by } = { ...events[name] };
  return `### ${name}

${meaning}

| | |
|---|---|
| Owner | ${owners[publisher]} |
| Published as | \`${sources[publisher]}\`, on the bus \`${buses[publisher]}\` |
| When | ${when} |
| User afterwards | ${user} |
| Can be followed by | ${followed_by.length === 0 ? 'none' : followed_by.map((next) => `[${next}](#${next.toLowerCase()})`).join(', ')} |
| Sequence | ${sequence} |
| Schema | [version ${version}](../${schemaFile(name)}) |

\`\`\`json
${JSON.stringify(exampleOf(name), null, 2)}
\`\`\`
`;
}

function page(): string {
  const chaptersOf = (publisher: ServiceKind) =>
    rowsOf(publisher)
      .map(([name]) => chapter(name))
      .join('\n');
  return `# Audit events

Generated from [the catalogue](../contracts/events/catalogue.ts) by \`npm run generate\`, with the JSON Schemas and the
[AsyncAPI document](../contracts/events/asyncapi.json); do not edit.

Each service publishes audit events about its service users on its own EventBridge bus. Subscribers use them to keep a
register of access, to find leftovers, or to write an audit trail.

## Guarantees

- **Delivery** is at least once and not ordered, as with EventBridge in general. Every copy of an event has the same
  \`event_id\`: discard duplicates. \`sequence\` is the fixed position of the event within one generation of its provisioning at
  that service; numbers can be skipped. Of two events of one generation, the one with the higher number describes the current
  state.
- **A provisioning_id can be reused**: 90 days after a provisioning has finished, its key can start a new one. The
  \`creation_id\` distinguishes the two. Events of different generations have no order.
- **The event_id is unique**: it contains service, provisioning, generation, sequence and event. A copy has the same content
  except for its time and cause. It can contain another reason (\`failure\`, \`compensation_failure\`) if the execution that
  published it was stopped, timed out or redriven before its outcome, or if a roll-back fails again; then it also has other
  \`outcomes\`, because other targets may remain. What happened is the same, so a subscriber can keep the first copy: another
  event follows when no target remains.
- **Each accepted provisioning publishes its outcome**, at each service that it reached. The last event of a service agrees
  with its user pool. The diagrams below show all valid event sequences. A target publishes nothing about a provisioning that was
  cancelled before its request arrived.
- **No user without an event**: if ServiceUserCreated or ServiceUserProvisioned cannot be published, the user is removed again.
  If the event of a compensation cannot be published, a later roll-back publishes it.
- **Versions.** A published schema never changes; a test compares its hash. Every change is a new version with a new
  \`schema_version\`: read that field first, and ignore versions that you do not know. A new version replaces the previous one
  after its subscribers were notified. The schemas of both stay in this repository.
- **Personal data** are \`username\`, \`human_user_id\` and \`on_behalf_of\`; the schemas mark them. No event contains a secret.
- **Size.** An event is smaller than 4 KB. EventBridge accepts 1 MB.

## Envelope

Each event's \`detail\` is \`{metadata, data}\`. The metadata are the same for all events:

| Field | Meaning |
|---|---|
| \`event_id\` | \`<service>:<provisioning_id>:<creation_id>:<sequence>:<event>\`, the same for each copy; for a rotation \`<service>:<version of the secret>:<sequence>:<event>\` |
| \`schema_version\` | version of the event's schema |
| \`provisioning_id\` | the provisioning; null if the event is not about one |
| \`creation_id\` | the generation of the provisioning; null if the event is not about one |
| \`sequence\` | position within this generation at that service |
| \`occurred_at\` | time of the event; a roll-back that publishes a copy sets a later time |
| \`actor\` | the principal that caused the event, as verified by the service: at App1 the account and id of the calling role or user, at a target the service of the machine client |
| \`causation_id\` | the cause: \`request:<id>\` (API Gateway's request id, also in its access log), \`execution:<machine>:<name>\` (a failed execution that was rolled back), \`rotation:<version>\` |
| \`trace_id\` | X-Ray's trace id, the same at both services; null without a trace |
| \`asserted\` | fields of the data that the actor sent and no service has verified |

A \`failure\` contains the step, the error as in the execution's history, and a stable \`code\`. A \`compensation_failure\` contains
the same about a compensation that failed.

## How to subscribe

- [EventSubscription](../infra/constructs/event-subscription.ts) is a CDK construct: events and fields by name, your
  function, a dead-letter queue and an alarm. It also subscribes from another account.
- [readEvent and handleOnce](../contracts/events/subscriber.ts) parse an event with its schema, typed, and discard duplicates.
  \`eventPattern\` creates the pattern of a rule without the construct.
- [The contract kit](../contracts/events/contract-kit.ts) checks a subscriber against the catalogue and against
  [recorded events](../contracts/events/produced/).
- [The access register](../examples/access-register/README.md) is a complete subscriber: a table of the users with access.
- The setting \`schema_registry\` adds the schemas to EventBridge's schema registry. The setting \`subscriber_accounts\` allows
  other accounts to subscribe.
- To receive missed events, [redrive the queue](runbooks/dead-letter-queue.md) or
  [replay the archive](runbooks/replay-events.md).

## App1: \`${sources.app1}\`

${stateDiagram('app1')}

${chaptersOf('app1')}
## Targets: \`${sources.app2}\`

A target is a service with service users, such as App2. \`{target}\` is its name; the examples are of App2 (\`app2\`).

${stateDiagram('app2')}

${chaptersOf('app2')}`;
}

const json = (content: object): string => `${JSON.stringify(content, null, 2)}\n`;

/** All files that are generated from the catalogue: content by path, relative to the project's root. */
export function generatedFromEvents(): Record<string, string> {
  return {
    ...Object.fromEntries(eventRows.map(([name]) => [schemaFile(name), json(jsonSchemaOf(name))])),
    'contracts/events/asyncapi.json': json(asyncApi()),
    'docs/events.md': page(),
  };
}
