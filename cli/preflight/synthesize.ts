import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { Stack } from 'aws-cdk-lib';
import { CloudAssembly, type CloudFormationStackArtifact } from 'aws-cdk-lib/cx-api';
import * as z from 'zod';
import { APP1, APP2, pascalCase, type ServiceKind } from '../../contracts/services.ts';
import { isLocal } from '../../infra/service-settings.ts';
import { ServiceUsers } from '../../infra/service-users.ts';
import { readSettings } from '../../infra/settings.ts';
import { template, withEmptyFunctions } from '../../infra/templates.ts';
import { CommandError } from '../support/command-error.ts';
import type { PlannedStack, PlannedSystem, PlannedTarget } from './plan.ts';
import { plannedTarget } from './planned-target.ts';

const userContext = z.looseObject({ context: z.record(z.string(), z.unknown()).default({}) });

/** Name of the stack of App1. */
const APP1_STACK = pascalCase(APP1);

/** The stack with a target, and what it says about the target. */
interface StackWithTarget {
  stack: PlannedStack;
  target: PlannedTarget;
}

interface Options {
  /** Name of the target. */
  target: string;
  /** Folder of the cloud assembly with the stack of the target, if it belongs to another app. */
  assembly?: string | undefined;
  home?: string;
}

/**
 * Synthesizes App1 and App2 with the settings of `cdk.json`, `~/.cdk.json` and `-c`, as the CDK reads them
 * (docs.aws.amazon.com/cdk/v2/guide/context.html). The functions have no code: no check reads it. The stack of another target
 * is read from the cloud assembly of its app; for the local AWS, it is synthesized as `npm run up` does.
 * @throws CommandError when the settings are not valid, or there is no stack with the target
 */
export function synthesize(
  given: Record<string, string>,
  { target: name, assembly, home = homedir() }: Options,
): PlannedSystem {
  try {
    return withEmptyFunctions({ ...readUserContext(home), ...given }, (app) => {
      if (assembly === undefined && name !== APP2) {
        if (!isLocal(app.node)) throw new CommandError(...noAssembly(name));
        new ServiceUsers(new Stack(app, pascalCase(name)), 'Users', { service: name });
      }
      const synthesized = app.synth();
      const { stack, target } = stackWith(name, assembly ?? synthesized.directory);
      const app1 = plannedStack(synthesized.getStackByName(APP1_STACK), 'app1');
      return { stacks: [app1, stack], target, settings: readSettings(app.node) };
    });
  } catch (error) {
    if (error instanceof Error && error.message.startsWith('The settings are not valid'))
      throw new CommandError(error.message, 'See docs/settings.md.');
    throw error;
  }
}

const noAssembly = (name: string): [message: string, remedy: string] => [
  `The stack of ${name} belongs to the app of its team.`,
  'Run `npx cdk synth` there, and pass the folder cdk.out with `--assembly`.',
];

/** @throws CommandError unless one stack of the cloud assembly has the target */
function stackWith(name: string, assembly: string): StackWithTarget {
  const found = readAssembly(assembly).stacksRecursively.flatMap((artifact): StackWithTarget[] => {
    const stack = plannedStack(artifact, 'app2');
    const target = plannedTarget(stack.template, stack.name, name);
    return target === undefined ? [] : [{ stack, target }];
  });
  const [only] = found;
  if (only !== undefined && found.length === 1) return only;
  throw new CommandError(
    `${found.length === 0 ? 'No stack' : 'More than one stack'} of ${assembly} has the target ${name}.`,
    'Check the name, and synthesize the app of its team for one region.',
  );
}

/** @throws CommandError if the folder is not a cloud assembly */
function readAssembly(folder: string): CloudAssembly {
  if (!existsSync(join(folder, 'manifest.json')))
    throw new CommandError(
      `${folder} is not a cloud assembly.`,
      'Pass the folder that `npx cdk synth` writes: cdk.out.',
    );
  return new CloudAssembly(folder);
}

const plannedStack = (artifact: CloudFormationStackArtifact, service: ServiceKind): PlannedStack => ({
  name: artifact.stackName,
  service,
  template: template.parse(artifact.template),
  bootstrapVersion: artifact.requiresBootstrapStackVersion ?? 0,
});

function readUserContext(home: string): Record<string, unknown> {
  const file = join(home, '.cdk.json');
  return existsSync(file) ? userContext.parse(JSON.parse(readFileSync(file, 'utf8'))).context : {};
}
