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
import type { ServiceKind } from '../../../contracts/services.ts';
import { busLog } from '../../../infra/names.ts';
import { present } from '../../local-aws/support/present.ts';
import { configuration, outputs, system } from './deployed.ts';

/**
 * Defects that a person can cause in an account with a correct deployment, each with its repair. They are seeded by calls
 * to AWS, as by hand.
 */

type Repair = () => Promise<unknown>;

const events = new EventBridgeClient(configuration);
const iam = new IAMClient(configuration);
const kms = new KMSClient(configuration);
const lambda = new LambdaClient(configuration);
const gateway = new APIGatewayClient(configuration);
const secrets = new SecretsManagerClient(configuration);
const logs = new CloudWatchLogsClient(configuration);
const { cognito } = system.clients;

/** Disables the one rule of a bus that meets a condition. */
async function disableRule(which: (rule: Rule) => boolean, EventBusName?: string): Promise<Repair> {
  const { Rules = [] } = await events.send(new ListRulesCommand({ EventBusName }));
  const found = Rules.filter(which);
  if (found.length !== 1) throw new Error(`${found.length} rules meet the condition, not one.`);
  const rule = { Name: found[0]?.Name, EventBusName };
  await events.send(new DisableRuleCommand(rule));
  return () => events.send(new EnableRuleCommand(rule));
}

const isRuleOnFailures =
  (stateMachineArn: string) =>
  ({ EventPattern = '' }: Rule) =>
    EventPattern.includes(stateMachineArn) &&
    EventPattern.includes('FAILED') &&
    !EventPattern.includes('wildcard');

/** Denies an action to a role by an inline policy. */
async function denyAction(roleArn: string | undefined, Action: string): Promise<Repair> {
  const policy = { RoleName: present(roleArn).split('/').at(-1), PolicyName: 'seeded-defect' };
  const PolicyDocument = JSON.stringify({
    Version: '2012-10-17',
    Statement: [{ Effect: 'Deny', Action, Resource: '*' }],
  });
  await iam.send(new PutRolePolicyCommand({ ...policy, PolicyDocument }));
  return () => iam.send(new DeleteRolePolicyCommand(policy));
}

async function denyActionToFunction(FunctionName: string, action: string): Promise<Repair> {
  const { Role } = await lambda.send(new GetFunctionConfigurationCommand({ FunctionName }));
  return denyAction(Role, action);
}

/** Sets an environment variable of a function. */
async function setVariable(FunctionName: string, name: string, value: string): Promise<Repair> {
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

/** Removes the permissions by which API Gateway invokes a function. */
async function removeGatewayPermission(FunctionName: string): Promise<Repair> {
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
async function deleteGatewayResponse(api: ServiceKind, responseType: 'UNAUTHORIZED'): Promise<Repair> {
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

/** Deletes the metric filter of a log group that counts a metric. */
async function deleteMetricFilter(logGroupName: string, metricName: string): Promise<Repair> {
  const { metricFilters = [] } = await logs.send(new DescribeMetricFiltersCommand({ logGroupName }));
  const found = metricFilters.find(({ metricTransformations = [] }) =>
    metricTransformations.some((transformation) => transformation.metricName === metricName),
  );
  const { filterName, filterPattern, metricTransformations } = present(found);
  await logs.send(new DeleteMetricFilterCommand({ logGroupName, filterName }));
  return () =>
    logs.send(new PutMetricFilterCommand({ logGroupName, filterName, filterPattern, metricTransformations }));
}

/** Deletes the resource policy by which EventBridge writes to the log of a bus. */
async function deleteLogPolicy(busName: string): Promise<Repair> {
  const { resourcePolicies = [] } = await logs.send(
    new DescribeResourcePoliciesCommand({ policyScope: 'RESOURCE' }),
  );
  const found = resourcePolicies.find(({ resourceArn = '' }) => resourceArn.includes(busLog(busName)));
  const { policyName, policyDocument, resourceArn, revisionId } = present(found);
  await logs.send(new DeleteResourcePolicyCommand({ resourceArn, expectedRevisionId: revisionId }));
  return () => logs.send(new PutResourcePolicyCommand({ policyName, policyDocument, resourceArn }));
}

/** Removes the statement for CloudWatch from the policy of a topic's key. */
async function denyKeyToCloudWatch(topicName: string): Promise<Repair> {
  const sns = new SNSClient(configuration);
  const { Topics = [] } = await sns.send(new ListTopicsCommand({}));
  const TopicArn = Topics.map((topic) => topic.TopicArn).find((arn) => arn?.endsWith(`:${topicName}`));
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

/** Puts a password into the secret that no machine user has. */
async function putStaleSecret(): Promise<Repair> {
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

async function deleteGroup(): Promise<Repair> {
  const group = { UserPoolId: outputs.app2.user_pool_id, GroupName: groups.serviceUser };
  await cognito.send(new DeleteGroupCommand(group));
  return () => cognito.send(new CreateGroupCommand(group));
}

async function disableKey(KeyId: string): Promise<Repair> {
  await kms.send(new DisableKeyCommand({ KeyId }));
  return () => kms.send(new EnableKeyCommand({ KeyId }));
}

export interface Defect {
  name: string;
  seed: () => Promise<Repair>;
  /** The checks that fail because of the defect; all others pass. */
  detectedBy: readonly string[];
}

/** Defects that affect different checks, so that one run detects all of them. */
export const independentDefects: readonly Defect[] = [
  {
    name: 'the schedule of a sweep is disabled',
    seed: () =>
      disableRule(
        ({ ScheduleExpression, Description = '' }) =>
          ScheduleExpression !== undefined && Description.includes('CreateServiceUser'),
      ),
    detectedBy: ['health/doctor'],
  },
  {
    name: 'API Gateway may not invoke a function',
    seed: () => removeGatewayPermission('app1-retry-provisioning'),
    detectedBy: ['provisioning/retry'],
  },
  {
    name: 'a gateway response is deleted',
    seed: () => deleteGatewayResponse('app2', 'UNAUTHORIZED'),
    detectedBy: ['refusals/invalid-token', 'refusals/no-token'],
  },
  {
    name: "App1's rule on status changes is disabled",
    seed: () => disableRule(isRuleOnFailures(outputs.app1.state_machine_arn)),
    detectedBy: ['health/doctor', 'removal/stopped-provisioning'],
  },
  {
    name: 'the log of a bus lacks a metric filter',
    seed: () => deleteMetricFilter(`/aws/events/${outputs.app1.event_bus_name}`, 'ProvisioningsFailed'),
    detectedBy: ['signals/metric-filters'],
  },
  {
    name: 'a function logs warnings only, and therefore no metrics',
    seed: () => setVariable('app2-set-password', 'POWERTOOLS_LOG_LEVEL', 'WARN'),
    detectedBy: ['signals/embedded-metrics'],
  },
  {
    name: 'the key of an alarm topic does not let CloudWatch use it',
    seed: () => denyKeyToCloudWatch('app1-alarms'),
    detectedBy: ['operations/alarms-of-app1'],
  },
];

/** Defects that make several checks fail; each run selects the checks that detect one of them. */
export const otherDefects: readonly Defect[] = [
  {
    name: "App1's state machine may not publish events",
    seed: async () => {
      const { state_machine_arn: stateMachineArn } = outputs.app1;
      const { roleArn } = await new SFNClient(configuration).send(
        new DescribeStateMachineCommand({ stateMachineArn }),
      );
      return denyAction(roleArn, 'events:PutEvents');
    },
    detectedBy: ['provisioning/succeeds'],
  },
  {
    name: 'a step lacks a permission',
    seed: () => denyActionToFunction('app2-set-password', 'cognito-idp:AdminSetUserPassword'),
    detectedBy: ['provisioning/succeeds'],
  },
  { name: 'the group of service users is deleted', seed: deleteGroup, detectedBy: ['provisioning/succeeds'] },
  {
    name: "App2's key is disabled",
    seed: () => disableKey(outputs.app2.key_arn),
    detectedBy: ['provisioning/succeeds'],
  },
  {
    name: 'the authorizer has the id of another client',
    seed: () => setVariable('app2-authorizer', 'SERVICE_CLIENT_ID', 'another-client'),
    detectedBy: ['provisioning/business-endpoint'],
  },
  {
    name: 'the secret contains credentials that no user has',
    seed: putStaleSecret,
    detectedBy: ['provisioning/machine-signs-in'],
  },
  {
    name: "App1's rule for notifications is disabled",
    seed: () => disableRule(({ Name }) => Name === 'app1-notifications', outputs.app2.event_bus_name),
    detectedBy: ['notification/delivered'],
  },
  {
    name: "App2's rule on status changes is disabled",
    seed: () => disableRule(isRuleOnFailures(outputs.app2.state_machine_arn)),
    detectedBy: ['removal/stopped-creation'],
  },
  {
    name: "the rule to the log of App2's bus is disabled",
    seed: () => disableRule(({ Name = '' }) => Name.endsWith('-every-event'), outputs.app2.event_bus_name),
    detectedBy: ['signals/events'],
  },
  {
    name: 'EventBridge may not write to the log of a bus',
    seed: () => deleteLogPolicy(outputs.app1.event_bus_name),
    detectedBy: ['signals/events'],
  },
];
