import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { build } from 'esbuild';
import * as z from 'zod';
import { bundling } from '../../../infra/bundle.ts';
import { present } from '../../local-aws/support/present.ts';

/**
 * The bundles have zod's mini variant under zod's methods. Every schema that a function can be given values for is made
 * with both here: both must say the same of every value, in the same words.
 */

const root = join(import.meta.dirname, '..', '..', '..');
const PAGES = [
  'app1-api',
  'app2-api',
  'executions',
  'failures',
  'fields',
  'headers',
  'origin',
  'problems',
  'status',
];
const SCHEMAS = `
  ${PAGES.map((page, n) => `export * as c${n} from './contracts/${page}.ts';`).join('\n')}
  import { environments as app1 } from './handlers/app1/environments.ts';
  import { environments as app2 } from './handlers/app2/environments.ts';
  export { app1, app2 };
`;

type Schema = Pick<z.ZodType, 'safeParse'>;
let schemas: [string, Schema, Schema][];
/** Any schema of the lean kind: all have the same methods. */
let leanSchema: Schema;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'zod-'));
  const load = async (file: string, plugins: readonly import('esbuild').Plugin[]) => {
    const outfile = join(folder, file);
    const stdin = { contents: SCHEMAS, resolveDir: root };
    await build({ ...bundling, plugins: [...plugins], stdin, outfile, absWorkingDir: root });
    return schemasIn(createRequire(import.meta.filename)(outfile));
  };
  const [lean, whole] = [await load('lean.cjs', bundling.plugins), await load('whole.cjs', [])];
  expect([...lean.keys()]).toEqual([...whole.keys()]);
  leanSchema = present([...lean.values()][0]);
  schemas = [...whole].map(([name, schema]) => [name, schema, lean.get(name) ?? schema]);
}, 60_000);
afterAll(() => rm(folder, { recursive: true }));

function schemasIn(pages: Record<string, Record<string, unknown>>): Map<string, Schema> {
  const entries = Object.entries(pages).flatMap(([page, exported]) =>
    Object.entries(exported).flatMap(([name, value]): [string, Schema][] =>
      isSchema(value) ? [[`${page}.${name}`, value]] : [],
    ),
  );
  return new Map(entries);
}

const isSchema = (value: unknown): value is Schema =>
  typeof value === 'object' && value !== null && 'safeParse' in value;

const ID = '6f1c7c0a-5b1f-4c8e-9a51-0f6d3f9a1b2c';
const VALUES: unknown[] = [
  undefined,
  null,
  true,
  0,
  -1,
  5,
  1.5,
  '',
  'a',
  ' ',
  'x'.repeat(400),
  'x'.repeat(13_000),
  ID,
  ID.toUpperCase(),
  'ä',
  'a b',
  'a\n',
  'YWJj',
  'https://a.example/x',
  '2026-01-02T03:04:05Z',
  '2026-01-02',
  '1-67890abc-0123456789abcdef01234567',
  'request:a',
  'RUNNING',
  'SUCCEEDED',
  'absent',
  [],
  [1],
  ['a'],
  {},
  { a: 1 },
];

/** Values for the fields of objects: each field is tried with each value while the others are right. */
const GOOD: Record<string, unknown> = {
  provisioning_id: ID,
  username: 'anna',
  password: 'Pw-12345678-abc',
  human_user_id: 'h-1',
  owner: '1/A',
  status: 'RUNNING',
  user: 'present',
  started_at: '2026-01-02T03:04:05Z',
  status_url: 'https://a.example/x',
  encrypted_password: 'YWJj',
  intake_ciphertext: 'YWJj',
  request_mac: 'YWJj',
  cancelled: true,
  data: {},
  type: 'about:blank',
  title: 't',
  code: 'INTERNAL_ERROR',
  step: 'CreateUser',
  error: 'UserAlreadyExists',
  message: 'm',
  remedy: 'r',
  retryable: false,
  client_secret: 's',
  detail: 'd',
  pointer: '/a',
};
const SAMPLES: unknown[] = [
  ...VALUES,
  GOOD,
  ...Object.keys(GOOD).flatMap((field) => VALUES.map((value) => ({ ...GOOD, [field]: value }))),
];

/** Names of the methods that schemas of zod have. */
function methodsOfZod(): Set<string> {
  const [text, object] = [z.string(), z.object({})];
  const schemas = [text, object, z.number(), z.array(text), z.record(text, text), z.union([text, object])];
  const more = [z.enum(['a']), z.literal('a'), text.optional(), text.transform(String), z.iso.datetime()];
  const names = new Set<string>();
  for (const schema of [...schemas, ...more])
    for (const name of Object.getOwnPropertyNames(schema))
      if (typeof Reflect.get(schema, name) === 'function') names.add(name);
  return names;
}

/** Names of everything that is called as a method of something other than `z` in what is bundled. */
async function called(): Promise<Set<string>> {
  const files = await Promise.all(
    ['contracts', 'handlers'].map((name) =>
      readdir(join(root, name), { recursive: true, withFileTypes: true }),
    ),
  );
  const sources = files.flat().filter((file) => file.isFile() && !file.parentPath.includes('lean-'));
  const texts = await Promise.all(sources.map((file) => readFile(join(file.parentPath, file.name), 'utf8')));
  // `catch` is that of a promise, but with a value.
  const calls = /(?<!\bz)\.(?!catch\((?![{['"`\d]))(\w+)\(/g;
  return new Set(texts.flatMap((text) => [...text.matchAll(calls)].map(([, name = '']) => name)));
}

describe('lean zod', () => {
  it('has each method of zod that may be called in what is bundled', async () => {
    const [wanted, used] = [methodsOfZod(), await called()];
    // Documents are made with the whole of zod.
    const missing = [...used].filter(
      (name) => wanted.has(name) && name !== 'toJSONSchema' && !Reflect.has(leanSchema, name),
    );
    expect(used).toContain('regex');
    expect(missing).toEqual([]);
  });

  it('says of every value what zod says', () => {
    let accepted = 0;
    for (const [name, whole, lean] of schemas) {
      const samples = [...SAMPLES, ...fitted(whole)];
      for (const value of samples) {
        const [expected, found] = [verdict(whole, value), verdict(lean, value)];
        if (expected.data !== undefined) accepted += 1;
        if (JSON.stringify(found) !== JSON.stringify(expected))
          expect({ name, value, verdict: found }).toEqual({ name, value, verdict: expected });
      }
    }
    expect(schemas.length).toBeGreaterThan(30);
    expect(accepted).toBeGreaterThan(1_000);
  });
});

/** Objects with exactly the fields of a schema, right and with one field wrong. */
function fitted(schema: Schema): unknown[] {
  const shape: unknown = Reflect.get(schema, 'shape');
  if (typeof shape !== 'object' || shape === null) return [];
  const right = Object.fromEntries(Object.keys(shape).map((field) => [field, GOOD[field] ?? 'a']));
  return [
    right,
    { ...right, more: 1 },
    ...Object.keys(right).flatMap((field) => VALUES.map((value) => ({ ...right, [field]: value }))),
  ];
}

function verdict(schema: Schema, value: unknown): { data?: unknown; issues?: unknown; thrown?: string } {
  try {
    const result = schema.safeParse(value);
    return result.success ? { data: result.data ?? null } : { issues: result.error.issues };
  } catch (error) {
    // A transformation of ours.
    return { thrown: String(error) };
  }
}
