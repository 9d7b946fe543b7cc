import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import * as z from 'zod';
import type { ServiceKind } from '../contracts/services.ts';
import { environments as app1 } from '../handlers/app1/lib/environments.ts';
import { environments as app2 } from '../handlers/app2/lib/environments.ts';
import { App1Stack } from './app1-stack.ts';
import { App2Stack } from './app2-stack.ts';
import { bundlesIn } from './bundles.ts';
import { readSettings } from './settings.ts';
import { cached } from './template-cache.ts';

const cdkJson = z.object({ context: z.record(z.string(), z.unknown()) });

/** The parts of a CloudFormation template that this repository reads. */
export const template = z.looseObject({
  Parameters: z.record(z.string(), z.looseObject({})).default({}),
  Outputs: z.record(z.string(), z.looseObject({})).default({}),
  Resources: z.record(
    z.string(),
    z.looseObject({
      Type: z.string(),
      Properties: z.looseObject({}).default({}),
      DeletionPolicy: z.string().optional(),
      UpdateReplacePolicy: z.string().optional(),
    }),
  ),
});
export type Template = z.infer<typeof template>;
const stackTemplates = z.object({ app1: template, app2: template });

/**
 * The templates of both stacks as `cdk synth` creates them, with empty functions: for tests and for generated documents.
 * @param context the settings, as with `cdk synth -c`
 */
export function templates(context: Readonly<Record<string, string>> = {}): Record<ServiceKind, Template> {
  return cached(
    context,
    (written) => stackTemplates.parse(written),
    () =>
      withEmptyFunctions(context, (app) => {
        const assembly = app.synth();
        const templateOf = (stack: string) => assembly.getStackByName(stack).template;
        return stackTemplates.parse({ app1: templateOf('App1'), app2: templateOf('App2') });
      }),
  );
}

/** Creates the app of both stacks with empty functions and calls `use` with it; removes the files afterwards. */
export const withEmptyFunctions = <Result>(
  context: Readonly<Record<string, unknown>>,
  use: (app: App) => Result,
): Result =>
  withApp(context, (app) => {
    const settings = readSettings(app.node);
    new App2Stack(app, 'App2', { settings });
    new App1Stack(app, 'App1', { settings });
    return use(app);
  });

/** As `withEmptyFunctions`, with an app without stacks. */
export function withApp<Result>(
  context: Readonly<Record<string, unknown>>,
  use: (app: App) => Result,
): Result {
  const outdir = mkdtempSync(join(tmpdir(), 'templates-'));
  try {
    const { context: flags } = cdkJson.parse(
      JSON.parse(readFileSync(join(import.meta.dirname, '..', 'cdk.json'), 'utf8')),
    );
    const app = new App({
      outdir,
      context: { ...flags, ...context },
      analyticsReporting: false,
      // They are metadata, which the templates do not contain, and take a third of the synthesis under Jest.
      stackTraces: false,
    });
    for (const [service, names] of [
      ['app1', Object.keys(app1)],
      ['app2', Object.keys(app2)],
    ] as const)
      for (const name of names) emptyFunction(join(bundlesIn(outdir), service, name));
    return use(app);
  } finally {
    rmSync(outdir, { recursive: true });
  }
}

function emptyFunction(folder: string): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'index.js'), '');
}
