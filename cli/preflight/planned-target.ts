import * as z from 'zod';
import { describeExecutionQuota } from '../../contracts/quotas.ts';
import { targetString } from '../../contracts/targets.ts';
import { functionNamed } from '../../infra/names.ts';
import { policiesIn } from '../../infra/policies.ts';
import { type DeploymentEnvironment, EXAMPLE_ENVIRONMENT, resolver } from '../../infra/resolve.ts';
import type { Template } from '../../infra/templates.ts';
import { targetsIn } from '../stack-targets.ts';
import type { PlannedTarget } from './plan.ts';

/** Reads a target from the template of its stack, which also the app of another team writes. */

const output = z.looseObject({ Value: z.unknown() });

/** The targets of a stack, with their outputs. Ids that AWS generates are the logical ids. */
export function targetsOf(
  template: Template,
  stackName: string,
  environment: DeploymentEnvironment,
): { name: string; outputs: Record<string, string> }[] {
  const resolve = resolver(template, environment);
  const outputs = Object.entries(template.Outputs).flatMap(([key, value]) => {
    const text = resolve(output.parse(value).Value);
    return typeof text === 'string' ? [[key, text] as const] : [];
  });
  const found = targetsIn({ stackName, outputs: Object.fromEntries(outputs) });
  return [...found].map(([name, values]) => ({ name, outputs: values }));
}

const targetOutput = z.object({ Target: targetString });

/** The target of this name in a stack; `undefined` if it is not there. */
export function plannedTarget(template: Template, stack: string, name: string): PlannedTarget | undefined {
  const outputs = targetsOf(template, stack, EXAMPLE_ENVIRONMENT).find((one) => one.name === name)?.outputs;
  if (outputs === undefined) return undefined;
  const { creations_per_second: creationsPerSecond } = targetOutput.parse(outputs).Target;
  const start = environmentOf(template, functionNamed(name, 'start-user-creation'));
  const sweep = environmentOf(template, functionNamed(name, 'sweep-user-creations'));
  return {
    name,
    stack,
    consumer: consumerOf(template),
    creationsPerSecond,
    statusPollsPerSecond: rate.parse(start['STATUS_POLLS_PER_SECOND']),
    describeExecutionsPerSecond:
      rate.parse(sweep['DESCRIBES_PER_SECOND']) / describeExecutionQuota.shares.sweep,
  };
}

const rate = z.coerce.number().positive();
const lambdaFunction = z.looseObject({
  FunctionName: z.string(),
  Environment: z.object({ Variables: z.record(z.string(), z.unknown()) }),
});

/** The variables of a function. @throws Error if the template does not have it */
function environmentOf({ Resources }: Template, name: string): Record<string, unknown> {
  for (const { Type, Properties } of Object.values(Resources)) {
    const { data } = lambdaFunction.safeParse(Type === 'AWS::Lambda::Function' ? Properties : undefined);
    if (data?.FunctionName === name) return data.Environment.Variables;
  }
  throw new Error(`The template has no function ${name}.`);
}

const keyPolicy = z.looseObject({
  Statement: z.array(z.looseObject({ Action: z.unknown(), Principal: z.unknown() })),
});

/** The account that may encrypt with the key of a target, if it is named. */
function consumerOf(template: Template): string | undefined {
  for (const { document, resourceType } of policiesIn(template, EXAMPLE_ENVIRONMENT)) {
    if (resourceType !== 'AWS::KMS::Key') continue;
    const statement = keyPolicy
      .parse(document)
      .Statement.find(({ Action }) => [Action].flat().includes('kms:ReEncryptTo'));
    const account = /:iam::(\d{12}):root/.exec(JSON.stringify(statement?.Principal ?? ''))?.[1];
    if (account !== undefined) return account;
  }
  return undefined;
}
