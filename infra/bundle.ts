import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { buildSync } from 'esbuild';

const root = join(import.meta.dirname, '..');
const output = join(root, '.build', 'handlers');

/** Functions are the files of handlers/app1 and handlers/app2 that export a `handler`; the environments name them. */
export type Service = 'app1' | 'app2';

/** Folder with the bundle of one function. */
export function bundleOf(service: Service, name: string): string {
  return join(output, service, name);
}

/**
 * Bundles all functions in one run of esbuild, which is some ten seconds quicker than one process per function.
 * `keepNames`: Step Functions matches errors by their name, which minifying would change.
 */
export function bundleHandlers(functions: Record<Service, readonly string[]>): void {
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
