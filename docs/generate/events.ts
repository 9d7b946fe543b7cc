import { createHash } from 'node:crypto';
import * as z from 'zod';
import {
  assertedFields,
  type EventName,
  type EventSource,
  eventDetail,
  eventRows,
  eventSources,
  events,
} from '../../contracts/events/catalogue.ts';
import { names } from '../../infra/settings.ts';

/** What is generated from the catalogue of events: JSON Schemas, an AsyncAPI document, and docs/events.md. */

const SCHEMAS = 'contracts/events/schemas';
export const schemaFile = (name: EventName): string => `${SCHEMAS}/${name}.v${events[name].version}.json`;

const buses: Record<EventSource, string> = {
  'app1.provisioning': names.app1Bus,
  'app2.service-users': names.app2Bus,
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
    $id: `urn:${source}:${name}:${version}`,
    title: name,
    description: meaning,
    ...schema,
  };
}

const PROVISIONING_ID = '0b54a0a5-91d2-4f21-9a5d-6a1c2f7f7d01';
const samples: Record<string, unknown> = {
  username: 'ada',
  human_user_id: 'h-1815',
  on_behalf_of: '111122223333/AROAEXAMPLEID',
  failure: { step: 'SetPassword', error: 'ServiceUnavailable' },
};

/** An event as a subscriber gets it. */
export function exampleOf(name: EventName) {
  const { source, sequence, version, data } = events[name];
  return {
    'detail-type': name,
    source,
    detail: {
      metadata: {
        event_id: `${PROVISIONING_ID}:${sequence}:${name}`,
        schema_version: version,
        provisioning_id: PROVISIONING_ID,
        sequence,
        occurred_at: '2026-11-23T12:00:00.000Z',
        actor: source === eventSources.app1 ? '111122223333/AROAEXAMPLEID' : 'owner-app1',
        asserted: assertedFields[source],
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
  const rows = ofSource(source);
  return [
    '```mermaid',
    'stateDiagram-v2',
    ...rows.filter(([name]) => startsStory(name)).map(([name]) => `  [*] --> ${name}`),
    ...rows.flatMap(([name, { followed_by }]) => followed_by.map((next) => `  ${name} --> ${next}`)),
    ...rows.filter(([, { user }]) => user !== 'unknown').map(([name]) => `  ${name} --> [*]`),
    '```',
  ].join('\n');
}

/** Every fact can be the first one that is told, but for the removal of what was told to be there. */
export const startsStory = (name: string): boolean =>
  name !== 'ServiceUserDeprovisioned' && name !== 'ServiceUserRemoved';

function chapter(name: EventName): string {
  const { source, sequence, version, meaning, when, user, followed_by } = { ...events[name] };
  return `### ${name}

${meaning}

| | |
|---|---|
| sent by | \`${source}\`, on the bus \`${buses[source]}\` |
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
  same fact: drop what you have seen. \`sequence\` is the place of the fact in the story of its provisioning at that
  service: of two facts the one with the higher place tells how things stand.
- **Every provisioning that was accepted has an end that is told**, by each service that it came to. The last fact of a
  service agrees with its user pool.
- **Versions.** A schema that was published never changes: a test holds its hash. Every change is a new version, sent
  under a new \`schema_version\`; read that before you read the rest, and leave alone what you do not know.
- **Personal data** are \`username\`, \`human_user_id\` and \`on_behalf_of\`. There are no secrets in any event.
- **Who did it.** \`actor\` was verified by the service that sends the event. What \`asserted\` lists, nobody has verified.

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
