import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { CloudWatchClient, DescribeAlarmsCommand, GetDashboardCommand } from '@aws-sdk/client-cloudwatch';
import { CloudWatchLogsClient, DescribeLogGroupsCommand } from '@aws-sdk/client-cloudwatch-logs';
import { DescribeTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import {
  DescribeArchiveCommand,
  DescribeEventBusCommand,
  DescribeRuleCommand,
  EventBridgeClient,
} from '@aws-sdk/client-eventbridge';
import { GetRoleCommand, IAMClient } from '@aws-sdk/client-iam';
import { DescribeKeyCommand, KMSClient } from '@aws-sdk/client-kms';
import { GetFunctionConfigurationCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { DescribeSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { DescribeStateMachineCommand, SFNClient } from '@aws-sdk/client-sfn';
import { GetTopicAttributesCommand, SNSClient } from '@aws-sdk/client-sns';
import { GetQueueUrlCommand, SQSClient } from '@aws-sdk/client-sqs';
import pLimit from 'p-limit';
import * as z from 'zod';
import { type DeploymentEnvironment, fixedName, resolver } from '../../infra/resolve.ts';
import type { TargetEnvironment } from '../target-environment.ts';
import { type Finding, missing, ok, unchecked } from './finding.ts';
import type { Plan } from './plan.ts';
import { describeStack, resourcesOf } from './stacks.ts';

/** Concurrent calls. */
const AT_ONCE = 6;

type Client = TargetEnvironment['client'];

interface Kind {
  /** Reads the resource of this name. @throws the error of AWS when it does not exist */
  find(
    client: Client,
    name: string,
    environment: DeploymentEnvironment,
    bus: string | undefined,
  ): Promise<unknown>;
  /** The command that deletes it. */
  remove(name: string): string;
}

/** Throws for an empty list, as the other calls do for a resource that does not exist. */
const firstOf = (list: readonly unknown[] | undefined): true => {
  if (list === undefined || list.length === 0) throw new NotFound();
  return true;
};
class NotFound extends Error {
  override readonly name = 'NotFound';
}

const arnOf = (
  { partition, region, account }: DeploymentEnvironment,
  service: string,
  resource: string,
): string => `arn:${partition}:${service}:${region}:${account}:${resource}`;

/** The resource types whose names are unique in an account and region. */
const kinds: Record<string, Kind> = {
  'AWS::CloudWatch::Alarm': {
    find: async (client, name) => {
      const { MetricAlarms } = await client(CloudWatchClient).send(
        new DescribeAlarmsCommand({ AlarmNames: [name] }),
      );
      return firstOf(MetricAlarms);
    },
    remove: (name) => `aws cloudwatch delete-alarms --alarm-names ${name}`,
  },
  'AWS::CloudWatch::Dashboard': {
    find: (client, DashboardName) =>
      client(CloudWatchClient).send(new GetDashboardCommand({ DashboardName })),
    remove: (name) => `aws cloudwatch delete-dashboards --dashboard-names ${name}`,
  },
  'AWS::DynamoDB::Table': {
    find: (client, TableName) => client(DynamoDBClient).send(new DescribeTableCommand({ TableName })),
    remove: (name) => `aws dynamodb delete-table --table-name ${name}`,
  },
  'AWS::Events::Archive': {
    find: (client, ArchiveName) =>
      client(EventBridgeClient).send(new DescribeArchiveCommand({ ArchiveName })),
    remove: (name) => `aws events delete-archive --archive-name ${name}`,
  },
  'AWS::Events::EventBus': {
    find: (client, Name) => client(EventBridgeClient).send(new DescribeEventBusCommand({ Name })),
    remove: (name) => `aws events delete-event-bus --name ${name}`,
  },
  'AWS::Events::Rule': {
    find: (client, Name, _environment, EventBusName) =>
      client(EventBridgeClient).send(new DescribeRuleCommand({ Name, EventBusName })),
    remove: (name) => `aws events delete-rule --name ${name}, after its targets`,
  },
  'AWS::IAM::Role': {
    find: (client, RoleName) => client(IAMClient).send(new GetRoleCommand({ RoleName })),
    remove: (name) => `aws iam delete-role --role-name ${name}, after its policies`,
  },
  'AWS::KMS::Alias': {
    find: (client, KeyId) => client(KMSClient).send(new DescribeKeyCommand({ KeyId })),
    remove: (name) => `aws kms delete-alias --alias-name ${name}`,
  },
  'AWS::Lambda::Function': {
    find: (client, FunctionName) =>
      client(LambdaClient).send(new GetFunctionConfigurationCommand({ FunctionName })),
    remove: (name) => `aws lambda delete-function --function-name ${name}`,
  },
  'AWS::Logs::LogGroup': {
    find: async (client, name) => {
      const { logGroups = [] } = await client(CloudWatchLogsClient).send(
        new DescribeLogGroupsCommand({ logGroupNamePrefix: name }),
      );
      return firstOf(logGroups.filter(({ logGroupName }) => logGroupName === name));
    },
    remove: (name) => `aws logs delete-log-group --log-group-name ${name}`,
  },
  'AWS::SecretsManager::Secret': {
    // Also finds a secret that is scheduled for deletion: its name is in use until then.
    find: (client, SecretId) => client(SecretsManagerClient).send(new DescribeSecretCommand({ SecretId })),
    remove: (name) => `aws secretsmanager delete-secret --force-delete-without-recovery --secret-id ${name}`,
  },
  'AWS::SNS::Topic': {
    find: (client, name, environment) =>
      client(SNSClient).send(new GetTopicAttributesCommand({ TopicArn: arnOf(environment, 'sns', name) })),
    remove: (name) => `aws sns delete-topic for ${name}`,
  },
  'AWS::SQS::Queue': {
    find: (client, QueueName) => client(SQSClient).send(new GetQueueUrlCommand({ QueueName })),
    remove: (name) => `aws sqs delete-queue for ${name}`,
  },
  'AWS::StepFunctions::StateMachine': {
    find: (client, name, environment) =>
      client(SFNClient).send(
        new DescribeStateMachineCommand({
          stateMachineArn: arnOf(environment, 'states', `stateMachine:${name}`),
        }),
      ),
    remove: (name) =>
      `aws stepfunctions delete-state-machine for ${name}, when no execution of it is running`,
  },
};

/** Resource types whose names are not unique. */
const NOT_UNIQUE = new Set([
  'AWS::ApiGateway::RestApi',
  'AWS::AppConfig::Application',
  'AWS::AppConfig::DeploymentStrategy',
  'AWS::Cognito::UserPool',
  // PutResourcePolicy replaces a policy of the same name; logPolicyFinding counts them.
  'AWS::Logs::ResourcePolicy',
]);

/** Error names for a resource that does not exist. */
const NOT_FOUND = [
  'AWS.SimpleQueueService.NonExistentQueue',
  'DashboardNotFoundError',
  'NoSuchEntity',
  'NoSuchEntityException',
  'NotFound',
  'NotFoundException',
  'NotFound',
  'QueueDoesNotExist',
  'ResourceNotFound',
  'ResourceNotFoundException',
  'StateMachineDoesNotExist',
];

async function exists(search: Promise<unknown>): Promise<boolean> {
  try {
    await search;
    return true;
  } catch (error) {
    if (error instanceof Error && NOT_FOUND.includes(error.name)) return false;
    throw error;
  }
}

const busOf = z.looseObject({ EventBusName: z.string().optional() });

/**
 * Names of both stacks that another resource has, for example one that an earlier failed deployment left behind.
 * CloudFormation cannot create a resource of such a name.
 */
export async function nameFindings({ client, stacks, environment }: Plan): Promise<Finding[]> {
  const cloudFormation = client(CloudFormationClient);
  const limit = pLimit(AT_ONCE);
  const of = stacks.map(async ({ name: stack, template }): Promise<Finding[]> => {
    const own =
      (await describeStack(cloudFormation, stack)) === undefined
        ? new Set()
        : await resourcesOf(cloudFormation, stack);
    const resolve = resolver(template, environment);
    const named = Object.entries(template.Resources).flatMap(([logicalId, resource]) => {
      const name = resolve(fixedName(resource));
      if (typeof name !== 'string' || NOT_UNIQUE.has(resource.Type)) return [];
      const { data } = busOf.safeParse(resolve(resource.Properties));
      return [{ logicalId, type: resource.Type, name, bus: data?.EventBusName }];
    });
    const others = named.filter(({ logicalId }) => !own.has(logicalId));
    const conflicts = others.map(({ type, name, bus }) =>
      limit(async (): Promise<Finding[]> => {
        const kind = kinds[type];
        const what = `name ${name}`;
        if (kind === undefined)
          return [unchecked(what, `${type} is not checked`, 'Check whether it exists.')];
        if (!(await exists(kind.find(client, name, environment, bus)))) return [];
        const toDo = `If a failed deployment left it behind and you do not need its content: ${kind.remove(name)}`;
        return [missing(what, `in use by another ${type}`, 'free', toDo)];
      }),
    );
    const found = (await Promise.all(conflicts)).flat();
    return found.length > 0
      ? found
      : [
          ok(
            `names of ${stack}`,
            `${named.length - others.length} of this stack, the others free`,
            `${named.length} names`,
          ),
        ];
  });
  return (await Promise.all(of)).flat();
}
