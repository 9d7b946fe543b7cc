import {
  CloudFormationClient,
  DescribeStacksCommand,
  DescribeTypeCommand,
  paginateListStackResources,
} from '@aws-sdk/client-cloudformation';
import { GetParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import pLimit from 'p-limit';
import * as z from 'zod';
import { hasErrorName } from '../../handlers/shared/errors.ts';
import { ifFound } from '../doctor/finding.ts';
import { type Finding, missing, ok } from './finding.ts';
import type { PlannedStack, Target } from './target.ts';

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
export async function stackFinding({ client }: Target, { name }: PlannedStack): Promise<Finding> {
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

export async function bootstrapFinding(
  { client }: Target,
  stacks: readonly PlannedStack[],
): Promise<Finding> {
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
  { client, environment }: Target,
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

/** Whether the accounts and regions match the settings. */
export function accountsFinding(targets: readonly Target[]): Finding {
  const of = (stack: string) => targets.find(({ stacks }) => stacks.some(({ name }) => name === stack));
  const [app1, app2] = [of('App1'), of('App2')];
  const what = 'accounts and regions';
  const found = `App1 in ${app1?.environment.account}, ${app1?.environment.region}; App2 in ${app2?.environment.account}, ${app2?.environment.region}`;
  const settings = app1?.settings;
  const two = app1?.environment.account !== app2?.environment.account;
  const needed = two
    ? 'two accounts, one region, and the setting that names the account of App1'
    : 'one account and region';
  if (app1?.environment.region !== app2?.environment.region)
    return missing(what, found, needed, 'Give both profiles the same region.');
  const named: [setting: string, value: string | undefined, account: string | undefined][] = [
    ['app1_account', settings?.app1Account, app1?.environment.account],
  ];
  const wrong = named.filter(([, value, account]) =>
    two ? value !== account : ![undefined, account].includes(value),
  );
  if (wrong.length > 0)
    return missing(
      what,
      `${found}; ${wrong.map(([setting, value]) => `${setting} is ${value ?? 'not set'}`).join(', ')}`,
      needed,
      wrong.map(([setting, , account]) => `-c ${setting}=${account}`).join(' '),
    );
  return ok(what, found, needed);
}
