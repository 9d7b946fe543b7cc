import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { parseSync } from '@swc/core';
import * as z from 'zod';

/** Reads the imports of the code, for the test of the import rules and for the diagram of the folders. */

const root = join(import.meta.dirname, '..', '..');

export interface Import {
  from: string;
  /** A file of the project, relative to its root, or the name of a package. */
  to: string;
}

const sourced = z.looseObject({ type: z.string(), source: z.looseObject({ value: z.string() }) });

/** A dynamic import. One without a literal module name could bypass the rules. */
const CALL = /\bimport\s*\((?:\s*'([^']+)'\s*\))?/g;

/**
 * Every import and re-export of every TypeScript file below some folders, including type imports and dynamic imports.
 * @throws Error for a dynamic import without a literal module name
 */
export function importsBelow(folders: readonly string[]): Import[] {
  return folders.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((file) => /(?<!\.d)\.tsx?$/.test(file) && !file.includes('node_modules/'))
      .flatMap((file) => importsOf(join(root, folder, file))),
  );
}

function importsOf(file: string): Import[] {
  const from = relative(root, file);
  const text = readFileSync(file, 'utf8');
  const dynamicImports = [...text.matchAll(CALL)].map(([call, name]) => {
    if (name === undefined)
      throw new Error(`${from} has a dynamic import without a literal module name: ${call}`);
    return name;
  });
  const { body } = parseSync(text, { syntax: 'typescript', tsx: file.endsWith('.tsx') });
  const staticImports = body.flatMap((statement) => {
    const found = sourced.safeParse(statement);
    return found.success ? [found.data.source.value] : [];
  });
  return [...staticImports, ...dynamicImports].map((name) => ({
    from,
    to: name.startsWith('.') ? relative(root, join(dirname(file), name)) : name,
  }));
}
