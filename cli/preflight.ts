import { InvalidArgumentError } from '@commander-js/extra-typings';
import * as z from 'zod';
import type { Finding } from './preflight/finding.ts';
import { colors } from './support/colors.ts';
import { npmCommand, runOnSystem } from './support/command.ts';
import { CommandError } from './support/command-error.ts';
import { listrProgress } from './support/progress.ts';
import { profile, region, type TargetEnvironment, targetEnvironment } from './target-environment.ts';
import { by } from './values.ts';

/**
 * `npm run preflight -- --profile P [--app2-profile Q]`: says before a deployment what would stop it, and what to do.
 * Changes nothing. Exit status 0 when a deployment should work. docs/deploying.md
 */
export async function main(args: string[]): Promise<number> {
  const command = npmCommand('preflight')
    .description('Says before a deployment what would stop it. Changes nothing.')
    .option(
      '--profile <name>',
      'profile of the account of App1, and of App2 unless it has its own',
      by(profile),
    )
    .option('--app2-profile <name>', 'profile of the account of App2', by(profile))
    .option('--region <name>', 'the region, where the profile names none', by(region))
    .option('--local', 'look at the local AWS that is up')
    .option('-c, --context <key=value>', 'a setting, as with `cdk deploy`; more than once', collect);
  const parse = () => command.parse(args, { from: 'user' });
  return runOnSystem(parse, async () => {
    const { local = false, context = {}, ...to } = options.parse(command.opts());
    // Both need the CDK, which is loaded when it is needed.
    const { synthesize } = await import('./preflight/synthesize.ts');
    const { preflight, shouldWork, targetsOf } = await import('./preflight/run.ts');
    const destinations = destinationsOf(local, to);
    const made = await listrProgress.run('Synthesizing', async () =>
      synthesize(local ? { target: 'local', ...context } : context),
    );
    const found = await listrProgress.run(`Asking ${destinations.app1.where}`, async () =>
      preflight(await targetsOf(made, destinations)),
    );
    process.stdout.write(`${shown(found)}\n`);
    return shouldWork(found) ? 0 : 1;
  });
}

const options = z.object({
  profile: z.string().optional(),
  app2Profile: z.string().optional(),
  region: z.string().optional(),
  local: z.boolean().optional(),
  context: z.record(z.string(), z.string()).optional(),
});

/** @throws CommandError when it is not said where to go */
function destinationsOf(
  local: boolean,
  { profile, app2Profile, region }: Omit<z.infer<typeof options>, 'local' | 'context'>,
): { app1: TargetEnvironment; app2: TargetEnvironment } {
  if (local) {
    const where = targetEnvironment({});
    if (!where.local) throw new CommandError('No local AWS is up.', 'Run `npm run up`.');
    return { app1: where, app2: where };
  }
  const to = (name: string | undefined) =>
    targetEnvironment({
      aws: true,
      ...(name === undefined ? {} : { profile: name }),
      ...(region === undefined ? {} : { region }),
    });
  const app1 = to(profile);
  return { app1, app2: app2Profile === undefined ? app1 : to(app2Profile) };
}

function collect(text: string, before: Record<string, string> = {}): Record<string, string> {
  const [, key, value] = /^([^=]+)=(.*)$/s.exec(text) ?? [];
  if (key === undefined || value === undefined) throw new InvalidArgumentError('Say key=value.');
  return { ...before, [key]: value };
}

const signs = {
  ok: () => colors.green('✔'),
  note: () => colors.yellow('!'),
  missing: () => colors.red('✖'),
  unchecked: () => colors.yellow('?'),
} as const;

/** A table: what, found, needed, and below it what to do. */
export function shown(all: readonly Finding[]): string {
  const rows = all.map(({ verdict, found, ...rest }) => ({
    ...rest,
    verdict,
    found: verdict === 'unchecked' ? `not checked: ${found}` : found,
  }));
  const width = Math.max(...rows.map(({ what }) => what.length));
  const lines = rows.flatMap(({ verdict, what, found, needed, toDo }) => [
    `${signs[verdict]()} ${what.padEnd(width)}  ${found}${needed === '' ? '' : `  (needed: ${needed})`}`,
    ...(toDo === undefined ? [] : [`${' '.repeat(width + 4)}→ ${toDo}`]),
  ]);
  const count = (wanted: Finding['verdict']) => all.filter(({ verdict }) => verdict === wanted).length;
  const verdict = count('missing') === 0 ? 'A deployment should work.' : 'A deployment would fail.';
  return [
    ...lines,
    `${count('ok')} ok, ${count('missing')} missing, ${count('note')} to know, ${count('unchecked')} not checked. ${verdict}`,
  ].join('\n');
}
