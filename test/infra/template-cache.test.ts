import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import * as z from 'zod';
import { cached, SOURCES } from '../../infra/template-cache.ts';

const variables = { ...process.env };
let folder: string;
let makes: jest.Mock<() => { n: number }>;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'template-cache-'));
  process.env['TEMPLATE_CACHE'] = folder;
  delete process.env['CDK_DEFAULT_REGION'];
  let n = 0;
  makes = jest.fn(() => {
    n += 1;
    return { n };
  });
});
afterEach(() => {
  process.env = { ...variables };
  rmSync(folder, { recursive: true });
});

const parse = (written: unknown) => z.object({ n: z.int() }).parse(written);
const read = (settings: Record<string, string>) => cached(settings, parse, makes);

describe('the cache of templates', () => {
  it('makes templates once for the same settings', () => {
    expect([read({ a: '1' }), read({ a: '1' })]).toEqual([{ n: 1 }, { n: 1 }]);
    expect(readdirSync(folder)).toEqual([expect.stringMatching(/^[0-9a-f]{64}\.json$/)]);
  });

  it.each([
    ['another value', { a: '2' }],
    ['another name', { b: '1' }],
    ['a further setting', { a: '1', b: '1' }],
    ['no settings', {}],
  ])('makes other templates for other settings: %s', (_difference, settings: Record<string, string>) => {
    read({ a: '1' });

    expect(read(settings)).toEqual({ n: 2 });
  });

  it('makes other templates when a variable of CDK changes', () => {
    read({ a: '1' });
    process.env['CDK_DEFAULT_REGION'] = 'cn-north-1';

    expect(read({ a: '1' })).toEqual({ n: 2 });
  });

  it.each(SOURCES)('makes other templates when a source changes: %s', (source) => {
    const checkout = join(folder, 'checkout');
    const write = (path: string, text: string) => {
      const file = join(checkout, path, ...(path.includes('.') ? [] : ['inner', 'file.ts']));
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, text);
    };
    for (const path of SOURCES) write(path, 'before');
    const readCheckout = () => cached({}, parse, makes, checkout);

    expect([readCheckout(), readCheckout()]).toEqual([{ n: 1 }, { n: 1 }]);
    write(source, 'after');
    expect(readCheckout()).toEqual({ n: 2 });
  });

  it('keeps nothing when making fails', () => {
    makes.mockImplementationOnce(() => {
      throw new Error('The settings are not valid.');
    });

    expect(() => read({ a: '1' })).toThrow('The settings are not valid.');
    expect(read({ a: '1' })).toEqual({ n: 1 });
  });

  it('makes templates each time without a folder', () => {
    delete process.env['TEMPLATE_CACHE'];

    expect([read({ a: '1' }), read({ a: '1' })]).toEqual([{ n: 1 }, { n: 2 }]);
  });
});
