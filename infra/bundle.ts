import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type App, Stage } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';
import { type BuildOptions, build, type Metafile } from 'esbuild';
import type { Service } from '../contracts/services.ts';

const root = join(import.meta.dirname, '..');
const handlers = join(root, 'handlers');

/** What the bundle of a function has at most, in bytes. A test holds it, and docs/performance.md says it. */
export const MAX_BUNDLE_BYTES = 650_000;

/** How a function is bundled. */
export const bundling = {
  bundle: true,
  platform: 'node',
  // The local AWS runs the functions on the Node.js of the machine, which may be the oldest that the checkout promises.
  target: 'node20',
  format: 'cjs',
  mainFields: ['module', 'main'],
  minify: true,
  // Step Functions matches errors by their names, which minifying would change.
  keepNames: true,
  legalComments: 'none',
  logLevel: 'error',
  // A name that is not exported would be `undefined` when it is called.
  logOverride: { 'import-is-undefined': 'error' },
} as const satisfies BuildOptions;

/**
 * Folder with the bundle of one function, inside the cloud assembly that is being made. Functions are the files of
 * handlers/app1 and handlers/app2 that export a `handler`; the environments name them.
 */
export function bundleOf(scope: IConstruct, service: Service, name: string): string {
  return join(bundlesIn(assemblyOf(scope)), service, name);
}

/** Folder with the bundles of all functions, inside a cloud assembly. */
export const bundlesIn = (assembly: string): string => join(assembly, 'handlers');

function assemblyOf(scope: IConstruct): string {
  const stage = Stage.of(scope);
  if (stage === undefined) throw new Error(`${scope.node.path} belongs to no app.`);
  return stage.outdir;
}

/** Names of functions by service. */
export type Functions = Record<Service, readonly string[]>;

/**
 * Bundles all functions in one run of esbuild, which is some ten seconds quicker than one process per function.
 */
export async function bundleHandlers(app: App, functions: Functions): Promise<void> {
  const output = bundlesIn(app.outdir);
  rmSync(output, { recursive: true, force: true });
  await bundleInto(output, functions);
}

/** The file of a function: in the folder of its service, or in the folder of the migration, which is deleted as one. */
function entryPoint(service: string, name: string): string {
  const file = [`${name}.ts`, join('migration', `${name}.ts`)]
    .map((path) => join(handlers, service, path))
    .find((path) => existsSync(path));
  if (file === undefined) throw new Error(`${service} has no function ${name} below ${handlers}.`);
  return file;
}

/**
 * Bundles functions into a folder: each into one file with what it uses of its packages (docs/decisions/0034). Tells what
 * is in each bundle.
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
