import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { Ruleset, Spectral } from '@stoplight/spectral-core';
import { oas } from '@stoplight/spectral-rulesets';
import * as z from 'zod';
import { fieldDescriptions, humanUserId } from '../../contracts/fields.ts';
import { type ProblemCode, problem, problems } from '../../contracts/problems.ts';
import { app1Routes, app2Routes, type Route } from '../../contracts/routes.ts';
import { apiPage, apiPageFile } from '../../docs/generate/api-page.ts';
import { generatedFromRoutes, openApi, VISIBLE } from '../../docs/generate/openapi.ts';
import { type Template, templates } from '../../infra/templates.ts';
import { resources } from '../support/resources.ts';

const root = join(import.meta.dirname, '..', '..');
const read = (file: string): string => readFileSync(join(root, file), 'utf8');
const deployed = templates({ environment: 'aws' });

const gatewayResponse = z.object({ ResponseTemplates: z.strictObject({ 'application/json': z.string() }) });

const documented = z.object({
  paths: z.record(z.string(), z.record(z.string(), z.looseObject({ operationId: z.string() }))),
  components: z.object({ schemas: z.unknown() }),
});

interface Field {
  name: string;
  description: unknown;
}

/** The fields of all schemas of a document, nested ones, too. */
function fieldsBelow(part: unknown): Field[] {
  if (typeof part !== 'object' || part === null) return [];
  return Object.entries(part).flatMap(([key, value]: [string, unknown]) => {
    const fields = key === 'properties' ? z.record(z.string(), z.looseObject({})).parse(value) : {};
    const own = Object.entries(fields).map(([name, field]) => ({ name, description: field['description'] }));
    return [...own, ...fieldsBelow(value)];
  });
}

/** Method and path of each route that a template deploys. */
function routesOf(template: Template): string[] {
  const parts = Object.fromEntries(resources(template, 'AWS::ApiGateway::Resource'));
  const resource = z.object({
    PathPart: z.string(),
    ParentId: z.looseObject({ Ref: z.string().optional() }),
  });
  const pathOf = (id: string | undefined): string => {
    const part = id === undefined ? undefined : parts[id];
    if (part === undefined) return '';
    const { PathPart, ParentId } = resource.parse(part.Properties);
    return `${pathOf(ParentId.Ref)}/${PathPart}`;
  };
  const method = z.object({ HttpMethod: z.string(), ResourceId: z.looseObject({ Ref: z.string() }) });
  return resources(template, 'AWS::ApiGateway::Method').map(([, { Properties }]) => {
    const { HttpMethod, ResourceId } = method.parse(Properties);
    return `${HttpMethod} ${pathOf(ResourceId.Ref)}`;
  });
}

it.each(Object.entries({ ...generatedFromRoutes(), [apiPageFile]: apiPage() }))(
  '%s is up to date',
  (file, content) => {
    expect(read(file)).toBe(content);
  },
);

describe.each(['app1', 'app2'] as const)('the OpenAPI document of %s', (api) => {
  const document = openApi(api);
  const text = JSON.stringify(document);

  it('contains exactly the deployed routes', () => {
    const { paths } = documented.parse(document);
    const documentedRoutes = Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );

    expect(documentedRoutes.length).toBeGreaterThan(2);
    expect(documentedRoutes.sort()).toEqual(routesOf(deployed[api]).sort());
  });

  it('contains every problem of every route, grouped by HTTP status', () => {
    const routes: Record<string, Route> = api === 'app1' ? app1Routes : app2Routes;
    const answers = z.object({
      paths: z.record(
        z.string(),
        z.record(
          z.string(),
          z.object({ operationId: z.string(), responses: z.record(z.string(), z.unknown()) }),
        ),
      ),
      components: z.object({ responses: z.record(z.string(), z.unknown()) }),
    });
    const { paths, components } = answers.parse(document);

    for (const { operationId, responses } of Object.values(paths).flatMap((methods) =>
      Object.values(methods),
    ))
      for (const code of routes[operationId]?.problems ?? []) {
        const { $ref } = z.object({ $ref: z.string() }).parse(responses[problems[code].status]);
        expect([operationId, components.responses[$ref.split('/').at(-1) ?? '']]).toEqual([
          operationId,
          expect.objectContaining({
            content: {
              'application/problem+json': expect.objectContaining({
                examples: expect.objectContaining({ [code]: { value: expect.objectContaining({ code }) } }),
              }),
            },
          }),
        ]);
      }
  });

  it("passes Spectral's rules for OpenAPI without a warning", async () => {
    const spectral = new Spectral();
    spectral.setRuleset(
      new Ruleset({
        extends: [[oas, 'all']],
        // A team has no URL here, and a licence has an SPDX identifier instead of one (OpenAPI 3.1).
        rules: { 'contact-properties': 'off', 'license-url': 'off' },
      }),
    );

    expect(await spectral.run(text)).toEqual([]);
  });

  it('describes each field', () => {
    const fields = fieldsBelow(documented.parse(document).components.schemas);

    expect(fields.map(({ name }) => name)).toContain('started_at');
    for (const { name, description } of fields)
      expect([name, description]).toEqual([
        name,
        expect.stringContaining(fieldDescriptions[name] ?? 'no meaning'),
      ]);
  });

  it('contains no broken reference', () => {
    const at = (reference: string): unknown =>
      reference
        .slice(2)
        .split('/')
        .reduce<unknown>((part, key) => z.record(z.string(), z.unknown()).parse(part)[key], document);

    const references = [...text.matchAll(/"\$ref":"(#[^"]+)"/g)].map(([, reference = '']) => reference);

    expect(references.length).toBeGreaterThan(20);
    for (const reference of references)
      expect([reference, at(reference)]).toEqual([reference, expect.anything()]);
  });
});

describe.each([
  ['app1', app1Routes],
  ['app2', app2Routes],
] as const)('what the gateway of %s may answer itself', (service, routes) => {
  const answers = resources(deployed[service], 'AWS::ApiGateway::GatewayResponse').map(
    ([, { Properties }]) => {
      const { ResponseTemplates } = gatewayResponse.parse(Properties);
      return problem.parse(JSON.parse(ResponseTemplates['application/json'])).code;
    },
  );

  it.each(Object.entries<Route>(routes))(
    'is documented at %s',
    (_name, { body, problems: documentedCodes }) => {
      const impossible: ProblemCode[] = [
        // An unknown path is not a documented route.
        'NOT_FOUND',
        // App1 has no authorizer.
        ...(service === 'app1' ? (['UNAUTHENTICATED'] as const) : []),
        ...(body === undefined ? (['INVALID_REQUEST', 'UNSUPPORTED_MEDIA_TYPE'] as const) : []),
      ];
      const possible = [...new Set(answers)].filter((code) => !impossible.includes(code));

      expect(documentedCodes).toEqual(expect.arrayContaining(possible));
      expect(possible.length).toBeGreaterThan(4);
    },
  );
});

it.each(['ada', 'Ada.Lovelace+1815@example.org', 'Žofie', '愛', 'हिन्दी', '🙂'])(
  'the documented pattern of human_user_id accepts %s, as the API does',
  (name) => {
    expect([new RegExp(VISIBLE).test(name), humanUserId.safeParse(name).success]).toEqual([true, true]);
  },
);

it.each(['a b', 'a\u0000b', 'a\u00a0b', 'a\u00adb', 'a\u200bb', 'a\ufeffb', 'a\nb'])(
  'the documented pattern of human_user_id rejects %j, as the API does',
  (name) => {
    expect([new RegExp(VISIBLE).test(name), humanUserId.safeParse(name).success]).toEqual([false, false]);
  },
);
