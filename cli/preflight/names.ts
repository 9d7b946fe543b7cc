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
import { describeStack, resourcesOf } from './stacks.ts';
import type { Target } from './target.ts';

/** Calls at once. */
const AT_ONCE = 6;

type Client = TargetEnvironment['client'];

interface Kind {
  /** Whether something of this name is there. @throws what AWS answers when it is not */
  look(client: Client, name: string, place: DeploymentEnvironment, bus: string | undefined): Promise<unknown>;
  /** The command that removes it. */
  remove(name: string): string;
}

/** Whether a list has something in it; the others say so by an error. */
const someOf = (list: readonly unknown[] | undefined): true => {
  if (list === undefined || list.length === 0) throw new NotThere();
  return true;
};
class NotThere extends Error {
  override readonly name = 'NotThere';
}

const arnIn = (
  { partition, region, account }: DeploymentEnvironment,
  service: string,
  resource: string,
): string => `arn:${partition}:${service}:${region}:${account}:${resource}`;

/** The kinds of resources whose names an account has only once in a region. */
const kinds: Record<string, Kind> = {
  'AWS::CloudWatch::Alarm': {
    look: async (client, name) => {
      const { MetricAlarms } = await client(CloudWatchClient).send(
        new DescribeAlarmsCommand({ AlarmNames: [name] }),
      );
      return someOf(MetricAlarms);
    },
    remove: (name) => `aws cloudwatch delete-alarms --alarm-names ${name}`,
  },
  'AWS::CloudWatch::Dashboard': {
    look: (client, DashboardName) =>
      client(CloudWatchClient).send(new GetDashboardCommand({ DashboardName })),
    remove: (name) => `aws cloudwatch delete-dashboards --dashboard-names ${name}`,
  },
  'AWS::DynamoDB::Table': {
    look: (client, TableName) => client(DynamoDBClient).send(new DescribeTableCommand({ TableName })),
    remove: (name) => `aws dynamodb delete-table --table-name ${name}`,
  },
  'AWS::Events::Archive': {
    look: (client, ArchiveName) =>
      client(EventBridgeClient).send(new DescribeArchiveCommand({ ArchiveName })),
    remove: (name) => `aws events delete-archive --archive-name ${name}`,
  },
  'AWS::Events::EventBus': {
    look: (client, Name) => client(EventBridgeClient).send(new DescribeEventBusCommand({ Name })),
    remove: (name) => `aws events delete-event-bus --name ${name}`,
  },
  'AWS::Events::Rule': {
    look: (client, Name, _place, EventBusName) =>
      client(EventBridgeClient).send(new DescribeRuleCommand({ Name, EventBusName })),
    remove: (name) => `aws events delete-rule --name ${name}, after its targets`,
  },
  'AWS::IAM::Role': {
    look: (client, RoleName) => client(IAMClient).send(new GetRoleCommand({ RoleName })),
    remove: (name) => `aws iam delete-role --role-name ${name}, after its policies`,
  },
  'AWS::KMS::Alias': {
    look: (client, KeyId) => client(KMSClient).send(new DescribeKeyCommand({ KeyId })),
    remove: (name) => `aws kms delete-alias --alias-name ${name}`,
  },
  'AWS::Lambda::Function': {
    look: (client, FunctionName) =>
      client(LambdaClient).send(new GetFunctionConfigurationCommand({ FunctionName })),
    remove: (name) => `aws lambda delete-function --function-name ${name}`,
  },
  'AWS::Logs::LogGroup': {
    look: async (client, name) => {
      const { logGroups = [] } = await client(CloudWatchLogsClient).send(
        new DescribeLogGroupsCommand({ logGroupNamePrefix: name }),
      );
      return someOf(logGroups.filter(({ logGroupName }) => logGroupName === name));
    },
    remove: (name) => `aws logs delete-log-group --log-group-name ${name}`,
  },
  'AWS::SecretsManager::Secret': {
    // Also one that is to be deleted: it keeps its name until then.
    look: (client, SecretId) => client(SecretsManagerClient).send(new DescribeSecretCommand({ SecretId })),
    remove: (name) => `aws secretsmanager delete-secret --force-delete-without-recovery --secret-id ${name}`,
  },
  'AWS::SNS::Topic': {
    look: (client, name, place) =>
      client(SNSClient).send(new GetTopicAttributesCommand({ TopicArn: arnIn(place, 'sns', name) })),
    remove: (name) => `aws sns delete-topic for ${name}`,
  },
  'AWS::SQS::Queue': {
    look: (client, QueueName) => client(SQSClient).send(new GetQueueUrlCommand({ QueueName })),
    remove: (name) => `aws sqs delete-queue for ${name}`,
  },
  'AWS::StepFunctions::StateMachine': {
    look: (client, name, place) =>
      client(SFNClient).send(
        new DescribeStateMachineCommand({ stateMachineArn: arnIn(place, 'states', `stateMachine:${name}`) }),
      ),
    remove: (name) => `aws stepfunctions delete-state-machine for ${name}, once nothing runs in it`,
  },
};

/** Kinds that an account may have many of under one name. */
const MANY = new Set([
  'AWS::ApiGateway::RestApi',
  'AWS::AppConfig::Application',
  'AWS::AppConfig::DeploymentStrategy',
  'AWS::Cognito::UserPool',
  // They are counted, and one of the same name is taken over (policy of logs, PutResourcePolicy).
  'AWS::Logs::ResourcePolicy',
]);

/** How AWS says that there is no such thing. */
const NOT_THERE = [
  'AWS.SimpleQueueService.NonExistentQueue',
  'DashboardNotFoundError',
  'NoSuchEntity',
  'NoSuchEntityException',
  'NotFound',
  'NotFoundException',
  'NotThere',
  'QueueDoesNotExist',
  'ResourceNotFound',
  'ResourceNotFoundException',
  'StateMachineDoesNotExist',
];

async function isThere(looking: Promise<unknown>): Promise<boolean> {
  try {
    await looking;
    return true;
  } catch (error) {
    if (error instanceof Error && NOT_THERE.includes(error.name)) return false;
    throw error;
  }
}

const busOf = z.looseObject({ EventBusName: z.string().optional() });

/**
 * Names of both stacks that something else has, perhaps what an earlier deployment left behind when it failed: a
 * resource of this name cannot be made.
 */
export async function nameFindings({ client, stacks, place }: Target): Promise<Finding[]> {
  const cloudFormation = client(CloudFormationClient);
  const limit = pLimit(AT_ONCE);
  const of = stacks.map(async ({ name: stack, template }): Promise<Finding[]> => {
    const own =
      (await describeStack(cloudFormation, stack)) === undefined
        ? new Set()
        : await resourcesOf(cloudFormation, stack);
    const resolve = resolver(template, place);
    const named = Object.entries(template.Resources).flatMap(([logicalId, resource]) => {
      const name = resolve(fixedName(resource));
      if (typeof name !== 'string' || MANY.has(resource.Type)) return [];
      const { data } = busOf.safeParse(resolve(resource.Properties));
      return [{ logicalId, type: resource.Type, name, bus: data?.EventBusName }];
    });
    const others = named.filter(({ logicalId }) => !own.has(logicalId));
    const taken = others.map(({ type, name, bus }) =>
      limit(async (): Promise<Finding[]> => {
        const kind = kinds[type];
        const what = `name ${name}`;
        if (kind === undefined)
          return [unchecked(what, `${type} is not looked for`, 'See whether there is one.')];
        if (!(await isThere(kind.look(client, name, place, bus)))) return [];
        const toDo = `If it was left by a deployment that failed, and holds nothing that you need: ${kind.remove(name)}`;
        return [missing(what, `taken by another ${type}`, 'free', toDo)];
      }),
    );
    const found = (await Promise.all(taken)).flat();
    return found.length > 0
      ? found
      : [
          ok(
            `names of ${stack}`,
            `${named.length - others.length} of its own, the others free`,
            `${named.length} names`,
          ),
        ];
  });
  return (await Promise.all(of)).flat();
}
