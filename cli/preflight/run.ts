import { STSClient } from '@aws-sdk/client-sts';
import type { ServiceKind } from '../../contracts/services.ts';
import { explain } from '../explain.ts';
import type { TargetEnvironment } from '../target-environment.ts';
import { gatewayRoleFinding, logPolicyFinding, quotaFindings, userPoolFindings } from './account.ts';
import { definitionFindings, policyFindings } from './definitions.ts';
import { type Finding, unchecked } from './finding.ts';
import { nameFindings } from './names.ts';
import type { Plan, PlannedStack, PlannedSystem } from './plan.ts';
import { accountsFinding, bootstrapFinding, regionFinding, stackFinding } from './stacks.ts';

/** The target environment of each stack. */
export interface Destinations {
  app1: TargetEnvironment;
  target: TargetEnvironment;
}

/** Errors for an operation that a service does not implement: only the local AWS has them. */
const NOT_IMPLEMENTED =
  /^(UnknownOperationException|InvalidAction|UnknownError|NotImplemented|ServiceUnavailable|501|Unknown|NotFoundException|InvalidRequest)$/;

/** Runs a check. An error is a finding, too. */
async function runCheck(
  what: string,
  local: boolean,
  check: () => Promise<Finding | Finding[]>,
): Promise<Finding[]> {
  try {
    return [await check()].flat();
  } catch (error) {
    if (local && error instanceof Error && (NOT_IMPLEMENTED.test(error.name) || error instanceof SyntaxError))
      return [unchecked(what, 'the local AWS does not implement it', 'Run it against AWS.')];
    const { message, remedy } = explain(error);
    return [unchecked(what, message, remedy)];
  }
}

/** One plan for each account and region, with the stacks that go there. */
export async function plansOf(system: PlannedSystem, { app1, target }: Destinations): Promise<Plan[]> {
  const [environment1, environment2] = await Promise.all([readEnvironment(app1), readEnvironment(target)]);
  const plan = (
    { local, client }: TargetEnvironment,
    environment: Plan['environment'],
    stacks: readonly PlannedStack[],
  ): Plan => ({ ...system, stacks, environment, local, client });
  const { stacks } = system;
  const isSame = environment1.account === environment2.account && environment1.region === environment2.region;
  if (isSame) return [plan(app1, environment1, stacks)];
  const only = (kind: ServiceKind) => stacks.filter(({ service }) => service === kind);
  return [plan(app1, environment1, only('app1')), plan(target, environment2, only('app2'))];
}

/** @throws CliError without valid credentials */
async function readEnvironment({ identity, client }: TargetEnvironment): Promise<Plan['environment']> {
  const { arn } = await identity(Date.now);
  const [, partition = '', , , account = ''] = arn.split(':');
  return { partition, account, region: await client(STSClient).config.region() };
}

/** Runs every check that is possible before a deployment. Changes nothing. */
export async function preflight(plans: readonly Plan[]): Promise<Finding[]> {
  const of = plans.map(async (plan) => {
    const { stacks, local } = plan;
    const run = (what: string, run: () => Promise<Finding | Finding[]>) => runCheck(what, local, run);
    return Promise.all([
      run('bootstrap stack of the CDK', () => bootstrapFinding(plan, stacks)),
      run('stacks', () => Promise.all(stacks.map((stack) => stackFinding(plan, stack)))),
      run('names', () => nameFindings(plan)),
      run('definitions of the state machines', () => definitionFindings(plan)),
      run('policies', () => policyFindings(plan)),
      run('log resource policies', () => logPolicyFinding(plan)),
      run("API Gateway's log role", () => gatewayRoleFinding(plan)),
      run('user pool', () => userPoolFindings(plan)),
      run('quotas', () => quotaFindings(plan)),
      run('features of the region', () => regionFinding(plan, stacks)),
    ]);
  });
  return [accountsFinding(plans), ...(await Promise.all(of)).flat(2)];
}

/** Whether no finding prevents a deployment. */
export const shouldWork = (all: readonly Finding[]): boolean =>
  all.every(({ verdict }) => verdict !== 'missing');
