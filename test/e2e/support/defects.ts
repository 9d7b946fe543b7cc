import {
  APIGatewayClient,
  CreateDeploymentCommand,
  DeleteGatewayResponseCommand,
  GetGatewayResponseCommand,
  PutGatewayResponseCommand,
} from '@aws-sdk/client-api-gateway';
import {
  CloudWatchLogsClient,
  DeleteMetricFilterCommand,
  DeleteResourcePolicyCommand,
  DescribeMetricFiltersCommand,
  DescribeResourcePoliciesCommand,
  PutMetricFilterCommand,
  PutResourcePolicyCommand,
} from '@aws-sdk/client-cloudwatch-logs';
import { CreateGroupCommand, DeleteGroupCommand } from '@aws-sdk/client-cognito-identity-provider';
import {
  DisableRuleCommand,
  EnableRuleCommand,
  EventBridgeClient,
  ListRulesCommand,
  type Rule,
} from '@aws-sdk/client-eventbridge';
import { DeleteRolePolicyCommand, IAMClient, PutRolePolicyCommand } from '@aws-sdk/client-iam';
import {
  DisableKeyCommand,
  EnableKeyCommand,
  GetKeyPolicyCommand,
  KMSClient,
  PutKeyPolicyCommand,
} from '@aws-sdk/client-kms';
import {
  AddPermissionCommand,
  GetFunctionConfigurationCommand,
  GetPolicyCommand,
  LambdaClient,
  RemovePermissionCommand,
  UpdateFunctionConfigurationCommand,
} from '@aws-sdk/client-lambda';
import {
  GetSecretValueCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { DescribeStateMachineCommand, SFNClient } from '@aws-sdk/client-sfn';
import { GetTopicAttributesCommand, ListTopicsCommand, SNSClient } from '@aws-sdk/client-sns';
import * as z from 'zod';
import { groups } from '../../../contracts/app2-api.ts';
import type { Service } from '../../../contracts/services.ts';
import { busLog } from '../../../infra/names.ts';
import { present } from '../../local-aws/support/present.ts';
import { configuration, outputs, system } from './deployed.ts';

/**
 * What somebody can spoil in an account that a correct deployment has, each with what it takes to mend it. All of it is
 * done by AWS's own APIs, as somebody would by hand.
 */

type Mend = () => Promise<unknown>;

const events = new EventBridgeClient(configuration);
const iam = new IAMClient(configuration);
const kms = new KMSClient(configuration);
const lambda = new LambdaClient(configuration);
const gateway = new APIGatewayClient(configuration);
const secrets = new SecretsManagerClient(configuration);
const logs = new CloudWatchLogsClient(configuration);
const { cognito } = system.clients;

/** Turns off the one rule of a bus that fits. */
async function ruleOff(which: (rule: Rule) => boolean, EventBusName?: string): Promise<Mend> {
  const { Rules = [] } = await events.send(new ListRulesCommand({ EventBusName }));
  const found = Rules.filter(which);
  if (found.length !== 1) throw new Error(`${found.length} rules instead of one fit.`);
  const rule = { Name: found[0]?.Name, EventBusName };
  await events.send(new DisableRuleCommand(rule));
  return () => events.send(new EnableRuleCommand(rule));
}

const onBadEnds =
  (stateMachineArn: string) =>
  ({ EventPattern = '' }: Rule) =>
    EventPattern.includes(stateMachineArn) &&
    EventPattern.includes('FAILED') &&
    !EventPattern.includes('wildcard');

/** Takes a right away from a role, as a policy does that denies. */
async function denied(roleArn: string | undefined, Action: string): Promise<Mend> {
  const policy = { RoleName: present(roleArn).split('/').at(-1), PolicyName: 'seeded-defect' };
  const PolicyDocument = JSON.stringify({
    Version: '2012-10-17',
    Statement: [{ Effect: 'Deny', Action, Resource: '*' }],
  });
  await iam.send(new PutRolePolicyCommand({ ...policy, PolicyDocument }));
  return () => iam.send(new DeleteRolePolicyCommand(policy));
}

async function functionDenied(FunctionName: string, action: string): Promise<Mend> {
  const { Role } = await lambda.send(new GetFunctionConfigurationCommand({ FunctionName }));
  return denied(Role, action);
}

/** Gives a function another value of a variable. */
async function variable(FunctionName: string, name: string, value: string): Promise<Mend> {
  const { Environment } = await lambda.send(new GetFunctionConfigurationCommand({ FunctionName }));
  const before = Environment?.Variables ?? {};
  const set = (Variables: Record<string, string>) =>
    lambda.send(new UpdateFunctionConfigurationCommand({ FunctionName, Environment: { Variables } }));
  await set({ ...before, [name]: value });
  return () => set(before);
}

const statement = z.object({
  Sid: z.string(),
  Condition: z.object({
    ArnLike: z.object({ 'AWS:SourceArn': z.string() }).or(z.record(z.string(), z.string())),
  }),
});

/** Takes away what lets API Gateway call a function. */
async function gatewayMayNotCall(FunctionName: string): Promise<Mend> {
  const { Policy = '' } = await lambda.send(new GetPolicyCommand({ FunctionName }));
  const { Statement } = z.object({ Statement: z.array(statement) }).parse(JSON.parse(Policy));
  for (const { Sid } of Statement)
    await lambda.send(new RemovePermissionCommand({ FunctionName, StatementId: Sid }));
  return () =>
    Promise.all(
      Statement.map(({ Sid, Condition }) =>
        lambda.send(
          new AddPermissionCommand({
            FunctionName,
            StatementId: Sid,
            Action: 'lambda:InvokeFunction',
            Principal: 'apigateway.amazonaws.com',
            SourceArn: Object.values(Condition.ArnLike)[0],
          }),
        ),
      ),
    );
}

/** Deletes a gateway response, and deploys the API without it. */
async function gatewayResponseGone(api: Service, responseType: 'UNAUTHORIZED'): Promise<Mend> {
  const restApiId = /restapis\/(\w+)\//.exec(outputs[api].api_url)?.[1];
  const {
    $metadata: _,
    defaultResponse: __,
    ...before
  } = await gateway.send(new GetGatewayResponseCommand({ restApiId, responseType }));
  const deploy = () => gateway.send(new CreateDeploymentCommand({ restApiId, stageName: 'v1' }));
  await gateway.send(new DeleteGatewayResponseCommand({ restApiId, responseType }));
  await deploy();
  return async () => {
    await gateway.send(new PutGatewayResponseCommand({ ...before, restApiId, responseType }));
    await deploy();
  };
}

/** Deletes the metric filter of a log that counts a metric. */
async function filterGone(logGroupName: string, metricName: string): Promise<Mend> {
  const { metricFilters = [] } = await logs.send(new DescribeMetricFiltersCommand({ logGroupName }));
  const found = metricFilters.find(({ metricTransformations = [] }) =>
    metricTransformations.some((one) => one.metricName === metricName),
  );
  const { filterName, filterPattern, metricTransformations } = present(found);
  await logs.send(new DeleteMetricFilterCommand({ logGroupName, filterName }));
  return () =>
    logs.send(new PutMetricFilterCommand({ logGroupName, filterName, filterPattern, metricTransformations }));
}

/** Deletes the policy that lets EventBridge write to the log of a bus. */
async function logPolicyGone(busName: string): Promise<Mend> {
  const { resourcePolicies = [] } = await logs.send(
    new DescribeResourcePoliciesCommand({ policyScope: 'RESOURCE' }),
  );
  const found = resourcePolicies.find(({ resourceArn = '' }) => resourceArn.includes(busLog(busName)));
  const { policyName, policyDocument, resourceArn, revisionId } = present(found);
  await logs.send(new DeleteResourcePolicyCommand({ resourceArn, expectedRevisionId: revisionId }));
  return () => logs.send(new PutResourcePolicyCommand({ policyName, policyDocument, resourceArn }));
}

/** Takes from the key of a topic what lets CloudWatch use it. */
async function keyWithoutCloudWatch(topicName: string): Promise<Mend> {
  const sns = new SNSClient(configuration);
  const { Topics = [] } = await sns.send(new ListTopicsCommand({}));
  const TopicArn = Topics.map((one) => one.TopicArn).find((arn) => arn?.endsWith(`:${topicName}`));
  const { Attributes = {} } = await sns.send(new GetTopicAttributesCommand({ TopicArn }));
  const KeyId = present(Attributes['KmsMasterKeyId']);
  const { Policy = '' } = await kms.send(new GetKeyPolicyCommand({ KeyId }));
  const { Statement } = z
    .object({ Statement: z.array(z.looseObject({ Principal: z.unknown() })) })
    .parse(JSON.parse(Policy));
  const rest = Statement.filter(({ Principal }) => !JSON.stringify(Principal).includes('cloudwatch'));
  const put = (policy: string) =>
    kms.send(new PutKeyPolicyCommand({ KeyId, PolicyName: 'default', Policy: policy }));
  await put(JSON.stringify({ Version: '2012-10-17', Statement: rest }));
  return () => put(Policy);
}

/** Puts credentials into the secret that no machine user has. */
async function secretStale(): Promise<Mend> {
  const SecretId = outputs.app2.credentials_secret_arn;
  const { SecretString = '' } = await secrets.send(new GetSecretValueCommand({ SecretId }));
  const known = z.looseObject({}).parse(JSON.parse(SecretString));
  await secrets.send(
    new PutSecretValueCommand({
      SecretId,
      SecretString: JSON.stringify({ ...known, password: 'Stale-1-password' }),
    }),
  );
  return () => secrets.send(new PutSecretValueCommand({ SecretId, SecretString }));
}

async function groupGone(): Promise<Mend> {
  const group = { UserPoolId: outputs.app2.user_pool_id, GroupName: groups.serviceUser };
  await cognito.send(new DeleteGroupCommand(group));
  return () => cognito.send(new CreateGroupCommand(group));
}

async function keyOff(KeyId: string): Promise<Mend> {
  await kms.send(new DisableKeyCommand({ KeyId }));
  return () => kms.send(new EnableKeyCommand({ KeyId }));
}

export interface Defect {
  name: string;
  seed: () => Promise<Mend>;
  /** The checks that have to notice it; all others pass. */
  noticedBy: readonly string[];
}

/** Defects that change nothing for each other's checks, so that one run has to notice all of them. */
export const independentDefects: readonly Defect[] = [
  {
    name: 'the schedule of a sweep is off',
    seed: () =>
      ruleOff(
        ({ ScheduleExpression, Description = '' }) =>
          ScheduleExpression !== undefined && Description.includes('CreateServiceUser'),
      ),
    noticedBy: ['health/doctor'],
  },
  {
    name: 'API Gateway may not call a function',
    seed: () => gatewayMayNotCall('app1-retry-provisioning'),
    noticedBy: ['provisioning/retry'],
  },
  {
    name: 'a gateway response is deleted',
    seed: () => gatewayResponseGone('app2', 'UNAUTHORIZED'),
    noticedBy: ['refusals/invalid-token', 'refusals/no-token'],
  },
  {
    name: "App1's rule on status changes is off",
    seed: () => ruleOff(onBadEnds(outputs.app1.state_machine_arn)),
    noticedBy: ['health/doctor', 'removal/stopped-provisioning'],
  },
  {
    name: 'the log of a bus lacks a metric filter',
    seed: () => filterGone(`/aws/events/${outputs.app1.event_bus_name}`, 'ProvisioningsFailed'),
    noticedBy: ['signals/metric-filters'],
  },
  {
    name: 'a function logs warnings only, and so no metrics',
    seed: () => variable('app2-set-password', 'POWERTOOLS_LOG_LEVEL', 'WARN'),
    noticedBy: ['signals/embedded-metrics'],
  },
  {
    name: 'the key of an alarm topic does not let CloudWatch use it',
    seed: () => keyWithoutCloudWatch('app1-alarms'),
    noticedBy: ['operations/alarms-of-app1'],
  },
];

/** Defects that spoil more than one check; each is noticed by those that are run. */
export const otherDefects: readonly Defect[] = [
  {
    name: "App1's machine may not publish events",
    seed: async () => {
      const { state_machine_arn: stateMachineArn } = outputs.app1;
      const { roleArn } = await new SFNClient(configuration).send(
        new DescribeStateMachineCommand({ stateMachineArn }),
      );
      return denied(roleArn, 'events:PutEvents');
    },
    noticedBy: ['provisioning/succeeds'],
  },
  {
    name: 'a step has lost a right',
    seed: () => functionDenied('app2-set-password', 'cognito-idp:AdminSetUserPassword'),
    noticedBy: ['provisioning/succeeds'],
  },
  { name: 'the group of service users is deleted', seed: groupGone, noticedBy: ['provisioning/succeeds'] },
  {
    name: "App2's key is disabled",
    seed: () => keyOff(outputs.app2.key_arn),
    noticedBy: ['provisioning/succeeds'],
  },
  {
    name: 'the authorizer knows another client',
    seed: () => variable('app2-authorizer', 'SERVICE_CLIENT_ID', 'another-client'),
    noticedBy: ['provisioning/signs-in'],
  },
  {
    name: 'the secret has credentials that nobody has',
    seed: secretStale,
    noticedBy: ['provisioning/machine-signs-in'],
  },
  {
    name: "App1's rule for notifications is off",
    seed: () => ruleOff(({ Name }) => Name === 'app1-notifications', outputs.app2.event_bus_name),
    noticedBy: ['notification/delivered'],
  },
  {
    name: "App2's rule on status changes is off",
    seed: () => ruleOff(onBadEnds(outputs.app2.state_machine_arn)),
    noticedBy: ['removal/stopped-creation'],
  },
  {
    name: "the rule to the log of App2's bus is off",
    seed: () => ruleOff(({ Name = '' }) => Name.endsWith('-every-event'), outputs.app2.event_bus_name),
    noticedBy: ['signals/events'],
  },
  {
    name: 'EventBridge may not write to the log of a bus',
    seed: () => logPolicyGone(outputs.app1.event_bus_name),
    noticedBy: ['signals/events'],
  },
];
