import { STSClient } from '@aws-sdk/client-sts';
import { explain } from '../explain.ts';
import type { TargetEnvironment } from '../target-environment.ts';
import { gatewayRoleFinding, logPolicyFinding, quotaFindings, userPoolFindings } from './account.ts';
import { definitionFindings, policyFindings } from './definitions.ts';
import { type Finding, unchecked } from './finding.ts';
import { nameFindings } from './names.ts';
import { accountsFinding, bootstrapFinding, regionFinding, stackFinding } from './stacks.ts';
import type { synthesize } from './synthesize.ts';
import type { PlannedStack, Target } from './target.ts';

/** The target environment of each stack. */
export interface Destinations {
  app1: TargetEnvironment;
  app2: TargetEnvironment;
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

/** One target for each account and region, with the stacks that go there. */
export async function targetsOf(
  { stacks, settings }: ReturnType<typeof synthesize>,
  { app1, app2 }: Destinations,
): Promise<Target[]> {
  const [environment1, environment2] = await Promise.all([readEnvironment(app1), readEnvironment(app2)]);
  const target = (
    { local, client }: TargetEnvironment,
    environment: Target['environment'],
    planned: readonly PlannedStack[],
  ): Target => ({ stacks: planned, settings, environment, local, client });
  const isSame = environment1.account === environment2.account && environment1.region === environment2.region;
  if (isSame) return [target(app1, environment1, stacks)];
  const only = (name: string) => stacks.filter((stack) => stack.name === name);
  return [target(app1, environment1, only('App1')), target(app2, environment2, only('App2'))];
}

/** @throws CliError without valid credentials */
async function readEnvironment(target: TargetEnvironment): Promise<Target['environment']> {
  const { arn } = await target.identity(Date.now);
  const [, partition = '', , , account = ''] = arn.split(':');
  return { partition, account, region: await target.client(STSClient).config.region() };
}

/** Runs every check that is possible before a deployment. Changes nothing. */
export async function preflight(targets: readonly Target[]): Promise<Finding[]> {
  const of = targets.map(async (target) => {
    const { stacks, local } = target;
    const run = (what: string, run: () => Promise<Finding | Finding[]>) => runCheck(what, local, run);
    return Promise.all([
      run('bootstrap stack of the CDK', () => bootstrapFinding(target, stacks)),
      run('stacks', () => Promise.all(stacks.map((stack) => stackFinding(target, stack)))),
      run('names', () => nameFindings(target)),
      run('definitions of the state machines', () => definitionFindings(target)),
      run('policies', () => policyFindings(target)),
      run('log resource policies', () => logPolicyFinding(target)),
      run("API Gateway's log role", () => gatewayRoleFinding(target)),
      run('user pool', () => userPoolFindings(target)),
      run('quotas', () => quotaFindings(target)),
      run('features of the region', () => regionFinding(target, stacks)),
    ]);
  });
  return [accountsFinding(targets), ...(await Promise.all(of)).flat(2)];
}

/** Whether no finding prevents a deployment. */
export const shouldWork = (all: readonly Finding[]): boolean =>
  all.every(({ verdict }) => verdict !== 'missing');
