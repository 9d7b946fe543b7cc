import { InvalidArgumentError } from '@commander-js/extra-typings';
import * as z from 'zod';
import { APP2, targetName } from '../contracts/services.ts';
import type { Finding } from './preflight/finding.ts';
import type { Destinations } from './preflight/run.ts';
import { colors } from './support/colors.ts';
import { npmCommand, runOnSystem } from './support/command.ts';
import { CommandError } from './support/command-error.ts';
import { listrProgress } from './support/progress.ts';
import { profile, region, targetEnvironment } from './target-environment.ts';
import { by } from './values.ts';

/**
 * `npm run preflight -- --profile P [--target NAME --target-profile Q --assembly DIR]`: checks before a deployment what
 * would prevent it, and prints the remedies. Changes nothing. Exit status 0 when no finding prevents a deployment. docs/deploying.md
 */
export async function main(args: string[]): Promise<number> {
  const command = npmCommand('preflight')
    .description('Checks before a deployment what would prevent it. Changes nothing.')
    .option(
      '--profile <name>',
      'profile of the account of App1, and of the target without --target-profile',
      by(profile),
    )
    .option('--target <name>', 'name of the target whose stack is checked beside App1', by(targetName), APP2)
    .option('--target-profile <name>', 'profile of the account of the target', by(profile))
    .option(
      '--assembly <folder>',
      'cloud assembly with the stack of the target, which `cdk synth` of its team writes; the stack of App2 is in this app',
    )
    .option('--region <name>', 'the region, if the profile sets none', by(region))
    .option('--local', 'check the local AWS that is up')
    .option('-c, --context <key=value>', 'a setting, as for `cdk deploy`; repeatable', collect);
  const parse = () => command.parse(args, { from: 'user' });
  return runOnSystem(parse, async () => {
    const { local = false, context = {}, target, assembly, ...to } = options.parse(command.opts());
    // Both load the CDK.
    const { synthesize } = await import('./preflight/synthesize.ts');
    const { plansOf, preflight, shouldWork } = await import('./preflight/run.ts');
    const destinations = destinationsOf(local, to);
    const system = await listrProgress.run('Synthesizing', async () =>
      synthesize(local ? { environment: 'local', ...context } : context, { target, assembly }),
    );
    const found = await listrProgress.run(`Checking ${destinations.app1.displayName}`, async () =>
      preflight(await plansOf(system, destinations)),
    );
    process.stdout.write(`${formatFindings(found)}\n`);
    return shouldWork(found) ? 0 : 1;
  });
}

const options = z.object({
  profile: z.string().optional(),
  target: targetName,
  targetProfile: z.string().optional(),
  assembly: z.string().optional(),
  region: z.string().optional(),
  local: z.boolean().optional(),
  context: z.record(z.string(), z.string()).optional(),
});

/** @throws CommandError when no target environment is selected */
function destinationsOf(
  local: boolean,
  { profile, targetProfile, region }: Pick<z.infer<typeof options>, 'profile' | 'targetProfile' | 'region'>,
): Destinations {
  if (local) {
    const environment = targetEnvironment({});
    if (!environment.local) throw new CommandError('No local AWS is up.', 'Run `npm run up`.');
    return { app1: environment, target: environment };
  }
  const to = (name: string | undefined) =>
    targetEnvironment({
      aws: true,
      ...(name === undefined ? {} : { profile: name }),
      ...(region === undefined ? {} : { region }),
    });
  const app1 = to(profile);
  return { app1, target: targetProfile === undefined ? app1 : to(targetProfile) };
}

function collect(text: string, before: Record<string, string> = {}): Record<string, string> {
  const [, key, value] = /^([^=]+)=(.*)$/s.exec(text) ?? [];
  if (key === undefined || value === undefined) throw new InvalidArgumentError('It must be key=value.');
  return { ...before, [key]: value };
}

const SIGNS = {
  ok: () => colors.green('✔'),
  note: () => colors.yellow('!'),
  missing: () => colors.red('✖'),
  unchecked: () => colors.yellow('?'),
} as const;

/** A table of subject, found and needed; a remedy is on the next line. */
export function formatFindings(all: readonly Finding[]): string {
  const rows = all.map(({ verdict, found, ...rest }) => ({
    ...rest,
    verdict,
    found: verdict === 'unchecked' ? `not checked: ${found}` : found,
  }));
  const width = Math.max(...rows.map(({ what }) => what.length));
  const lines = rows.flatMap(({ verdict, what, found, needed, remedy }) => [
    `${SIGNS[verdict]()} ${what.padEnd(width)}  ${found}${needed === '' ? '' : `  (needed: ${needed})`}`,
    ...(remedy === undefined ? [] : [`${' '.repeat(width + 4)}→ ${remedy}`]),
  ]);
  const count = (expected: Finding['verdict']) => all.filter(({ verdict }) => verdict === expected).length;
  const verdict = count('missing') === 0 ? 'A deployment should succeed.' : 'A deployment would fail.';
  return [
    ...lines,
    `${count('ok')} ok, ${count('missing')} missing, ${count('note')} to note, ${count('unchecked')} not checked. ${verdict}`,
  ].join('\n');
}
