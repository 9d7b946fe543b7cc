import { STSClient } from '@aws-sdk/client-sts';
import { explain } from '../explain.ts';
import type { TargetEnvironment } from '../target-environment.ts';
import { gatewayRoleFinding, logPolicyFinding, quotaFindings } from './account.ts';
import { definitionFindings, policyFindings } from './definitions.ts';
import { type Finding, unchecked } from './finding.ts';
import { nameFindings } from './names.ts';
import { accountsFinding, bootstrapFinding, regionFinding, stackFinding } from './stacks.ts';
import type { synthesize } from './synthesize.ts';
import type { PlannedStack, Target } from './target.ts';

/** TargetEnvironment each stack is to be deployed. */
export interface Destinations {
  app1: TargetEnvironment;
  app2: TargetEnvironment;
}

/** How services say that they do not have an operation: only the local AWS does. */
const NOT_HAD =
  /^(UnknownOperationException|InvalidAction|UnknownError|NotImplemented|ServiceUnavailable|501|Unknown|NotFoundException|InvalidRequest)$/;

/** Looks, whatever happens: what cannot be looked at is a finding, too. */
async function findings(
  what: string,
  local: boolean,
  look: () => Promise<Finding | Finding[]>,
): Promise<Finding[]> {
  try {
    return [await look()].flat();
  } catch (error) {
    if (local && error instanceof Error && (NOT_HAD.test(error.name) || error instanceof SyntaxError))
      return [unchecked(what, 'the local AWS does not have it', 'AWS has.')];
    const { message, remedy } = explain(error);
    return [unchecked(what, message, remedy)];
  }
}

/** One target for each account and region, with the stacks that go there. */
export async function targetsOf(
  { stacks, settings }: ReturnType<typeof synthesize>,
  { app1, app2 }: Destinations,
): Promise<Target[]> {
  const [place1, place2] = await Promise.all([placeOf(app1), placeOf(app2)]);
  const target = (where: TargetEnvironment, place: Target['place'], of: readonly PlannedStack[]): Target => ({
    stacks: of,
    settings,
    place,
    local: where.local,
    client: where.client,
  });
  const same = place1.account === place2.account && place1.region === place2.region;
  if (same) return [target(app1, place1, stacks)];
  const only = (name: string) => stacks.filter((stack) => stack.name === name);
  return [target(app1, place1, only('App1')), target(app2, place2, only('App2'))];
}

/** @throws Error when nobody is signed in */
async function placeOf(where: TargetEnvironment): Promise<Target['place']> {
  const { arn } = await where.identity(Date.now);
  const [, partition = '', , , account = ''] = arn.split(':');
  return { partition, account, region: await where.client(STSClient).config.region() };
}

/** Everything that can be known before a deployment. Changes nothing. */
export async function preflight(targets: readonly Target[]): Promise<Finding[]> {
  const of = targets.map(async (target) => {
    const { stacks, local } = target;
    const look = (what: string, run: () => Promise<Finding | Finding[]>) => findings(what, local, run);
    return Promise.all([
      look('bootstrap stack of the CDK', () => bootstrapFinding(target, stacks)),
      look('stacks', () => Promise.all(stacks.map((stack) => stackFinding(target, stack)))),
      look('names', () => nameFindings(target)),
      look('definitions of the state machines', () => definitionFindings(target)),
      look('policies', () => policyFindings(target)),
      look('log resource policies', () => logPolicyFinding(target)),
      look("API Gateway's log role", () => gatewayRoleFinding(target)),
      look('quotas', () => quotaFindings(target)),
      look('features of the region', () => regionFinding(target, stacks)),
    ]);
  });
  return [accountsFinding(targets), ...(await Promise.all(of)).flat(2)];
}

/** Whether a deployment should work. */
export const shouldWork = (all: readonly Finding[]): boolean =>
  all.every(({ verdict }) => verdict !== 'missing');
