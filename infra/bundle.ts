import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { App } from 'aws-cdk-lib';
import { type BuildOptions, build, type Metafile } from 'esbuild';
import type { ServiceKind } from '../contracts/services.ts';
import { bundlesIn } from './bundles.ts';

const root = join(import.meta.dirname, '..');
const handlers = join(root, 'handlers');

/** Maximum size of a function's bundle in bytes; docs/performance.md documents it. */
export const MAX_BUNDLE_BYTES = 650_000;

/** esbuild options of the functions. */
export const bundling = {
  bundle: true,
  platform: 'node',
  // The local AWS runs the functions with the machine's Node.js, which may be the oldest supported one.
  target: 'node20',
  format: 'cjs',
  mainFields: ['module', 'main'],
  minify: true,
  // Step Functions matches errors by name, and minification would change the names.
  keepNames: true,
  legalComments: 'none',
  logLevel: 'error',
  // An import that does not exist would be `undefined` at run time.
  logOverride: { 'import-is-undefined': 'error' },
} as const satisfies BuildOptions;

/** Names of functions by service. */
export type Functions = Record<ServiceKind, readonly string[]>;

/** Bundles all functions in one run of esbuild, which is about ten seconds faster than one process per function. */
export async function bundleHandlers(app: App, functions: Functions): Promise<void> {
  const output = bundlesIn(app.outdir);
  rmSync(output, { recursive: true, force: true });
  await bundleInto(output, functions);
}

/** The file of a function: in the folder of its service, or in the folder of the migration. */
function entryPoint(service: string, name: string): string {
  const file = [`${name}.ts`, join('migration', `${name}.ts`)]
    .map((path) => join(handlers, service, path))
    .find((path) => existsSync(path));
  if (file === undefined) throw new Error(`${service} has no function ${name} below ${handlers}.`);
  return file;
}

/**
 * Bundles functions into a folder: each into one file, tree-shaken (docs/decisions/0034).
 * @returns esbuild's list of the inputs of each bundle
 */
export async function bundleInto(outdir: string, functions: Functions): Promise<Metafile> {
  const entryPoints = Object.fromEntries(
    Object.entries(functions).flatMap(([service, names]) =>
      names.map((name) => [`${service}/${name}/index`, entryPoint(service, name)]),
    ),
  );
  const { metafile } = await build({
    ...bundling,
    entryPoints,
    outdir,
    metafile: true,
    absWorkingDir: root,
  });
  return metafile;
}
