import * as z from 'zod';
import { createServiceUserRequest, provisioningAccepted } from '../../contracts/app1-api.ts';
import { createUserRequest, sampleReply, sampleRequest } from '../../contracts/app2-api.ts';
import { failureReport } from '../../contracts/failures.ts';
import { fieldDescriptions, provisioningId } from '../../contracts/fields.ts';
import { brokenRules, SYMBOLS } from '../../contracts/password-policy.ts';
import { type ProblemCode, problem, problemBody, problems, retryAfter } from '../../contracts/problems.ts';
import {
  app1Routes,
  app2Routes,
  type ParameterName,
  parameters,
  type ResponseHeader,
  type Route,
  type RouteResponse,
  responseHeaders,
} from '../../contracts/routes.ts';
import { serviceKinds } from '../../contracts/services.ts';
import { attempt, provisioningStatus, timelineStep, waitingFor } from '../../contracts/status.ts';
import { defaultPasswordPolicy } from '../../infra/settings.ts';

/** Generates the OpenAPI documents from the routes of both APIs (spec.openapis.org/oas/v3.1.1). */

const ID = '0b54a0a5-91d2-4f21-9a5d-6a1c2f7f7d01';
const startedAt = '2026-11-25T12:00:00.000Z';

/** The named schemas, with an example of each request or response body. */
const named = new Map<z.ZodType, { id: string; example?: object }>([
  [
    createServiceUserRequest,
    {
      id: 'CreateServiceUserRequest',
      example: { username: 'ada', password: 'Correct-Horse-7-Battery', human_user_id: 'h-1815' },
    },
  ],
  [
    provisioningAccepted,
    {
      id: 'ProvisioningAccepted',
      example: {
        provisioning_id: ID,
        status: 'RUNNING',
        status_url: `https://api.example.com/v1/create-service-user/${ID}`,
      },
    },
  ],
  [
    provisioningStatus,
    {
      id: 'ProvisioningStatus',
      example: {
        provisioning_id: ID,
        status: 'SUCCEEDED',
        user: 'present',
        username: 'ada',
        human_user_id: 'h-1815',
        started_at: startedAt,
        stopped_at: '2026-11-25T12:00:02.000Z',
      },
    },
  ],
  [
    createUserRequest,
    {
      id: 'CreateUserRequest',
      example: { username: 'ada', encrypted_password: 'Y2lwaGVydGV4dA==', human_user_id: 'h-1815' },
    },
  ],
  [sampleRequest, { id: 'SampleRequest', example: { data: { answer: 42 } } }],
  [sampleReply, { id: 'SampleReply', example: { username: 'ada', received: { answer: 42 } } }],
  [problem, { id: 'Problem' }],
  [failureReport, { id: 'FailureReport' }],
  [timelineStep, { id: 'TimelineStep' }],
  [attempt, { id: 'Attempt' }],
  [waitingFor, { id: 'WaitingFor' }],
]);

const schemaPath = (id: string) => `#/components/schemas/${id}`;
const registry = z.registry<{ id: string }>();
for (const [schema, { id }] of named) registry.add(schema, { id });

/**
 * Replaces a pattern with Unicode classes, which many tools do not support. It rejects the usual spaces, control and format
 * characters and allows all others, of which the API rejects a few more.
 */
export const VISIBLE =
  '^[^\\s\\u0000-\\u001f\\u007f-\\u009f\\u00ad\\u200b-\\u200f\\u2028-\\u202f\\u2060-\\u206f\\ue000-\\uf8ff\\ufeff]*$';

/** All rules of the policy: the empty password breaks each of them. The list of symbols contains `|`, which would end a table cell. */
const policy = brokenRules('', defaultPasswordPolicy).map((rule) =>
  rule.replace(`one of ${SYMBOLS}`, 'one of the special characters of Cognito'),
);

const meanings: typeof fieldDescriptions = {
  ...fieldDescriptions,
  password: `${fieldDescriptions['password']} By default it ${policy.join('; it ')}. App1 rejects a request that breaks rules and lists all of them. A repeat of a request that was accepted under an earlier policy gets the state of its provisioning.`,
};

/** A pattern without Unicode classes. */
function readable(pattern: string): string {
  const plain = pattern.replace('\\p{Cc}', '\\u0000-\\u001f\\u007f-\\u009f');
  return plain.includes('\\p{') ? VISIBLE : plain;
}

const { pattern: UUID } = z
  .object({ pattern: z.string() })
  .parse(z.toJSONSchema(provisioningId, { io: 'input' }));

/** Options of zod's JSON Schema. A UUID gets its format, because tools cannot derive it from the pattern. */
const asDocumented = {
  target: 'draft-2020-12',
  io: 'input',
  override: ({ jsonSchema }) => {
    for (const rule of [jsonSchema, ...(jsonSchema.allOf ?? [])]) {
      if (rule.pattern === UUID) rule.format = 'uuid';
      if (rule.pattern !== undefined) rule.pattern = readable(rule.pattern);
    }
  },
} as const satisfies z.core.ToJSONSchemaParams;

/** OpenAPI 3.1 uses JSON Schema 2020-12, which zod generates. */
const { schemas: withIds } = z.toJSONSchema(registry, {
  ...asDocumented,
  uri: schemaPath,
});
const schemas = Object.fromEntries(
  Object.entries(withIds).map(([id, { $id, $schema, ...schema }]) => [id, withMeanings(schema)]),
);

/** Adds the description of each field by its name, because several fields share one schema (such as a timestamp). */
function withMeanings(part: unknown): unknown {
  if (Array.isArray(part)) return part.map(withMeanings);
  if (typeof part !== 'object' || part === null) return part;
  return Object.fromEntries(
    Object.entries(part).map(([key, value]: [string, unknown]) => [
      key,
      key === 'properties' ? fieldsWithMeanings(value) : withMeanings(value),
    ]),
  );
}

function fieldsWithMeanings(fields: unknown): unknown {
  return Object.fromEntries(
    Object.entries(z.record(z.string(), z.record(z.string(), z.unknown())).parse(fields)).map(
      ([name, field]) => {
        const meaning = meanings[name];
        const rest = withMeanings(field);
        return [
          name,
          meaning === undefined ? rest : { ...z.object({}).loose().parse(rest), description: meaning },
        ];
      },
    ),
  );
}

function reference(schema: z.ZodType): { $ref: string } {
  const name = named.get(schema)?.id;
  if (name === undefined)
    throw new Error('A body has no name: add its schema to the table of named schemas.');
  return { $ref: schemaPath(name) };
}

function inlined(schema: z.ZodType): object {
  const { $schema, ...plain } = z.toJSONSchema(schema, asDocumented);
  return plain;
}

const bodyOf = (schema: z.ZodType) => ({
  'application/json': {
    schema: reference(schema),
    examples: { example: { value: named.get(schema)?.example } },
  },
});

const headersOf = (names: readonly ResponseHeader[]) =>
  Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]));

function answerOf({ meaning, body, headers = [], links = [] }: RouteResponse): object {
  return {
    description: meaning,
    ...(headers.length === 0 ? {} : { headers: headersOf(headers) }),
    ...(body === undefined ? {} : { content: bodyOf(body) }),
    ...(links.length === 0
      ? {}
      : {
          links: Object.fromEntries(
            links.map((operationId) => [
              operationId,
              { operationId, parameters: { provisioning_id: '$response.body#/provisioning_id' } },
            ]),
          ),
        }),
  };
}

/** Name of a parameter on the wire. The services use one header with different meanings, which the table distinguishes. */
const onTheWire = (name: ParameterName): string => name.split(' ')[0] ?? name;

function operationOf(name: string, route: Route, tag: string): object {
  const answers = Object.entries(route.responses).map(([status, answer]) => [status, answerOf(answer)]);
  const errors = errorsOf(route).map((codes) => [
    String(problems[codes[0]].status),
    { $ref: `#/components/responses/${codes.join(OR)}` },
  ]);
  return {
    operationId: name,
    summary: route.summary,
    description: route.description,
    tags: [tag],
    ...(route.parameters.length === 0
      ? {}
      : {
          parameters: route.parameters.map((parameter) => ({
            $ref: `#/components/parameters/${parameter.replaceAll(' ', '-')}`,
          })),
        }),
    ...(route.body === undefined ? {} : { requestBody: { required: true, content: bodyOf(route.body) } }),
    responses: Object.fromEntries([...answers, ...errors].sort(([a], [b]) => Number(a) - Number(b))),
  };
}

interface Api {
  title: string;
  description: string;
  team: string;
  tag: { name: string; description: string };
  routes: Record<string, Route>;
  security: { name: string; scheme: object };
}

const apis = {
  app1: {
    title: 'App1: provisioning of service users',
    description:
      'Provisions service users at App2. Requests are signed with AWS Signature Version 4. docs/errors.md lists all errors with cause and remedy.',
    team: 'Team of App1',
    tag: { name: 'provisioning', description: 'Service users of App2, from request to removal' },
    routes: app1Routes,
    security: {
      name: 'sigv4',
      scheme: {
        type: 'apiKey',
        in: 'header',
        name: 'Authorization',
        description:
          'AWS Signature Version 4 for `execute-api`, by a principal that may invoke this API; if callers have rate limits of their own, also the header `x-api-key`',
        'x-amazon-apigateway-authtype': 'awsSigv4',
      },
    },
  },
  app2: {
    title: 'App2: service users',
    description:
      'Creates service users for App1, and serves their requests. Requests carry an access token of the user pool. docs/errors.md lists all errors with cause and remedy.',
    team: 'Team of App2',
    tag: {
      name: 'service-users',
      description: 'Creation and removal of service users, and their business endpoint',
    },
    routes: app2Routes,
    security: {
      name: 'bearer',
      scheme: {
        type: 'http',
        scheme: 'bearer',
        bearerFormat: 'JWT',
        description:
          'An access token of the user pool; its groups and its client determine the allowed routes',
      },
    },
  },
} as const satisfies Record<string, Api>;
export type ApiName = keyof typeof apis;

/** The OpenAPI document of a service's API. */
export function openApi(api: ApiName): object {
  const { title, description, team, tag, routes, security }: Api = apis[api];
  const rows = Object.entries(routes);
  const paths: Record<string, Record<string, object>> = {};
  for (const [name, route] of rows) {
    const path = `/${route.path}`;
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operationOf(name, route, tag.name) };
  }
  // Linters report a component that is not referenced.
  const usedHeaders = new Set<string>([
    'Retry-After',
    ...rows.flatMap(([, route]) => Object.values(route.responses).flatMap(({ headers = [] }) => headers)),
  ]);
  const document = {
    openapi: '3.1.0',
    info: {
      title,
      version: '1',
      description,
      contact: { name: team },
      license: { name: 'Apache 2.0', identifier: 'Apache-2.0' },
    },
    servers: [
      {
        url: 'https://{api_id}.execute-api.{region}.amazonaws.com/v1',
        description: 'The stage on AWS',
        variables: { api_id: { default: 'api-id' }, region: { default: 'eu-central-1' } },
      },
    ],
    tags: [tag],
    security: [{ [security.name]: [] }],
    paths,
    components: {
      securitySchemes: { [security.name]: security.scheme },
      parameters: Object.fromEntries(
        used(rows.flatMap(([, route]) => route.parameters)).map((name) => [
          name.replaceAll(' ', '-'),
          parameterOf(name),
        ]),
      ),
      headers: Object.fromEntries(
        Object.entries(responseHeaders)
          .filter(([name]) => usedHeaders.has(name))
          .map(([name, { meaning, schema, example }]) => [
            name,
            { description: meaning, schema: inlined(schema), example },
          ]),
      ),
      responses: Object.fromEntries(
        rows
          .flatMap(([, route]) => errorsOf(route))
          .map((codes) => [codes.join(OR), problemResponse(codes)] as const)
          .sort(([a], [b]) => (a < b ? -1 : 1)),
      ),
      schemas,
    },
  };
  return { ...document, components: { ...document.components, schemas: reachable(document) } };
}

function parameterOf(name: ParameterName): object {
  const row = parameters[name];
  return {
    name: onTheWire(name),
    in: row.in,
    description: row.meaning,
    required: 'required' in row,
    schema: inlined(row.schema),
    example: row.example,
  };
}

/** Separator of the codes in the name of a response that stands for several problems. */
export const OR = '-or-';

type Codes = readonly [ProblemCode, ...ProblemCode[]];

/** The problems of a route, grouped by HTTP status: OpenAPI has one response per status. */
function errorsOf({ problems: codes }: Route): Codes[] {
  const byStatus = new Map<number, Codes>();
  for (const code of codes) {
    const { status } = problems[code];
    const known = byStatus.get(status);
    byStatus.set(status, known === undefined ? [code] : [...known, code]);
  }
  return [...byStatus.values()];
}

function problemResponse(codes: Codes): object {
  const example = (code: ProblemCode) =>
    problemBody(
      code,
      code === 'INVALID_REQUEST' ? [{ pointer: '/username', detail: 'is missing' }] : undefined,
    );
  const [code, ...others] = codes;
  const allowed = others.length === 0 ? { const: code } : { enum: codes };
  return {
    description: codes.map((each) => `${problems[each].title}. ${problems[each].detail}`).join(' Or: '),
    ...(codes.every((each) => retryAfter(each) === undefined) ? {} : { headers: headersOf(['Retry-After']) }),
    content: {
      'application/problem+json': {
        schema: { allOf: [reference(problem), { properties: { code: allowed } }] },
        examples: Object.fromEntries(codes.map((each) => [each, { value: example(each) }])),
      },
    },
  };
}

const used = <Name extends string>(names: readonly Name[]): Name[] => [...new Set(names)].sort();

/** The named schemas that a document references, directly or indirectly. */
function reachable({ components, ...rest }: { components: { schemas: object } }): object {
  const { schemas: _, ...others } = components;
  const found = new Set<string>();
  const follow = (part: unknown): void => {
    for (const [, id = ''] of JSON.stringify(part).matchAll(/"#\/components\/schemas\/(\w+)"/g))
      if (!found.has(id)) {
        found.add(id);
        follow(schemas[id]);
      }
  };
  follow([rest, others]);
  return Object.fromEntries([...found].sort().map((id) => [id, schemas[id]]));
}

/** All files that are generated from the routes: content by path, relative to the project's root. */
export function generatedFromRoutes(): Record<string, string> {
  return Object.fromEntries(
    serviceKinds.map((api) => [openApiFile(api), `${JSON.stringify(openApi(api), null, 2)}\n`]),
  );
}

export const openApiFile = (api: ApiName): string => `docs/openapi/${api}.json`;
