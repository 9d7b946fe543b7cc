import { describe, expect, it } from '@jest/globals';
import Ajv from 'ajv-draft-04';
import * as z from 'zod';
import { eventRows, events, sourceOf } from '../../contracts/events/catalogue.ts';
import { serviceKinds } from '../../contracts/services.ts';
import { exampleOf } from '../../docs/generate/events.ts';
import { draft4Of } from '../../infra/constructs/schema-registry.ts';
import { app1Names, targetNames } from '../../infra/names.ts';
import { templates } from '../../infra/templates.ts';
import { resources } from '../support/resources.ts';

const on = templates({ schema_registry: 'on' });
const schemaProperties = z.looseObject({ SchemaName: z.string(), Content: z.string(), Type: z.string() });
const schemas = (service: (typeof serviceKinds)[number]) =>
  resources(on[service], 'AWS::EventSchemas::Schema').map(([, { Properties }]) =>
    schemaProperties.parse(Properties),
  );

describe('the schema registry', () => {
  it.each([
    ['app1', app1Names.bus],
    ['app2', targetNames('app2').bus],
  ] as const)('of %s has the name of its bus and a schema of each of its events', (service, bus) => {
    const registries = resources(on[service], 'AWS::EventSchemas::Registry');
    const source = sourceOf(service);
    const own = eventRows.filter(([, row]) => row.publisher === service).map(([name]) => `${source}@${name}`);

    expect(registries.map(([, { Properties }]) => Properties['RegistryName'])).toEqual([bus]);
    expect(own.length).toBeGreaterThan(0);
    expect(schemas(service).map(({ SchemaName }) => SchemaName)).toEqual(own);
  });

  // eventbridge/latest/schema-reference/v1-registries-name-registryname-schemas-name-schemaname
  it.each(serviceKinds)('of %s stays within the limits of EventBridge', (service) => {
    for (const { SchemaName, Type, Content, Description } of schemas(service)) {
      expect(SchemaName).toMatch(/^[\w.@-]{1,385}$/);
      expect(String(Description).length).toBeLessThanOrEqual(256);
      expect(Type).toBe('JSONSchemaDraft4');
      expect(JSON.parse(Content)).toMatchObject({ $schema: 'http://json-schema.org/draft-04/schema#' });
      expect(Content.length).toBeLessThan(100_000);
    }
  });

  it.each(serviceKinds)('does not exist for %s by default', (service) => {
    expect(JSON.stringify(templates()[service])).not.toContain('AWS::EventSchemas');
  });
});

describe('a schema of the registry', () => {
  const ajv = new Ajv({ strict: true, validateFormats: false }).addKeyword('personal');

  it.each(eventRows)('is a draft-4 schema that accepts %s as it is delivered, and no other event', (name) => {
    const validate = ajv.compile(draft4Of(events[name].publisher, name));
    const example = exampleOf(name);

    expect(validate({ ...example, version: '0', id: 'delivery-1', account: '111122223333' })).toBe(true);
    expect(validate({ ...example, source: 'another.service' })).toBe(false);
    expect(validate({ ...example, detail: { ...example.detail, more: 1 } })).toBe(false);
  });
});
