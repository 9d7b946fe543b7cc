import * as mini from 'zod/mini';
import { $ZodError } from 'zod/v4/core';
import en from 'zod/v4/locales/en.js';

/**
 * What stands for `zod` in the bundles: zod's own mini variant, which is the same core without methods, and those of
 * the methods that schemas here use. A test sees to it that no other one is called in anything that is bundled.
 * zod.dev/packages/mini
 */
mini.config(en());

type Schema = mini.ZodMiniType;

/** The message of a check is a text, or there is none. */
type Message = string | undefined;
type Mask = Record<string, true>;

const kinds = {
  array: mini.ZodMiniArray,
  number: mini.ZodMiniNumber,
  object: mini.ZodMiniObject,
  string: mini.ZodMiniString,
} as const;

/** A schema as what it must be to have such a check. */
function as<K extends keyof typeof kinds>(kind: K, schema: Schema): InstanceType<(typeof kinds)[K]>;
function as(kind: keyof typeof kinds, schema: Schema): Schema {
  if (schema instanceof kinds[kind]) return schema;
  throw new TypeError(`A schema of ${schema._zod.def.type} has no checks of ${kind}.`);
}

function min(schema: Schema, least: number, message: Message): Schema {
  if (schema instanceof mini.ZodMiniNumber) return schema.check(mini.gte(least, message));
  if (schema instanceof mini.ZodMiniArray) return schema.check(mini.minLength(least, message));
  return as('string', schema).check(mini.minLength(least, message));
}

function max(schema: Schema, most: number, message: Message): Schema {
  if (schema instanceof mini.ZodMiniNumber) return schema.check(mini.lte(most, message));
  if (schema instanceof mini.ZodMiniArray) return schema.check(mini.maxLength(most, message));
  return as('string', schema).check(mini.maxLength(most, message));
}

/** Under the name that zod itself gives its errors. */
function parse(schema: Schema, value: unknown): unknown {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw Object.assign(result.error, { name: 'ZodError' });
}

const methods = (schema: Schema) => ({
  parse: (value: unknown) => parse(schema, value),
  min: (least: number, message: Message) => full(min(schema, least, message)),
  max: (most: number, message: Message) => full(max(schema, most, message)),
  positive: (message: Message) => full(as('number', schema).check(mini.positive(message))),
  nonnegative: (message: Message) => full(as('number', schema).check(mini.nonnegative(message))),
  regex: (pattern: RegExp, message: Message) =>
    full(as('string', schema).check(mini.regex(pattern, message))),
  toLowerCase: () => full(as('string', schema).check(mini.toLowerCase())),
  trim: () => full(as('string', schema).check(mini.trim())),
  includes: (part: string, message: Message) =>
    full(as('string', schema).check(mini.includes(part, message))),
  refine: (holds: (value: unknown) => unknown, message: Message) =>
    full(schema.check(mini.refine(holds, message))),
  optional: () => full(mini.optional(schema)),
  nullable: () => full(mini.nullable(schema)),
  nullish: () => full(mini.nullish(schema)),
  default: (value: unknown) => full(mini._default(schema, value)),
  transform: (change: (value: unknown) => unknown) => full(mini.pipe(schema, mini.transform(change))),
  pipe: (next: Schema) => full(mini.pipe(schema, next)),
  /** What is told about a schema is for its documents. */
  meta: () => schema,
  pick: (mask: Mask) => full(mini.pick(as('object', schema), mask)),
  omit: (mask: Mask) => full(mini.omit(as('object', schema), mask)),
  partial: () => full(mini.partial(as('object', schema))),
  extend: (shape: Record<string, Schema>) => full(mini.extend(as('object', schema), shape)),
});

/** A schema with the methods. */
const full = <S extends Schema>(schema: S) => Object.assign(schema, methods(schema));

export { $ZodError as ZodError };

const made =
  <Args extends unknown[], S extends Schema>(make: (...args: Args) => S) =>
  (...args: Args) =>
    full(make(...args));

export const array = made(mini.array);
export const boolean = made(mini.boolean);
export const discriminatedUnion = made(mini.discriminatedUnion);
export const int = made(mini.int);
export const iso = { datetime: made(mini.iso.datetime) };
export const literal = made(mini.literal);
export const looseObject = made(mini.looseObject);
export const number = made(mini.number);
export const object = made(mini.object);
export const record = made(mini.record);
export const strictObject = made(mini.strictObject);
export const string = made(mini.string);
export const union = made(mini.union);
export const unknown = made(mini.unknown);
export const url = made(mini.url);
const enumeration = made(mini.enum);
const nothing = made(mini.null);

export { enumeration as enum, nothing as null };
