import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { parseSync } from '@swc/core';
import * as z from 'zod';

/** Who imports whom: for the test that says who may, and for the picture of the folders. */

const root = join(import.meta.dirname, '..', '..');

export interface Import {
  from: string;
  /** A file of the project, relative to its root, or the name of a package. */
  to: string;
}

const sourced = z.looseObject({ type: z.string(), source: z.looseObject({ value: z.string() }) });

/**
 * Every import and re-export of every file below some folders, types too: what is known to a type checker is known to a
 * reader.
 */
export function importsBelow(folders: readonly string[]): Import[] {
  return folders.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts'))
      .flatMap((file) => importsOf(join(root, folder, file))),
  );
}

function importsOf(file: string): Import[] {
  const from = relative(root, file);
  const text = readFileSync(file, 'utf8');
  // A call of import() would escape the statements that are looked at here.
  if (/\b(import|require)\s*\(/.test(text)) throw new Error(`${from} imports by a call`);
  return parseSync(text, { syntax: 'typescript' }).body.flatMap((statement) => {
    const found = sourced.safeParse(statement);
    if (!found.success) return [];
    const { value } = found.data.source;
    return [{ from, to: value.startsWith('.') ? relative(root, join(dirname(file), value)) : value }];
  });
}
