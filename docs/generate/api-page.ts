import * as z from 'zod';
import { type ApiName, OR, openApi, openApiFile } from './openapi.ts';

/** Generates docs/api.md from the OpenAPI documents. */

export const apiPageFile = 'docs/api.md';

/** The parts of OpenAPI that the page contains. */
const pointer = z.object({ $ref: z.string() });
const example = z.object({ value: z.unknown() });
const property = z.looseObject({
  description: z.string().optional(),
  $ref: z.string().optional(),
  type: z.string().optional(),
  enum: z.array(z.string()).optional(),
  const: z.unknown().optional(),
  items: z
    .looseObject({
      $ref: z.string().optional(),
      type: z.string().optional(),
      enum: z.array(z.string()).optional(),
    })
    .optional(),
  format: z.string().optional(),
  minLength: z.int().optional(),
  maxLength: z.int().optional(),
});
type Property = z.infer<typeof property>;
const content = z.record(
  z.string(),
  z.object({ schema: z.unknown(), examples: z.record(z.string(), example).optional() }),
);
const response = z.object({
  description: z.string(),
  headers: z.record(z.string(), pointer).optional(),
  content: content.optional(),
});
const document = z.object({
  info: z.object({ title: z.string(), description: z.string() }),
  paths: z.record(
    z.string(),
    z.record(
      z.string(),
      z.object({
        operationId: z.string(),
        summary: z.string(),
        description: z.string(),
        parameters: z.array(pointer).default([]),
        requestBody: z.object({ content }).optional(),
        responses: z.record(z.string(), z.union([pointer, response])),
      }),
    ),
  ),
  components: z.object({
    securitySchemes: z.record(z.string(), z.object({ description: z.string() })),
    parameters: z.record(
      z.string(),
      z.object({
        name: z.string(),
        in: z.string(),
        description: z.string(),
        required: z.boolean(),
        example: z.string(),
      }),
    ),
    headers: z.record(z.string(), z.object({ description: z.string(), example: z.string() })),
    responses: z.record(z.string(), response),
    schemas: z.record(
      z.string(),
      z.looseObject({
        properties: z.record(z.string(), property).default({}),
        required: z.array(z.string()).default([]),
      }),
    ),
  }),
});
type Document = z.infer<typeof document>;

const nameIn = (reference: string): string => reference.split('/').at(-1) ?? reference;
const table = (head: string[], rows: string[][]): string =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
const json = (value: unknown): string => `\`\`\`json\n${JSON.stringify(value, null, 2)}\n\`\`\``;
const schemaLink = (api: ApiName, reference: string): string =>
  `[${nameIn(reference)}](#${api}-${nameIn(reference).toLowerCase()})`;

function operations(api: ApiName, { paths, components }: Document): string[] {
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => {
      const parameters = operation.parameters.map(({ $ref }) => {
        const row = components.parameters[nameIn($ref)];
        if (row === undefined) throw new Error(`There is no parameter ${$ref}.`);
        const must = row.required ? 'required' : 'optional';
        return [`\`${row.name}\``, `${row.in}, ${must}`, row.description, `\`${row.example}\``];
      });
      const responses = Object.entries(operation.responses).map(([status, one]) => {
        if ('$ref' in one) {
          const codes = nameIn(one.$ref).split(OR);
          const links = codes.map((code) => `[${code}](errors.md#${status}-${code.toLowerCase()})`);
          return [status, links.join(' or '), ''];
        }
        const headers = Object.keys(one.headers ?? {}).map((name) => `\`${name}\``);
        const schema = pointer.safeParse(Object.values(one.content ?? {})[0]?.schema);
        const body = schema.success ? ` ${schemaLink(api, schema.data.$ref)}.` : '';
        return [status, `${one.description}${body}`, headers.join(', ')];
      });
      const [request] = Object.values(operation.requestBody?.content ?? {});
      const reference = pointer.safeParse(request?.schema);
      return [
        `### ${method.toUpperCase()} ${path}`,
        `**${operation.summary}.** ${operation.description}`,
        ...(parameters.length === 0 ? [] : [table(['Parameter', '', 'Meaning', 'Example'], parameters)]),
        ...(reference.success
          ? [
              `Body: ${schemaLink(api, reference.data.$ref)}, for example`,
              json(Object.values(request?.examples ?? {})[0]?.value),
            ]
          : []),
        table(['Status', 'Response', 'Headers'], responses),
      ].join('\n\n');
    }),
  );
}

function typeOf(api: ApiName, one: Property): string {
  if (one.$ref !== undefined) return schemaLink(api, one.$ref);
  if (one.items !== undefined) return `list of ${typeOf(api, one.items)}`;
  if (one.const !== undefined) return `\`${String(one.const)}\``;
  if (one.enum !== undefined) return one.enum.map((value) => `\`${value}\``).join(', ');
  const length = one.maxLength === undefined ? '' : `, ${one.minLength ?? 0} to ${one.maxLength} characters`;
  return `${one.format ?? one.type ?? 'anything'}${length}`;
}

function schemasOf(api: ApiName, { components }: Document): string[] {
  return Object.entries(components.schemas).map(([id, { properties, required }]) => {
    const rows = Object.entries(properties).map(([name, one]) => [
      `\`${name}\`${required.includes(name) ? '' : ' (optional)'}`,
      typeOf(api, one),
      one.description ?? '',
    ]);
    return [`### ${api} ${id}`, table(['Field', 'Type', 'Meaning'], rows)].join('\n\n');
  });
}

function chapter(api: ApiName): string {
  const whole = document.parse(openApi(api));
  const security = Object.values(whole.components.securitySchemes).map(({ description }) => description);
  const headers = Object.entries(whole.components.headers).map(([name, row]) => [
    `\`${name}\``,
    row.description,
    `\`${row.example}\``,
  ]);
  return [
    `## ${whole.info.title}`,
    `${whole.info.description} The document: [${api}.json](${openApiFile(api).replace('docs/', '')}).`,
    `Every request requires: ${security.join('; ')}.`,
    ...operations(api, whole),
    '### Response headers',
    table(['Header', 'Meaning', 'Example'], headers),
    ...schemasOf(api, whole),
  ].join('\n\n');
}

/** Renders docs/api.md. */
export function apiPage(): string {
  return `# The APIs

Generated from [the routes](../contracts/routes.ts) and the OpenAPI documents by \`npm run generate\`; do not edit. Errors are
\`application/problem+json\` (RFC 9457); [errors.md](errors.md) lists every code.

${chapter('app1')}

${chapter('app2')}
`;
}
