import * as z from 'zod';
import { formatTarget, parameterOf } from '../contracts/targets.ts';
import type { Template } from './templates.ts';

/** The environment (account and region) of a deployment, and its parameters. */
export interface DeploymentEnvironment {
  partition: string;
  region: string;
  account: string;
  /** Values of the stack's parameters. A missing one has its default or, without a default, its own name. */
  parameters?: Record<string, string>;
}

/** A Target string of an example. */
export const exampleTarget = (name: string, account: string): string =>
  formatTarget({
    name,
    api_url: 'https://example.execute-api.eu-central-1.amazonaws.com/live/',
    client_id: '1example23456789',
    key_arn: `arn:aws:kms:eu-central-1:${account}:key/00000000-0000-0000-0000-000000000000`,
    secret_arn: `arn:aws:secretsmanager:eu-central-1:${account}:secret:${name}-AbCdEf`,
    bus_arn: `arn:aws:events:eu-central-1:${account}:event-bus/${name}-service-users`,
    password_policy: '12:lowercase:uppercase:numbers:symbols',
    creations_per_second: '23.5',
  });

/** An example environment, for checks that need no AWS account. */
export const EXAMPLE_ENVIRONMENT: DeploymentEnvironment = {
  partition: 'aws',
  region: 'eu-central-1',
  account: '111122223333',
  parameters: Object.fromEntries(
    ['app2', 'payments', 'orders'].map((name) => [parameterOf(name), exampleTarget(name, '111122223333')]),
  ),
};

type Resource = Template['Resources'][string];

/** The ARN of a resource, without the prefix `arn:aws:`. */
type Arn = (name: string, environment: DeploymentEnvironment) => string;

const regional =
  (service: string, before = '', after = ''): Arn =>
  (name, { region, account }) =>
    `${service}:${region}:${account}:${before}${name}${after}`;

/**
 * The form of the ARN and of the value of `Ref`, by resource type
 * (docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-template-resource-type-ref.html, "Return values").
 * By default `Ref` is an id that AWS generates.
 */
const shapes: Record<string, { arn?: Arn; ref?: 'arn' | 'name' }> = {
  'AWS::CloudWatch::Alarm': { arn: regional('cloudwatch', 'alarm:'), ref: 'name' },
  'AWS::Cognito::UserPool': {
    arn: (_name, { region, account }) => `cognito-idp:${region}:${account}:userpool/${region}_Example`,
  },
  'AWS::DynamoDB::Table': { arn: regional('dynamodb', 'table/'), ref: 'name' },
  'AWS::Events::EventBus': { arn: regional('events', 'event-bus/'), ref: 'name' },
  'AWS::Events::Rule': { arn: regional('events', 'rule/'), ref: 'name' },
  'AWS::IAM::Role': { arn: (name, { account }) => `iam::${account}:role/${name}`, ref: 'name' },
  'AWS::KMS::Key': {
    arn: (_name, environment) => regional('kms', 'key/')('11111111-2222-3333-4444-555555555555', environment),
  },
  'AWS::Lambda::Function': { arn: regional('lambda', 'function:'), ref: 'name' },
  'AWS::Logs::LogGroup': { arn: regional('logs', 'log-group:', ':*'), ref: 'name' },
  'AWS::S3::Bucket': { arn: (name) => `s3:::${name.toLowerCase()}`, ref: 'name' },
  'AWS::SecretsManager::Secret': { arn: regional('secretsmanager', 'secret:', '-AbCdEf'), ref: 'arn' },
  'AWS::SNS::Topic': { arn: regional('sns'), ref: 'arn' },
  'AWS::SQS::Queue': { arn: regional('sqs'), ref: 'name' },
  'AWS::StepFunctions::StateMachine': { arn: regional('states', 'stateMachine:'), ref: 'arn' },
};

/** The property that contains a resource's name, by type. */
const nameProperties: Record<string, string> = {
  'AWS::ApiGateway::RestApi': 'Name',
  'AWS::AppConfig::Application': 'Name',
  'AWS::AppConfig::DeploymentStrategy': 'Name',
  'AWS::CloudWatch::Alarm': 'AlarmName',
  'AWS::CloudWatch::Dashboard': 'DashboardName',
  'AWS::Cognito::UserPool': 'UserPoolName',
  'AWS::DynamoDB::Table': 'TableName',
  'AWS::EventSchemas::Registry': 'RegistryName',
  'AWS::Events::Archive': 'ArchiveName',
  'AWS::Events::EventBus': 'Name',
  'AWS::Events::Rule': 'Name',
  'AWS::IAM::Role': 'RoleName',
  'AWS::KMS::Alias': 'AliasName',
  'AWS::Lambda::Function': 'FunctionName',
  'AWS::Logs::LogGroup': 'LogGroupName',
  'AWS::Logs::ResourcePolicy': 'PolicyName',
  'AWS::SecretsManager::Secret': 'Name',
  'AWS::SNS::Topic': 'TopicName',
  'AWS::SQS::Queue': 'QueueName',
  'AWS::StepFunctions::StateMachine': 'StateMachineName',
};

/** The fixed name of a resource in a template, unique per account and region; `undefined` without one. */
export function fixedName({ Type, Properties }: Resource): unknown {
  const property = nameProperties[Type];
  return property === undefined ? undefined : Properties[property];
}

const parameter = z.looseObject({ Default: z.unknown().optional() });
const attribute = z.tuple([z.string(), z.string()]);
const join = z.tuple([z.string(), z.array(z.unknown())]);
const select = z.tuple([z.coerce.number(), z.unknown()]);
const split = z.tuple([z.string(), z.unknown()]);
const strings = z.array(z.string());
const branches = z.tuple([z.string(), z.unknown(), z.unknown()]);
const named = z.record(z.string(), z.unknown());
const substitution = z.union([
  z.string().transform((text): [string, z.infer<typeof named>] => [text, {}]),
  z.tuple([z.string(), named]),
]);

/**
 * Returns a function that resolves values of a template: it replaces `Ref`, `Fn::GetAtt`, `Fn::Join` and the other intrinsic
 * functions by names and ARNs. Ids that AWS generates (of pools, keys, APIs) are examples; names that CloudFormation
 * generates are the logical ids.
 * @throws Error for an unknown intrinsic function or attribute
 */
export function resolver(
  template: Template,
  environment: DeploymentEnvironment,
): (value: unknown) => unknown {
  const pseudo: Record<string, string> = {
    'AWS::Partition': environment.partition,
    'AWS::Region': environment.region,
    'AWS::AccountId': environment.account,
    'AWS::URLSuffix': environment.partition === 'aws-cn' ? 'amazonaws.com.cn' : 'amazonaws.com',
    'AWS::StackName': 'Stack',
    'AWS::NoValue': '',
  };

  function nameOf(logicalId: string, resource: Resource): string {
    const name = fixedName(resource);
    return name === undefined ? logicalId : z.string().parse(resolve(name));
  }

  function arnOf(logicalId: string, resource: Resource): string {
    const arn = shapes[resource.Type]?.arn;
    if (arn === undefined) throw new Error(`The ARN of ${resource.Type} (${logicalId}) is not known.`);
    return `arn:${environment.partition}:${arn(nameOf(logicalId, resource), environment)}`;
  }

  function reference(to: string): unknown {
    const known = pseudo[to] ?? environment.parameters?.[to];
    if (known !== undefined) return known;
    if (to in template.Parameters) return parameter.parse(template.Parameters[to]).Default ?? to;
    const resource = template.Resources[to];
    if (resource === undefined) throw new Error(`There is no ${to} in the template.`);
    const form = shapes[resource.Type]?.ref;
    if (form === 'arn') return arnOf(to, resource);
    return form === 'name' ? nameOf(to, resource) : to;
  }

  function attributeOf(logicalId: string, name: string): string {
    const resource = template.Resources[logicalId];
    if (resource === undefined) throw new Error(`There is no ${logicalId} in the template.`);
    if (name === 'Arn' || name === 'TopicArn') return arnOf(logicalId, resource);
    if (name === 'Name' || name === 'QueueName' || name === 'FunctionName')
      return nameOf(logicalId, resource);
    return `${logicalId}.${name}`;
  }

  const functions: Record<string, (argument: unknown) => unknown> = {
    Ref: (to) => reference(z.string().parse(to)),
    'Fn::GetAtt': (argument) => attributeOf(...attribute.parse(argument)),
    'Fn::Join': (argument) => {
      const [between, parts] = join.parse(argument);
      return z.array(z.coerce.string()).parse(parts.map(resolve)).join(between);
    },
    'Fn::Select': (argument) => {
      const [index, list] = select.parse(argument);
      return strings.parse(resolve(list))[index] ?? '';
    },
    'Fn::Split': (argument) => {
      const [between, text] = split.parse(argument);
      return z.string().parse(resolve(text)).split(between);
    },
    // Uses the first branch, which has more resources in this system.
    'Fn::If': (argument) => resolve(branches.parse(argument)[1]),
    'Fn::Sub': (argument) => {
      const [text, values] = substitution.parse(argument);
      return text.replace(/\$\{([^!}][^}]*)\}/g, (_whole, to: string) => {
        const [logicalId = '', name] = to.split('.');
        if (to in values) return String(resolve(values[to]));
        return String(name === undefined ? reference(to) : attributeOf(logicalId, name));
      });
    },
  };

  function resolve(value: unknown): unknown {
    if (Array.isArray(value)) return value.map(resolve);
    if (typeof value !== 'object' || value === null) return value;
    const entries = Object.entries(value);
    const [only] = entries;
    if (only !== undefined && entries.length === 1) {
      const [name, argument] = only;
      const evaluate = functions[name];
      if (evaluate !== undefined) return evaluate(argument);
      if (name.startsWith('Fn::')) throw new Error(`${name} is not known.`);
    }
    return Object.fromEntries(entries.map(([key, one]) => [key, resolve(one)]));
  }

  return resolve;
}
