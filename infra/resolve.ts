import * as z from 'zod';
import type { Template } from './templates.ts';

/** Where a template is deployed, and with which parameters. */
export interface Place {
  partition: string;
  region: string;
  account: string;
  /** Values of the stack's parameters; one that is missing here has its default, or its own name. */
  parameters?: Record<string, string>;
}

/** A place of which nothing has to be true: for what is checked without an account. */
export const EXAMPLE_PLACE: Place = {
  partition: 'aws',
  region: 'eu-central-1',
  account: '111122223333',
  parameters: {
    App2ApiUrl: 'https://example.execute-api.eu-central-1.amazonaws.com/live/',
    App2KeyArn: 'arn:aws:kms:eu-central-1:111122223333:key/00000000-0000-0000-0000-000000000000',
    App2SecretArn: 'arn:aws:secretsmanager:eu-central-1:111122223333:secret:app2-AbCdEf',
  },
};

type Resource = Template['Resources'][string];

/** What stands after `arn:aws:` for a resource of this name. */
type Arn = (name: string, place: Place) => string;

const regional =
  (service: string, before = '', after = ''): Arn =>
  (name, { region, account }) =>
    `${service}:${region}:${account}:${before}${name}${after}`;

/**
 * How the ARNs and the values of `Ref` look, by type: what CloudFormation gives for a resource once it exists
 * (docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-template-resource-type-ref.html, "Return values").
 * `Ref` is an id that AWS makes up, unless it is said here.
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
    arn: (_name, place) => regional('kms', 'key/')('11111111-2222-3333-4444-555555555555', place),
  },
  'AWS::Lambda::Function': { arn: regional('lambda', 'function:'), ref: 'name' },
  'AWS::Logs::LogGroup': { arn: regional('logs', 'log-group:', ':*'), ref: 'name' },
  'AWS::S3::Bucket': { arn: (name) => `s3:::${name.toLowerCase()}`, ref: 'name' },
  'AWS::SecretsManager::Secret': { arn: regional('secretsmanager', 'secret:', '-AbCdEf'), ref: 'arn' },
  'AWS::SNS::Topic': { arn: regional('sns'), ref: 'arn' },
  'AWS::SQS::Queue': { arn: regional('sqs'), ref: 'name' },
  'AWS::StepFunctions::StateMachine': { arn: regional('states', 'stateMachine:'), ref: 'arn' },
};

/** The property that holds a resource's name, by type. */
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

/** The name that a template gives a resource, which nothing else in the account and region may have. */
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
 * Gives values of a template as they are once it is deployed: names and ARNs in place of `Ref`, `Fn::GetAtt`, `Fn::Join`
 * and the like. What AWS makes up (ids of pools, keys, APIs) is an example; names that CloudFormation makes up are the
 * logical ids.
 * @throws Error on a function or an attribute that it does not know
 */
export function resolver(template: Template, place: Place): (value: unknown) => unknown {
  const pseudo: Record<string, string> = {
    'AWS::Partition': place.partition,
    'AWS::Region': place.region,
    'AWS::AccountId': place.account,
    'AWS::URLSuffix': place.partition === 'aws-cn' ? 'amazonaws.com.cn' : 'amazonaws.com',
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
    return `arn:${place.partition}:${arn(nameOf(logicalId, resource), place)}`;
  }

  function reference(to: string): unknown {
    const known = pseudo[to] ?? place.parameters?.[to];
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
    // Both branches are deployed by somebody; the first is the one that has more in it.
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
