import { APIGatewayClient, GetAccountCommand } from '@aws-sdk/client-api-gateway';
import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { CloudWatchLogsClient, DescribeResourcePoliciesCommand } from '@aws-sdk/client-cloudwatch-logs';
import { paginateListServiceQuotas, ServiceQuotasClient } from '@aws-sdk/client-service-quotas';
import * as z from 'zod';
import { concurrencyAt, lambdaConcurrency } from '../../contracts/quotas.ts';
import { fixedName, resolver } from '../../infra/resolve.ts';
import { expressCreationsPerSecond } from '../../infra/settings.ts';
import type { Template } from '../../infra/templates.ts';
import { type Machine, machine } from '../../workflows/asl.ts';
import { type Finding, missing, note, ok, unchecked } from './finding.ts';
import { describeStack, resourcesOf } from './stacks.ts';
import type { Target } from './target.ts';

/** docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html ("Resource policies") */
const LOG_POLICIES = 10;
/**
 * The one that the log delivery of AWS makes, and shares, once something logs by it, as state machines do.
 * docs.aws.amazon.com/AmazonCloudWatch/latest/logs/AWS-logs-and-resource-policy.html
 */
const DELIVERY_POLICY = 'AWSLogDeliveryWrite20150319';

const ofType = ({ Resources }: Template, type: string) =>
  Object.entries(Resources).filter(([, { Type }]) => Type === type);

/** Logical ids of what the stacks have already. */
async function ownOf({ client, stacks }: Target): Promise<Set<string>> {
  const cloudFormation = client(CloudFormationClient);
  const own = stacks.map(async ({ name }) =>
    (await describeStack(cloudFormation, name)) === undefined
      ? []
      : [...(await resourcesOf(cloudFormation, name))].map((id) => `${name}/${id}`),
  );
  return new Set((await Promise.all(own)).flat());
}

/** Whether the resource policies of CloudWatch Logs suffice, of which an account has ten in a region. */
export async function logPolicyFinding(target: Target): Promise<Finding> {
  const { client, stacks, place } = target;
  const logs = client(CloudWatchLogsClient);
  const there: string[] = [];
  let nextToken: string | undefined;
  do {
    const page = await logs.send(new DescribeResourcePoliciesCommand({ nextToken }));
    for (const { policyName = '' } of page.resourcePolicies ?? []) there.push(policyName);
    nextToken = page.nextToken;
  } while (nextToken !== undefined);
  const own = await ownOf(target);
  const wanted = stacks.flatMap(({ name, template }) =>
    ofType(template, 'AWS::Logs::ResourcePolicy')
      .filter(([logicalId]) => !own.has(`${name}/${logicalId}`))
      .map(([, resource]) => resolver(template, place)(fixedName(resource))),
  );
  const deliver = stacks.some(({ template }) =>
    ofType(template, 'AWS::StepFunctions::StateMachine').some(
      ([, { Properties }]) => Properties['LoggingConfiguration'] !== undefined,
    ),
  );
  if (deliver) wanted.push(DELIVERY_POLICY);
  const fresh = new Set(wanted.filter((name) => typeof name !== 'string' || !there.includes(name)));
  const found = `${there.length} of ${LOG_POLICIES} used`;
  const needed = `${fresh.size} more`;
  return there.length + fresh.size <= LOG_POLICIES
    ? ok('log resource policies', found, needed)
    : missing(
        'log resource policies',
        `${found}: ${there.join(', ')}`,
        needed,
        'Remove those that nothing needs: aws logs delete-resource-policy --policy-name NAME',
      );
}

/** By which role API Gateway writes its logs, which is one for the account and region. docs.aws.amazon.com/apigateway/latest/developerguide/set-up-logging.html */
export async function gatewayRoleFinding(target: Target): Promise<Finding> {
  const { client, stacks } = target;
  const what = "API Gateway's log role";
  const { cloudwatchRoleArn } = await client(APIGatewayClient).send(new GetAccountCommand({}));
  const set = stacks.flatMap(({ name, template }) =>
    ofType(template, 'AWS::ApiGateway::Account').map(([logicalId]) => `${name}/${logicalId}`),
  );
  const own = await ownOf(target);
  const needed = set.length > 0 ? 'one that this deployment sets' : 'one that is there';
  if (set.length === 0)
    return cloudwatchRoleArn
      ? ok(what, cloudwatchRoleArn, needed)
      : missing(what, 'none', needed, 'Do without api_gateway_log_role=keep, or set a role.');
  return cloudwatchRoleArn && !set.some((id) => own.has(id))
    ? note(
        what,
        cloudwatchRoleArn,
        needed,
        'It is replaced for all APIs of this account and region; -c api_gateway_log_role=keep leaves it alone.',
      )
    : ok(what, cloudwatchRoleArn ?? 'none', needed);
}

interface Quota {
  service: 'cognito-idp' | 'states' | 'lambda';
  /** As Service Quotas names it; the codes of Cognito and Lambda are L-5987B8A0, L-6621E65D, L-7D6E8ED3 and L-B99A9384. */
  name: string;
  needed: number;
  per: string;
}

const definitionString = z.looseObject({ DefinitionString: z.unknown() });

/** Transitions of a creation that goes well: every state of the main way, and the start. */
function transitions({ template }: Target['stacks'][number], place: Target['place']): number {
  const resolve = resolver(template, place);
  const counts = ofType(template, 'AWS::StepFunctions::StateMachine').map(([, { Properties }]) => {
    const text = String(resolve(definitionString.parse(Properties).DefinitionString));
    return mainWay(machine.parse(JSON.parse(text)));
  });
  // The other machine of a service is its roll-back, which is rare.
  return Math.max(0, ...counts) + 1;
}

function mainWay({ StartAt, States }: Machine): number {
  let count = 0;
  for (let name: string | undefined = StartAt; name !== undefined && count < 100; count += 1) {
    const state: Machine['States'][string] | undefined = States[name];
    name =
      state === undefined || !('Next' in state) || typeof state.Next !== 'string' ? undefined : state.Next;
  }
  return count;
}

/** What the configured rates need in this account and region. */
export function quotasFor({ settings, stacks, place }: Target): Quota[] {
  const { creationsPerSecond, describeExecutionsPerSecond, statusPollsPerSecond } = settings;
  const creations = creationsPerSecond + expressCreationsPerSecond(creationsPerSecond);
  const reserved = stacks.flatMap(({ template }) =>
    ofType(template, 'AWS::Lambda::Function').map(([, { Properties }]) =>
      z.number().catch(0).parse(Properties['ReservedConcurrentExecutions']),
    ),
  );
  const reservations = reserved.reduce((sum, one) => sum + one, 0);
  const atRate = Math.ceil(concurrencyAt(creations, statusPollsPerSecond).total);
  const app2 = stacks.some(({ service }) => service === 'app2');
  return [
    ...(app2
      ? [
          {
            service: 'cognito-idp' as const,
            name: 'Rate of UserCreation requests',
            needed: creations,
            per: ' per second',
          },
          {
            service: 'cognito-idp' as const,
            name: 'Rate of UserUpdate requests',
            needed: creations,
            per: ' per second',
          },
          {
            service: 'cognito-idp' as const,
            name: 'Rate of UserAccountRecovery requests',
            needed: creations,
            per: ' per second',
          },
        ]
      : []),
    {
      service: 'states',
      name: 'StartExecution throttle token refill rate per second',
      needed: creations * stacks.length,
      per: ' per second',
    },
    {
      service: 'states',
      name: 'StateTransition throttle token refill rate per second',
      needed: creations * stacks.reduce((sum, stack) => sum + transitions(stack, place), 0),
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
export async function quotaFindings(target: Target): Promise<Finding[]> {
  const client = target.client(ServiceQuotasClient);
  const wanted = quotasFor(target);
  const services = [...new Set(wanted.map(({ service }) => service))];
  const values = new Map<string, number>();
  for (const ServiceCode of services)
    for await (const { Quotas = [] } of paginateListServiceQuotas({ client }, { ServiceCode }))
      for (const { QuotaName = '', Value } of Quotas)
        if (Value !== undefined) values.set(`${ServiceCode} ${QuotaName.toLowerCase()}`, Value);
  return wanted.map(({ service, name, needed, per }) => {
    const what = `quota ${service}: ${name}`;
    const value = values.get(`${service} ${name.toLowerCase()}`);
    const wants = `${Math.ceil(needed * 10) / 10}${per}`;
    if (value === undefined)
      return unchecked(what, 'Service Quotas does not list it', `See whether there are ${wants}.`);
    return value >= needed
      ? ok(what, `${value}${per}`, wants)
      : missing(
          what,
          `${value}${per}`,
          wants,
          'Ask for more (Service Quotas), or set smaller rates (docs/limits.md).',
        );
  });
}
