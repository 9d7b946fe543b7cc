import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import * as z from 'zod';
import { readSettings, type Settings } from '../../infra/settings.ts';
import { template, withEmptyFunctions } from '../../infra/templates.ts';
import { CommandError } from '../support/command-error.ts';
import type { PlannedStack } from './target.ts';

const userContext = z.looseObject({ context: z.record(z.string(), z.unknown()).default({}) });

/**
 * Synthesizes both stacks with the settings of `cdk.json`, `~/.cdk.json` and `-c`, as the CDK reads them
 * (docs.aws.amazon.com/cdk/v2/guide/context.html). The functions have no code: no check reads it.
 * @throws CommandError when the settings are not valid
 */
export function synthesize(
  given: Record<string, string>,
  home = homedir(),
): { stacks: PlannedStack[]; settings: Settings } {
  try {
    return withEmptyFunctions({ ...readUserContext(home), ...given }, (app) => {
      const assembly = app.synth();
      const stacks = (['App1', 'App2'] as const).map((name): PlannedStack => {
        const artifact = assembly.getStackByName(name);
        return {
          name,
          service: name === 'App1' ? 'app1' : 'app2',
          template: template.parse(artifact.template),
          bootstrapVersion: artifact.requiresBootstrapStackVersion ?? 0,
        };
      });
      return { stacks, settings: readSettings(app.node) };
    });
  } catch (error) {
    if (error instanceof Error && error.message.startsWith('The settings are not valid'))
      throw new CommandError(error.message, 'See docs/settings.md.');
    throw error;
  }
}

function readUserContext(home: string): Record<string, unknown> {
  const file = join(home, '.cdk.json');
  return existsSync(file) ? userContext.parse(JSON.parse(readFileSync(file, 'utf8'))).context : {};
}
