import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { Ajv } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import * as z from 'zod';
import { eventRows } from '../../contracts/events/catalogue.ts';
import { exampleOf } from '../../docs/generate/events.ts';

/**
 * Validates the AsyncAPI document with the official JSON Schema of AsyncAPI. The official parser would check no more than
 * this and the references, and has 168 packages.
 */
const root = join(import.meta.dirname, '..', '..');
const folder = join(root, 'contracts', 'events');
const read = (file: string): unknown => JSON.parse(readFileSync(file, 'utf8'));
const document = read(join(folder, 'asyncapi.json'));

const official = z
  .looseObject({})
  .parse(read(join(root, 'node_modules', '@asyncapi', 'specs', 'schemas', '3.0.0-without-$id.json')));
/** Not strict, because the official schema has redundant keywords. The examples cover the formats. */
const validate = new Ajv({ strict: false, validateFormats: false, allErrors: true }).compile(official);

/** Every reference in the document with its JSON pointer. */
function references(value: unknown, pointer = '#'): { pointer: string; to: string }[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) =>
    key === '$ref' ? [{ pointer, to: String(inner) }] : references(inner, `${pointer}/${key}`),
  );
}

/** The target of a reference: a part of the document, or a file next to it. */
function follow(to: string): unknown {
  if (!to.startsWith('#/')) return read(join(folder, to));
  return to
    .slice(2)
    .split('/')
    .reduce<unknown>((at, key) => z.record(z.string(), z.unknown()).parse(at)[key], document);
}

const messages = z
  .looseObject({
    components: z.object({
      messages: z.record(
        z.string(),
        z.looseObject({
          payload: z.looseObject({ properties: z.looseObject({ detail: z.object({ $ref: z.string() }) }) }),
          examples: z.array(z.looseObject({ payload: z.looseObject({ detail: z.unknown() }) })),
        }),
      ),
    }),
  })
  .parse(document).components.messages;

describe('the AsyncAPI document', () => {
  it('is valid by the official schema', () => {
    validate(document);

    expect(validate.errors ?? []).toEqual([]);
  });

  it('would be invalid with an unknown field', () => {
    expect(validate({ ...z.looseObject({}).parse(document), topics: {} })).toBe(false);
  });

  it('contains no broken reference', () => {
    const found = references(document);

    expect(found.length).toBeGreaterThan(eventRows.length);
    for (const { to } of found) expect(follow(to)).toBeDefined();
  });

  it.each(eventRows)('has a valid schema for %s, and an example that the schema accepts', (name) => {
    const message = messages[name];
    if (message === undefined) throw new Error(`The document has no message ${name}.`);
    const ajv = new Ajv2020({ strict: true, validateFormats: false }).addKeyword('personal');
    const { detail, ...others } = message.payload.properties;
    const takesEnvelope = ajv.compile({ ...message.payload, properties: { ...others, detail: {} } });
    const takesDetail = ajv.compile(z.looseObject({}).parse(follow(detail.$ref)));
    const takesAll = (event: { source?: unknown; detail: unknown }) =>
      takesEnvelope(event) && takesDetail(event.detail);

    expect(message.examples).toHaveLength(1);
    for (const { payload } of message.examples) expect(takesAll(payload)).toBe(true);
    expect(takesAll({ ...exampleOf(name), source: 'another.service' })).toBe(false);
    expect(takesAll({ ...exampleOf(name), detail: {} })).toBe(false);
  });
});
