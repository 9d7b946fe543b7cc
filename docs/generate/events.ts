import { createHash } from 'node:crypto';
import * as z from 'zod';
import {
  assertedFields,
  type EventName,
  type EventSource,
  eventDetail,
  eventId,
  eventRows,
  eventSources,
  events,
} from '../../contracts/events/catalogue.ts';
import { endsSequence, startsSequence } from '../../contracts/events/sequences.ts';
import { names } from '../../infra/settings.ts';

/** What is generated from the catalogue of events: JSON Schemas, an AsyncAPI document, and docs/events.md. */

const SCHEMAS = 'contracts/events/schemas';
export const schemaFile = (name: EventName): string => `${SCHEMAS}/${name}.v${events[name].version}.json`;

const buses: Record<EventSource, string> = {
  'app1.provisioning': names.app1Bus,
  'app2.service-users': names.app2Bus,
};

const owners: Record<EventSource, string> = {
  'app1.provisioning': 'the team of App1, user management',
  'app2.service-users': 'the team of App2, the business service',
};

/** Hash of each schema that was published, by `name@version`: what subscribers rely on does not change. */
export const publishedFile = 'contracts/events/published.json';
export const hashOf = (schema: object): string =>
  createHash('sha256').update(JSON.stringify(schema)).digest('hex');

/** JSON Schema of an event's `detail`. */
export function jsonSchemaOf(name: EventName): object {
  const { $schema, ...schema } = z.toJSONSchema(eventDetail(name), { io: 'output' });
  const { source, version, meaning } = events[name];
  return {
    $schema,
    // The name of a URN has no dot (RFC 8141), and validators refuse one that has.
    $id: `urn:${source.replace('.', '-')}:${name}:${version}`,
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
  secret_arn: 'arn:aws:secretsmanager:eu-central-1:444455556666:secret:app1-api-client-credentials-AbCdEf',
  version_id: ROTATION_ID,
};

const fromRequest = (source: EventSource) => ({
  actor: source === eventSources.app1 ? '111122223333/AROAEXAMPLEID' : 'owner-app1',
  causation_id: 'request:9f1c1f6e-7d0b-4a57-9a41-2f2ad0c6a0b5',
  trace_id: '1-69259e40-a1b2c3d4e5f60718293a4b5c',
  asserted: assertedFields[source],
});
const fromRotation = {
  actor: 'secretsmanager.amazonaws.com',
  causation_id: `rotation:${ROTATION_ID}`,
  trace_id: null,
  asserted: [],
};

/** An event as a subscriber gets it. */
export function exampleOf(name: EventName) {
  const { source, about, sequence, version, data } = events[name];
  const ofProvisioning = about === 'provisioning';
  return {
    'detail-type': name,
    source,
    detail: {
      metadata: {
        event_id: ofProvisioning ? eventId(name, PROVISIONING_ID, CREATION_ID) : eventId(name, ROTATION_ID),
        schema_version: version,
        provisioning_id: ofProvisioning ? PROVISIONING_ID : null,
        creation_id: ofProvisioning ? CREATION_ID : null,
        sequence,
        occurred_at: '2026-11-23T12:00:00.000Z',
        ...(ofProvisioning ? fromRequest(source) : fromRotation),
      },
      data: Object.fromEntries(Object.keys(data.shape).map((field) => [field, samples[field]])),
    },
  };
}

/** AsyncAPI 3: www.asyncapi.com/docs/reference/specification/v3.0.0 */
function asyncApi(): object {
  const channelOf = (source: EventSource) => buses[source];
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'Audit events of cross-service user provisioning',
      version: '1',
      description: 'Facts about service users, on the EventBridge buses of the services that own them.',
    },
    defaultContentType: 'application/json',
    channels: Object.fromEntries(
      Object.values(eventSources).map((source) => [
        channelOf(source),
        {
          address: channelOf(source),
          title: `Bus of ${source}`,
          messages: Object.fromEntries(
            ofSource(source).map(([name]) => [name, { $ref: `#/components/messages/${name}` }]),
          ),
        },
      ]),
    ),
    operations: Object.fromEntries(
      eventRows.map(([name, { source }]) => [
        `publish${name}`,
        {
          action: 'send',
          channel: { $ref: `#/channels/${channelOf(source)}` },
          messages: [{ $ref: `#/channels/${channelOf(source)}/messages/${name}` }],
        },
      ]),
    ),
    components: {
      messages: Object.fromEntries(
        eventRows.map(([name, { source, meaning, when }]) => [
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
                source: { const: source },
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

const ofSource = (source: EventSource) => eventRows.filter(([, row]) => row.source === source);

/** What may follow what, of one service. */
function stateDiagram(source: EventSource): string {
  const rows = ofSource(source).filter(([, { about }]) => about === 'provisioning');
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
  const { source, sequence, version, meaning, when, user, followed_by } = { ...events[name] };
  return `### ${name}

${meaning}

| | |
|---|---|
| owner | ${owners[source]} |
| sent as | \`${source}\`, on the bus \`${buses[source]}\` |
| when | ${when} |
| the user afterwards | ${user} |
| may be followed by | ${followed_by.length === 0 ? 'nothing' : followed_by.map((next) => `[${next}](#${next.toLowerCase()})`).join(', ')} |
| place | ${sequence} |
| schema | [version ${version}](../${schemaFile(name)}) |

\`\`\`json
${JSON.stringify(exampleOf(name), null, 2)}
\`\`\`
`;
}

function page(): string {
  const of = (source: EventSource) =>
    ofSource(source)
      .map(([name]) => chapter(name))
      .join('\n');
  return `# Audit events

Generated from [the catalogue](../contracts/events/catalogue.ts); do not edit. \`npm run generate\` writes this page, the
JSON Schemas and the [AsyncAPI document](../contracts/events/asyncapi.json) again.

Each service tells on its own EventBridge bus what has become of its service users. Whoever keeps account of who has
access, looks for what was left behind, or writes an audit trail, subscribes there.

## What you can rely on

- **Delivery** is at least once and not ordered, as EventBridge's is. The \`event_id\` is the same for each repeat of the
  same fact: drop what you have seen. \`sequence\` is the fixed place of the fact among those of one generation of its
  provisioning at that service, so numbers are left out: of two facts of one generation the one with the higher place
  tells how things stand.
- **A provisioning_id can come again**: 90 days after a provisioning has ended, its key can be used for a new one. The
  \`creation_id\` tells the two apart; facts of different generations are not in any order.
- **No two facts share an event_id**: it names service, provisioning, generation, place and event.
  A repeat has the same content but for its time and cause. It can give another reason (\`failure\`, \`compensation_failure\`) when
  the execution that published it was stopped, timed out or redriven before its end, or when a roll-back fails again: what
  has happened is the same, so the first one may be kept.
- **Every provisioning that was accepted has an end that is told**, by each service that it came to. The last fact of a
  service agrees with its user pool. What may follow what is drawn below; nothing else does. App2 tells nothing of a
  provisioning that was cancelled before it heard of it.
- **What could not be told did not happen**: when ServiceUserCreated or ServiceUserProvisioned cannot be published, the
  user is taken away again. What cannot be told of an undo is told by a later roll-back.
- **Versions.** A schema that was published never changes: a test holds its hash. Every change is a new version, sent
  under a new \`schema_version\`; read that before you read the rest, and leave alone what you do not know. A new
  version is sent instead of the one before, after its subscribers were told; the schemas of both stay here.
- **Personal data** are \`username\`, \`human_user_id\` and \`on_behalf_of\`, described as such in the schemas.
  There are no secrets in any event.
- **Size.** An event is smaller than 4 KB, whatever names are in it; EventBridge takes 1 MB.

## The envelope

Each event's \`detail\` is \`{metadata, data}\`. The metadata are the same for all:

| Field | |
|---|---|
| \`event_id\` | \`<service>:<provisioning_id>:<creation_id>:<sequence>:<event>\`: the same for each repeat; of a rotation \`<service>:<version of the secret>:<sequence>:<event>\` |
| \`schema_version\` | version of the event's schema |
| \`provisioning_id\` | what it is about; null when it is not about a provisioning |
| \`creation_id\` | the generation of the provisioning; null when it is not about a provisioning |
| \`sequence\` | place among the facts of this generation at that service |
| \`occurred_at\` | when; a roll-back that tells again what was told already has a later time |
| \`actor\` | who caused it, as verified by the service: for App1 account and id of the role or user that asked, for App2 the service whose machine client asked |
| \`causation_id\` | what made the service act: \`request:<id>\` (API Gateway's id, which its access log has, too), \`execution:<machine>:<name>\` (an execution that ended badly and was rolled back), \`rotation:<version>\` |
| \`trace_id\` | X-Ray's trace, the same at both services; null when there is none |
| \`asserted\` | fields of the data that nobody has verified: the actor said so |

A \`failure\` tells the step, the error as the execution's history has it, and a stable \`code\`; an \`compensation_failure\`, why
it could not be undone.

## How to subscribe

- [EventSubscription](../infra/constructs/event-subscription.ts), a CDK construct: events and fields by name, your
  function, one dead-letter queue for all that did not arrive, an alarm; also from another account.
- [readEvent and handleOnce](../contracts/events/subscriber.ts) read an event against its schema, typed, and drop repeats;
  \`eventPattern\` makes the pattern of a rule without the construct.
- [The contract kit](../contracts/events/contract-kit.ts) holds what you rely on against the catalogue and against
  [events as they were really produced](../contracts/events/produced/).
- [The access register](../examples/access-register/README.md) is a subscriber, complete: a table of who has access.
- With the setting \`schema_registry\` the schemas are in EventBridge's registry, too; with \`subscriber_accounts\` other
  accounts may subscribe.
- What was missed: [redrive the queue](runbooks/dead-letter-queue.md), or [replay the archive](runbooks/replay-events.md).

## App1: \`${eventSources.app1}\`

${stateDiagram(eventSources.app1)}

${of(eventSources.app1)}
## App2: \`${eventSources.app2}\`

${stateDiagram(eventSources.app2)}

${of(eventSources.app2)}`;
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
