import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type App, Stage } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';
import { type BuildOptions, build, type Plugin } from 'esbuild';

const handlers = join(import.meta.dirname, '..', 'handlers');
const leanSdk = join(handlers, 'lean-sdk');

/** Each file there stands for the package of the AWS SDK after which it is named. */
const lean = Object.fromEntries(
  readdirSync(leanSdk)
    .filter((file) => file.startsWith('client-'))
    .map((file) => [`@aws-sdk/${file.replace('.ts', '')}`, join(leanSdk, file)]),
);

/** Functions check values and never describe their schemas: what makes JSON schemas of them stays out. */
const withoutJsonSchemas: Plugin = {
  name: 'zod without JSON schemas',
  setup({ onLoad }) {
    onLoad({ filter: /zod\/v4\/core\/(to-json-schema|json-schema-processors)\.js$/ }, ({ path }) => ({
      contents: emptied(path),
    }));
  },
};

/** A module that exports the same names, each a function that fails when it is called. */
function emptied(path: string): string {
  const source = readFileSync(path, 'utf8');
  const names = [...source.matchAll(/^export (?:const|function) (\w+)/gm)].map(([, name]) => name);
  return `const absent = () => { throw new Error('This bundle makes no JSON schemas.'); };
    export { ${names.map((name) => `absent as ${name}`).join(', ')} };`;
}

/** How a function is bundled. */
export const bundling = {
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'cjs',
  mainFields: ['module', 'main'],
  minify: true,
  // Step Functions matches errors by their names, which minifying would change.
  keepNames: true,
  legalComments: 'none',
  logLevel: 'error',
  alias: lean,
  plugins: [withoutJsonSchemas],
} as const satisfies BuildOptions;

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
 * What is in the bundles instead of the AWS SDK, and why, is in docs/decisions/0021.
 */
export async function bundleHandlers(app: App, functions: Record<Service, readonly string[]>): Promise<void> {
  const output = bundlesIn(app.outdir);
  rmSync(output, { recursive: true, force: true });
  const entryPoints = Object.fromEntries(
    Object.entries(functions).flatMap(([service, names]) =>
      names.map((name) => [`${service}/${name}/index`, join(handlers, service, `${name}.ts`)]),
    ),
  );
  await build({ ...bundling, entryPoints, outdir: output });
}
