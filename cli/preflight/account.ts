import { APIGatewayClient, GetAccountCommand } from '@aws-sdk/client-api-gateway';
import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { CloudWatchLogsClient, DescribeResourcePoliciesCommand } from '@aws-sdk/client-cloudwatch-logs';
import {
  CognitoIdentityProviderClient,
  DescribeUserPoolCommand,
} from '@aws-sdk/client-cognito-identity-provider';
import { paginateListServiceQuotas, ServiceQuotasClient } from '@aws-sdk/client-service-quotas';
import * as z from 'zod';
import { passwordPolicyText } from '../../contracts/password-policy.ts';
import { concurrencyAt, lambdaConcurrency } from '../../contracts/quotas.ts';
import { fixedName, resolver } from '../../infra/resolve.ts';
import { expressCreationsPerSecond } from '../../infra/settings.ts';
import type { Template } from '../../infra/templates.ts';
import { poolDescription, poolFaults } from '../../infra/user-pool.ts';
import { machine, successfulPath } from '../../workflows/asl.ts';
import { type Finding, missing, note, ok, unchecked } from './finding.ts';
import type { Plan } from './plan.ts';
import { targetsOf } from './planned-target.ts';
import { describeStack, resourcesOf } from './stacks.ts';

/** docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html ("Resource policies") */
const LOG_POLICIES = 10;
/**
 * The policy that AWS log delivery creates when the first resource logs by it, as state machines do. All resources share it.
 * docs.aws.amazon.com/AmazonCloudWatch/latest/logs/AWS-logs-and-resource-policy.html
 */
const DELIVERY_POLICY = 'AWSLogDeliveryWrite20150319';

const ofType = ({ Resources }: Template, type: string) =>
  Object.entries(Resources).filter(([, { Type }]) => Type === type);

/** Logical ids of the resources that the deployed stacks have. */
async function existingResources({ client, stacks }: Plan): Promise<Set<string>> {
  const cloudFormation = client(CloudFormationClient);
  const own = stacks.map(async ({ name }) =>
    (await describeStack(cloudFormation, name)) === undefined
      ? []
      : [...(await resourcesOf(cloudFormation, name))].map((id) => `${name}/${id}`),
  );
  return new Set((await Promise.all(own)).flat());
}

/** Whether the account can have the additional resource policies of CloudWatch Logs. The quota is ten per region. */
export async function logPolicyFinding(plan: Plan): Promise<Finding> {
  const { client, stacks, environment } = plan;
  const logs = client(CloudWatchLogsClient);
  const existing: string[] = [];
  let nextToken: string | undefined;
  do {
    const page = await logs.send(new DescribeResourcePoliciesCommand({ nextToken }));
    for (const { policyName = '' } of page.resourcePolicies ?? []) existing.push(policyName);
    nextToken = page.nextToken;
  } while (nextToken !== undefined);
  const own = await existingResources(plan);
  const policyNames = stacks.flatMap(({ name, template }) =>
    ofType(template, 'AWS::Logs::ResourcePolicy')
      .filter(([logicalId]) => !own.has(`${name}/${logicalId}`))
      .map(([, resource]) => resolver(template, environment)(fixedName(resource))),
  );
  const deliversLogs = stacks.some(({ template }) =>
    ofType(template, 'AWS::StepFunctions::StateMachine').some(
      ([, { Properties }]) => Properties['LoggingConfiguration'] !== undefined,
    ),
  );
  if (deliversLogs) policyNames.push(DELIVERY_POLICY);
  const added = new Set(policyNames.filter((name) => typeof name !== 'string' || !existing.includes(name)));
  const found = `${existing.length} of ${LOG_POLICIES} used`;
  const needed = `${added.size} more`;
  return existing.length + added.size <= LOG_POLICIES
    ? ok('log resource policies', found, needed)
    : missing(
        'log resource policies',
        `${found}: ${existing.join(', ')}`,
        needed,
        'Remove unused policies: aws logs delete-resource-policy --policy-name NAME',
      );
}

/** The role by which API Gateway writes its logs: one per account and region. docs.aws.amazon.com/apigateway/latest/developerguide/set-up-logging.html */
export async function gatewayRoleFinding(plan: Plan): Promise<Finding> {
  const { client, stacks } = plan;
  const what = "API Gateway's log role";
  const { cloudwatchRoleArn } = await client(APIGatewayClient).send(new GetAccountCommand({}));
  const set = stacks.flatMap(({ name, template }) =>
    ofType(template, 'AWS::ApiGateway::Account').map(([logicalId]) => `${name}/${logicalId}`),
  );
  const own = await existingResources(plan);
  const needed = set.length > 0 ? 'the role of this deployment' : 'an existing role';
  if (set.length === 0)
    return cloudwatchRoleArn
      ? ok(what, cloudwatchRoleArn, needed)
      : missing(what, 'none', needed, 'Remove the setting api_gateway_log_role=keep, or set a role.');
  return cloudwatchRoleArn && !set.some((id) => own.has(id))
    ? note(
        what,
        cloudwatchRoleArn,
        needed,
        'The deployment replaces it for all APIs of this account and region. -c api_gateway_log_role=keep keeps it.',
      )
    : ok(what, cloudwatchRoleArn ?? 'none', needed);
}

/** Whether each user pool that a target adopts by its id can have service users of this target. */
export async function userPoolFindings({ client, stacks, environment }: Plan): Promise<Finding[]> {
  const adopted = stacks.flatMap(({ template, name }) =>
    targetsOf(template, name, environment).flatMap(({ outputs }) => {
      const { success, data } = adoptedPool.safeParse(outputs);
      return success && isAdopted(template, data.UserPoolId) ? [data] : [];
    }),
  );
  const cognito = client(CognitoIdentityProviderClient);
  return Promise.all(
    adopted.map(async ({ UserPoolId, PasswordPolicy }) => {
      const what = `user pool ${UserPoolId}`;
      const needed = 'a pool that can have service users';
      const { UserPool: pool } = await cognito.send(new DescribeUserPoolCommand({ UserPoolId }));
      const faults = poolFaults(poolDescription.parse(pool), PasswordPolicy);
      return faults.length === 0
        ? ok(what, 'suitable', needed)
        : missing(what, faults.join(' '), needed, 'Change the pool, or adopt none (user_pool_id, userPool).');
    }),
  );
}

const adoptedPool = z.object({ UserPoolId: z.string(), PasswordPolicy: passwordPolicyText });

/** A pool of the stack is referenced by its logical id. */
const isAdopted = ({ Resources }: Template, id: string): boolean => !(id in Resources);

interface Quota {
  service: 'cognito-idp' | 'states' | 'lambda';
  /** As Service Quotas names it; the codes of Cognito and Lambda are L-5987B8A0, L-6621E65D, L-7D6E8ED3 and L-B99A9384. */
  name: string;
  needed: number;
  per: string;
}

const definitionString = z.looseObject({ DefinitionString: z.unknown() });

/** Transitions of a creation that succeeds: every state of the main path, and the start. */
function countTransitions({ template }: Plan['stacks'][number], environment: Plan['environment']): number {
  const resolve = resolver(template, environment);
  const counts = ofType(template, 'AWS::StepFunctions::StateMachine').map(([, { Properties }]) => {
    const text = String(resolve(definitionString.parse(Properties).DefinitionString));
    return successfulPath(machine.parse(JSON.parse(text))).length;
  });
  // The longer one is the creation; the roll-back of a service is rare.
  return Math.max(0, ...counts) + 1;
}

/** The quotas that the rates of the target need in this account and region. */
export function quotasFor({ settings, target, stacks, environment }: Plan): Quota[] {
  const { creationsPerSecond, statusPollsPerSecond } = target;
  const hasTarget = stacks.some(({ service }) => service === 'app2');
  const describeExecutionsPerSecond = Math.max(
    ...(stacks.some(({ service }) => service === 'app1') ? [settings.describeExecutionsPerSecond] : []),
    ...(hasTarget ? [target.describeExecutionsPerSecond] : []),
  );
  const creations = creationsPerSecond + expressCreationsPerSecond(creationsPerSecond);
  const reserved = stacks.flatMap(({ template }) =>
    ofType(template, 'AWS::Lambda::Function').map(([, { Properties }]) =>
      z.number().catch(0).parse(Properties['ReservedConcurrentExecutions']),
    ),
  );
  const reservations = reserved.reduce((sum, one) => sum + one, 0);
  const atRate = Math.ceil(concurrencyAt(creations, statusPollsPerSecond).total);
  const cognito = ['UserCreation', 'UserUpdate', 'UserAccountRecovery'].map((operations) => ({
    service: 'cognito-idp' as const,
    name: `Rate of ${operations} requests`,
    needed: creations,
    per: ' per second',
  }));
  return [
    ...(hasTarget ? cognito : []),
    {
      service: 'states',
      name: 'StartExecution throttle token refill rate per second',
      needed: creations * stacks.length,
      per: ' per second',
    },
    {
      service: 'states',
      name: 'StateTransition throttle token refill rate per second',
      needed: creations * stacks.reduce((sum, stack) => sum + countTransitions(stack, environment), 0),
      per: ' per second',
    },
    {
      service: 'states',
      name: 'DescribeExecution throttle token refill rate per second',
      needed: describeExecutionsPerSecond,
      per: ' per second',
    },
    {
      service: 'lambda',
      name: 'Concurrent executions',
      needed: Math.max(atRate, reservations === 0 ? 0 : reservations + lambdaConcurrency.unreserved),
      per: ' at once',
    },
  ];
}

/** docs.aws.amazon.com/servicequotas/2019-06-24/apireference/API_ListServiceQuotas.html */
export async function quotaFindings(plan: Plan): Promise<Finding[]> {
  const client = plan.client(ServiceQuotasClient);
  const quotas = quotasFor(plan);
  const services = [...new Set(quotas.map(({ service }) => service))];
  const values = new Map<string, number>();
  for (const ServiceCode of services)
    for await (const { Quotas = [] } of paginateListServiceQuotas({ client }, { ServiceCode }))
      for (const { QuotaName = '', Value } of Quotas)
        if (Value !== undefined) values.set(`${ServiceCode} ${QuotaName.toLowerCase()}`, Value);
  return quotas.map(({ service, name, needed, per }) => {
    const what = `quota ${service}: ${name}`;
    const value = values.get(`${service} ${name.toLowerCase()}`);
    const neededText = `${Math.ceil(needed * 10) / 10}${per}`;
    if (value === undefined)
      return unchecked(
        what,
        'Service Quotas does not list it',
        `Check that the quota is at least ${neededText}.`,
      );
    return value >= needed
      ? ok(what, `${value}${per}`, neededText)
      : missing(
          what,
          `${value}${per}`,
          neededText,
          'Request an increase (Service Quotas), or set smaller rates (docs/limits.md).',
        );
  });
}
