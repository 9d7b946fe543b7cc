import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { type App, Stage } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';
import { buildSync } from 'esbuild';

const root = join(import.meta.dirname, '..');

/** Functions are the files of handlers/app1 and handlers/app2 that export a `handler`; the environments name them. */
export type Service = 'app1' | 'app2';

/** Folder with the bundle of one function, inside the cloud assembly that is being made. */
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

/**
 * Bundles all functions in one run of esbuild, which is some ten seconds quicker than one process per function.
 * `keepNames`: Step Functions matches errors by their name, which minifying would change.
 */
export function bundleHandlers(app: App, functions: Record<Service, readonly string[]>): void {
  const output = bundlesIn(app.outdir);
  rmSync(output, { recursive: true, force: true });
  const entryPoints = Object.fromEntries(
    Object.entries(functions).flatMap(([service, names]) =>
      names.map((name) => [`${service}/${name}/index`, join(root, 'handlers', service, `${name}.ts`)]),
    ),
  );
  buildSync({
    entryPoints,
    outdir: output,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    mainFields: ['module', 'main'],
    minify: true,
    keepNames: true,
    legalComments: 'none',
    logLevel: 'error',
  });
}
