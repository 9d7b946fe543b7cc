import {
  CloudFormationClient,
  DescribeStacksCommand,
  DescribeTypeCommand,
  paginateListStackResources,
} from '@aws-sdk/client-cloudformation';
import { GetParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import pLimit from 'p-limit';
import * as z from 'zod';
import { APP2, type ServiceKind } from '../../contracts/services.ts';
import { hasErrorName } from '../../handlers/shared/errors.ts';
import { ifFound } from '../doctor/finding.ts';
import { type Finding, missing, ok } from './finding.ts';
import type { Plan, PlannedStack } from './plan.ts';

/** Concurrent calls. */
const AT_ONCE = 5;

/** Logical ids of the resources of a stack. */
export async function resourcesOf(client: CloudFormationClient, StackName: string): Promise<Set<string>> {
  const there = new Set<string>();
  for await (const { StackResourceSummaries = [] } of paginateListStackResources({ client }, { StackName }))
    for (const { LogicalResourceId, PhysicalResourceId, ResourceStatus } of StackResourceSummaries)
      if (
        LogicalResourceId &&
        PhysicalResourceId &&
        !/^DELETE_(COMPLETE|SKIPPED)$/.test(ResourceStatus ?? '')
      )
        there.add(LogicalResourceId);
  return there;
}

/** The status of a stack; `undefined` when it does not exist. docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStacks.html */
export async function describeStack(
  client: CloudFormationClient,
  StackName: string,
): Promise<{ status: string; isProtected: boolean } | undefined> {
  try {
    const { Stacks: [stack] = [] } = await client.send(new DescribeStacksCommand({ StackName }));
    const { StackStatus: status, EnableTerminationProtection: isProtected = false } = stack ?? {};
    return status === undefined ? undefined : { status, isProtected };
  } catch (error) {
    if (hasErrorName(error, 'ValidationError')) return undefined;
    throw error;
  }
}

/** Whether a stack can be created or updated in its current status. */
export async function stackFinding({ client }: Plan, { name }: PlannedStack): Promise<Finding> {
  const what = `stack ${name}`;
  const needed = 'none, or one that can be updated';
  const stack = await describeStack(client(CloudFormationClient), name);
  if (stack === undefined) return ok(what, 'none: this is the first deployment', needed);
  const { status, isProtected } = stack;
  // `cdk deploy` deletes a stack that was never complete, unless it is protected.
  if (/^(ROLLBACK_COMPLETE|CREATE_FAILED)$/.test(status))
    return isProtected
      ? missing(
          what,
          `${status}, protected`,
          needed,
          `aws cloudformation update-termination-protection --no-enable-termination-protection --stack-name ${name}`,
        )
      : ok(what, `${status}: cdk deploy deletes it first`, needed);
  if (/^(ROLLBACK_FAILED|DELETE_FAILED)$/.test(status))
    return missing(what, status, needed, `Delete it: aws cloudformation delete-stack --stack-name ${name}`);
  if (status === 'UPDATE_ROLLBACK_FAILED')
    return missing(what, status, needed, `aws cloudformation continue-update-rollback --stack-name ${name}`);
  if (status.endsWith('_IN_PROGRESS')) return missing(what, status, needed, 'Wait until it has finished.');
  return ok(what, status, needed);
}

/** The parameter with the version of the bootstrap stack (docs.aws.amazon.com/cdk/v2/guide/bootstrapping-customizing.html). */
const versionParameter = z.looseObject({ Default: z.string() });

export async function bootstrapFinding({ client }: Plan, stacks: readonly PlannedStack[]): Promise<Finding> {
  const what = 'bootstrap stack of the CDK';
  const version = Math.max(...stacks.map(({ bootstrapVersion }) => bootstrapVersion));
  const needed = `version ${version} or later`;
  const { data } = versionParameter.safeParse(stacks[0]?.template.Parameters['BootstrapVersion']);
  const Name = data?.Default ?? '/cdk-bootstrap/hnb659fds/version';
  const found = await ifFound(client(SSMClient).send(new GetParameterCommand({ Name })));
  if (found === undefined) return missing(what, `no parameter ${Name}`, needed, 'npx cdk bootstrap');
  const has = Number(found.Parameter?.Value);
  return has >= version
    ? ok(what, `version ${has}`, needed)
    : missing(what, `version ${has}`, needed, 'npx cdk bootstrap');
}

/** Whether the region supports every resource type. docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeType.html */
export async function regionFinding(
  { client, environment }: Plan,
  stacks: readonly PlannedStack[],
): Promise<Finding> {
  const what = `features of ${environment.region}`;
  const types = [
    ...new Set(stacks.flatMap(({ template }) => Object.values(template.Resources).map(({ Type }) => Type))),
  ].filter((type) => type.startsWith('AWS::'));
  const needed = `${types.length} types of resources`;
  const limit = pLimit(AT_ONCE);
  const cloudFormation = client(CloudFormationClient);
  const unsupported = await Promise.all(
    types.map((TypeName) =>
      limit(async () => {
        try {
          await cloudFormation.send(new DescribeTypeCommand({ Type: 'RESOURCE', TypeName }));
          return [];
        } catch (error) {
          if (hasErrorName(error, 'TypeNotFoundException')) return [TypeName];
          throw error;
        }
      }),
    ),
  );
  return unsupported.flat().length === 0
    ? ok(what, 'all of them', needed)
    : missing(what, `no ${unsupported.flat().join(', ')}`, needed, 'Choose another region.');
}

/** Whether the accounts and regions match the settings of the target. */
export function accountsFinding(plans: readonly Plan[]): Finding {
  const of = (kind: ServiceKind) =>
    plans.find(({ stacks }) => stacks.some(({ service }) => service === kind));
  const [app1, other] = [of('app1')?.environment, of('app2')?.environment];
  const { name = '', stack = '', consumer } = plans[0]?.target ?? {};
  const what = 'accounts and regions';
  const found = `App1 in ${app1?.account}, ${app1?.region}; ${stack} in ${other?.account}, ${other?.region}`;
  const two = app1?.account !== other?.account;
  const needed = two
    ? `two accounts, one region, and App1's account as the consumer of ${name}`
    : 'one account and region';
  if (app1?.region !== other?.region)
    return missing(what, found, needed, 'Give both profiles the same region.');
  if (two ? consumer === app1?.account : [undefined, app1?.account].includes(consumer))
    return ok(what, found, needed);
  return missing(
    what,
    `${found}; the consumer of ${name} is ${consumer ?? 'not set'}`,
    needed,
    name === APP2
      ? `-c app1_account=${app1?.account}`
      : `new ServiceUsers(…, { service: '${name}', consumer: '${app1?.account}' })`,
  );
}
