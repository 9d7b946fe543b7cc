import { APIGatewayClient, GetStageCommand } from '@aws-sdk/client-api-gateway';
import {
  CloudFormationClient,
  CreateStackCommand,
  DeleteStackCommand,
  DescribeStacksCommand,
  UpdateStackCommand,
  UpdateTerminationProtectionCommand,
} from '@aws-sdk/client-cloudformation';
import { CloudWatchClient, PutDashboardCommand } from '@aws-sdk/client-cloudwatch';
import {
  AdminCreateUserCommand,
  AdminGetUserCommand,
  CognitoIdentityProviderClient,
  DescribeUserPoolClientCommand,
} from '@aws-sdk/client-cognito-identity-provider';
import {
  DescribeArchiveCommand,
  DescribeEventBusCommand,
  EventBridgeClient,
  PutEventsCommand,
} from '@aws-sdk/client-eventbridge';
import { GetRoleCommand, IAMClient } from '@aws-sdk/client-iam';
import { AddPermissionCommand, GetFunctionConfigurationCommand, LambdaClient } from '@aws-sdk/client-lambda';
import {
  DescribeSecretCommand,
  GetResourcePolicyCommand,
  GetSecretValueCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { DescribeStateMachineCommand, SFNClient } from '@aws-sdk/client-sfn';
import { GetTopicAttributesCommand, SNSClient } from '@aws-sdk/client-sns';
import { ListQueuesCommand, SQSClient } from '@aws-sdk/client-sqs';
import { describe, expect, it } from '@jest/globals';
import { account, client, endpoint, region, root } from './support/clients.ts';
import { eventually } from './support/eventually.ts';
import { createFunction } from './support/functions.ts';
import { invocationLogs } from './support/logs.ts';
import { present } from './support/present.ts';
import { createRole } from './support/roles.ts';
import { createStack, createStackThatFails, deleteStack, updateStack } from './support/stacks.ts';
import { unique } from './support/unique.ts';

const cloudFormation = client(CloudFormationClient);
const secrets = client(SecretsManagerClient);
const cognito = client(CognitoIdentityProviderClient);
const events = client(EventBridgeClient);

describe('unchanged: CloudFormation stacks', () => {
  // AWSCloudFormation/latest/UserGuide/parameters-section-structure and outputs-section-structure
  it('resolves parameters, references and attributes', async () => {
    const stack = await createStack({
      Parameters: { Greeting: { Type: 'String', Default: 'hello' } },
      Resources: { Queue: { Type: 'AWS::SQS::Queue', Properties: { QueueName: unique('queue') } } },
      Outputs: {
        Text: { Value: { 'Fn::Join': [' from ', [{ Ref: 'Greeting' }, { Ref: 'AWS::Region' }]] } },
        Arn: { Value: { 'Fn::GetAtt': ['Queue', 'Arn'] } },
      },
    });

    expect(stack.outputs).toEqual({
      Text: `hello from ${region}`,
      Arn: expect.stringMatching(`^arn:aws:sqs:${region}:${account}:queue-`),
    });
  });

  // AWSCloudFormation/latest/APIReference/API_UpdateStack
  it('reports that there are no updates for an unchanged template', async () => {
    const template = { Resources: { Topic: { Type: 'AWS::SNS::Topic' } } };
    const stack = await createStack(template);

    await expect(updateStack(stack, template)).rejects.toMatchObject({
      name: 'ValidationError',
      message: 'No updates are to be performed.',
    });
  });

  // AWSCloudFormation/latest/UserGuide/aws-attribute-deletionpolicy
  it('retains resources with the policy Retain', async () => {
    const retained = unique('retained');
    const secret = (Name: string) => ({ Type: 'AWS::SecretsManager::Secret', Properties: { Name } });
    const deleted = unique('deleted');
    const stack = await createStack({
      Resources: { Kept: { ...secret(retained), DeletionPolicy: 'Retain' }, Gone: secret(deleted) },
    });

    await deleteStack(stack);
    const read = (SecretId: string) => secrets.send(new DescribeSecretCommand({ SecretId }));

    await expect(read(retained)).resolves.toMatchObject({ Name: retained });
    await expect(read(deleted)).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
  });
});

describe('unchanged: CloudFormation custom resources', () => {
  // AWSCloudFormation/latest/UserGuide/template-custom-resources-lambda
  it('are created, updated and deleted by a function', async () => {
    const ServiceToken = await createFunction(customResource);
    const template = (Colour: string) => ({
      Resources: { Machine: { Type: 'Custom::MachineUser', Properties: { ServiceToken, Colour, Count: 1 } } },
      Outputs: {
        Ref: { Value: { Ref: 'Machine' } },
        Answer: { Value: { 'Fn::GetAtt': ['Machine', 'Answer'] } },
      },
    });
    const stack = await createStack(template('red'));

    expect(stack.outputs).toEqual({ Ref: 'machine-1', Answer: 'made red' });
    expect((await updateStack(stack, template('blue'))).outputs).toEqual({
      Ref: 'machine-1',
      Answer: 'made blue',
    });

    await deleteStack(stack);
    const requests = (await invocationLogs(ServiceToken)).map(([line]) => JSON.parse(present(line)));

    expect(requests).toMatchObject([
      { RequestType: 'Create', ResourceProperties: { Colour: 'red', Count: '1' } },
      {
        RequestType: 'Update',
        PhysicalResourceId: 'machine-1',
        OldResourceProperties: { Colour: 'red' },
        ResourceProperties: { Colour: 'blue' },
      },
      { RequestType: 'Delete', PhysicalResourceId: 'machine-1' },
    ]);
  });

  // AWSCloudFormation/latest/UserGuide/crpg-ref-responses and stack-failure-options
  it('fail the stack with their reason, and the stack is rolled back', async () => {
    const ServiceToken = await createFunction(customResource);
    const Name = unique('bus');
    const attempt = createStack({
      Resources: {
        Bus: { Type: 'AWS::Events::EventBus', Properties: { Name } },
        Machine: {
          Type: 'Custom::MachineUser',
          DependsOn: 'Bus',
          Properties: { ServiceToken, Colour: 'none' },
        },
      },
    });

    await expect(attempt).rejects.toThrow(/ROLLBACK_COMPLETE.*no such colour/);

    const bus = events.send(new DescribeEventBusCommand({ Name }));

    await expect(bus).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
  });
});

describe('unchanged: CloudFormation and Cognito', () => {
  // AWSCloudFormation/latest/UserGuide/aws-resource-cognito-userpool: an update keeps the users
  it('updates a pool in place', async () => {
    const template = (MinimumLength: number) => ({
      Resources: pool({ Policies: { PasswordPolicy: { MinimumLength } } }),
      Outputs: { Pool: { Value: { Ref: 'Pool' } } },
    });
    const stack = await createStack(template(12));
    const user = { UserPoolId: stack.outputs['Pool'], Username: 'ada' };
    await cognito.send(new AdminCreateUserCommand({ ...user, MessageAction: 'SUPPRESS' }));

    expect((await updateStack(stack, template(14))).outputs).toEqual(stack.outputs);
    await expect(cognito.send(new AdminGetUserCommand(user))).resolves.toMatchObject({
      Username: 'ada',
    });
  });

  // AWSCloudFormation/latest/UserGuide/aws-resource-cognito-userpoolclient (GenerateSecret)
  it('creates clients with and without a secret', async () => {
    const app = (GenerateSecret: boolean) => ({
      Type: 'AWS::Cognito::UserPoolClient',
      Properties: {
        UserPoolId: { Ref: 'Pool' },
        GenerateSecret,
        ExplicitAuthFlows: ['ALLOW_USER_PASSWORD_AUTH'],
      },
    });
    const { outputs } = await createStack({
      Resources: { ...pool(), Machine: app(true), Service: app(false) },
      Outputs: {
        Pool: { Value: { Ref: 'Pool' } },
        Machine: { Value: { Ref: 'Machine' } },
        Service: { Value: { Ref: 'Service' } },
      },
    });
    const secretOf = async (ClientId: string | undefined) => {
      const described = await cognito.send(
        new DescribeUserPoolClientCommand({ UserPoolId: outputs['Pool'], ClientId }),
      );
      return described.UserPoolClient?.ClientSecret;
    };

    expect(await secretOf(outputs['Machine'])).toMatch(/^\S{40,}$/);
    expect(await secretOf(outputs['Service'])).toBeUndefined();
  });
});

describe('corrected: CloudFormation stacks', () => {
  // AWSCloudFormation/latest/APIReference/API_DescribeStacks: how long an answer takes is not said
  it('are described after their operation has finished, because clients poll every few seconds', async () => {
    const ServiceToken = await createFunction(customResource);
    const StackName = unique('stack');
    const TemplateBody = JSON.stringify({
      Resources: { Machine: { Type: 'Custom::MachineUser', Properties: { ServiceToken, Colour: 'red' } } },
    });
    await cloudFormation.send(new CreateStackCommand({ StackName, TemplateBody }));
    const { Stacks } = await cloudFormation.send(new DescribeStacksCommand({ StackName }));

    expect(Stacks).toMatchObject([{ StackName, StackStatus: 'CREATE_COMPLETE' }]);
  });
});

describe('unchanged: CloudFormation creations that fail', () => {
  // AWSCloudFormation/latest/UserGuide/aws-attribute-deletionpolicy
  it('delete their resources, except those with the policy Retain', async () => {
    const [kept, exception] = [unique('kept'), unique('exception')];
    const queue = (QueueName: string, DeletionPolicy: string) => ({
      Type: 'AWS::SQS::Queue',
      DeletionPolicy,
      Properties: { QueueName },
    });
    const stack = await createStackThatFails({
      Kept: queue(kept, 'Retain'),
      Exception: queue(exception, 'RetainExceptOnCreate'),
    });
    const { QueueUrls = [] } = await client(SQSClient).send(new ListQueuesCommand({}));

    expect(stack.status).toBe('ROLLBACK_COMPLETE');
    expect(QueueUrls.filter((url) => [kept, exception].some((name) => url.endsWith(name)))).toEqual([
      expect.stringContaining(kept),
    ]);
  });

  // AWSCloudFormation/latest/UserGuide/troubleshooting (ROLLBACK_COMPLETE), using-cfn-protect-stacks
  it('leave a stack that must be deleted first, which termination protection prevents', async () => {
    const { name: StackName } = await createStackThatFails({ Topic: { Type: 'AWS::SNS::Topic' } });
    const TemplateBody = JSON.stringify({ Resources: { Topic: { Type: 'AWS::SNS::Topic' } } });

    await expect(
      cloudFormation.send(new UpdateStackCommand({ StackName, TemplateBody })),
    ).rejects.toMatchObject({ name: 'ValidationError' });

    await cloudFormation.send(
      new UpdateTerminationProtectionCommand({ StackName, EnableTerminationProtection: true }),
    );

    await expect(cloudFormation.send(new DeleteStackCommand({ StackName }))).rejects.toThrow(
      'TerminationProtection is enabled',
    );
  });
});

describe('corrected: CloudFormation and existing names', () => {
  const rule = { EventPattern: { source: ['test'] } };
  const machine = async () => ({
    RoleArn: await createRole({ Service: 'states.amazonaws.com' }, []),
    DefinitionString: '{"StartAt":"Done","States":{"Done":{"Type":"Succeed"}}}',
  });
  const alarm = {
    Namespace: 'Test',
    MetricName: 'Test',
    Statistic: 'Sum',
    Period: 60,
    EvaluationPeriods: 1,
    Threshold: 1,
    ComparisonOperator: 'GreaterThanThreshold',
  };
  const table = {
    BillingMode: 'PAY_PER_REQUEST',
    KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
    AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
  };
  const code = async () => ({
    Runtime: 'nodejs24.x',
    Handler: 'index.handler',
    Role: await createRole({ Service: 'lambda.amazonaws.com' }, []),
    Code: { ZipFile: 'exports.handler = async () => undefined' },
  });

  // cloudformation-cli/latest/userguide/resource-type-test-contract-errors (AlreadyExists)
  it.each([
    ['AWS::CloudWatch::Alarm', 'AlarmName', alarm],
    ['AWS::CloudWatch::Dashboard', 'DashboardName', { DashboardBody: '{"widgets":[]}' }],
    ['AWS::DynamoDB::Table', 'TableName', table],
    ['AWS::Events::Rule', 'Name', rule],
    ['AWS::Lambda::Function', 'FunctionName', code],
    ['AWS::Logs::LogGroup', 'LogGroupName', {}],
    ['AWS::SNS::Topic', 'TopicName', {}],
    ['AWS::SQS::Queue', 'QueueName', {}],
    ['AWS::SecretsManager::Secret', 'Name', {}],
    ['AWS::StepFunctions::StateMachine', 'StateMachineName', machine],
  ] as const)('creates no second %s', async (Type, name, given) => {
    const others = typeof given === 'function' ? await given() : given;
    const first = { Type, Properties: { ...others, [name]: unique('taken') } };
    await createStack({ Resources: { First: first } });

    await expect(createStack({ Resources: { Second: first } })).rejects.toThrow(/already exists/);
  });

  // AmazonCloudWatch/latest/monitoring/CloudWatch_Dashboards
  it('creates no dashboard whose name exists in another region', async () => {
    const dashboard = {
      Type: 'AWS::CloudWatch::Dashboard',
      Properties: { DashboardName: unique('global'), DashboardBody: '{"widgets":[]}' },
    };
    const elsewhere = new CloudWatchClient({ endpoint, region: 'eu-west-3', credentials: root });
    await elsewhere.send(new PutDashboardCommand(dashboard.Properties));

    await expect(createStack({ Resources: { Dashboard: dashboard } })).rejects.toThrow(/already exists/);
  });
});

describe('corrected: CloudFormation and custom resources', () => {
  // AWSCloudFormation/latest/UserGuide/cfn-lambda-function-code-cfnresponsemodule
  it.each(['text/plain;charset=UTF-8', 'application/json'])(
    'accepts a response without a content type only: not %s',
    async (Type) => {
      const ServiceToken = await createFunction(customResource);
      await createStack({
        Resources: {
          Machine: { Type: 'Custom::MachineUser', Properties: { ServiceToken, Colour: 'red', Type } },
        },
      });

      expect((await invocationLogs(ServiceToken)).flat().join()).toContain('type 403');
    },
  );
});

describe('corrected: CloudFormation and Cognito', () => {
  // AWSCloudFormation/latest/UserGuide/aws-resource-cognito-userpool (return values)
  it("returns the issuer of a pool's tokens", async () => {
    const { outputs } = await createStack({
      Resources: pool(),
      Outputs: {
        Pool: { Value: { Ref: 'Pool' } },
        Issuer: { Value: { 'Fn::GetAtt': ['Pool', 'ProviderURL'] } },
      },
    });

    expect(outputs['Issuer']).toBe(`https://cognito-idp.${region}.amazonaws.com/${outputs['Pool']}`);
  });
});

describe('corrected: CloudFormation and roles', () => {
  const role = (properties: object = {}) => ({
    Resources: {
      Role: {
        Type: 'AWS::IAM::Role',
        Properties: {
          AssumeRolePolicyDocument: {
            Version: '2012-10-17',
            Statement: [
              { Effect: 'Allow', Action: 'sts:AssumeRole', Principal: { Service: 'lambda.amazonaws.com' } },
            ],
          },
          ...properties,
        },
      },
    },
    Outputs: { Name: { Value: { Ref: 'Role' } } },
  });

  // AWSCloudFormation/latest/UserGuide/aws-resource-iam-role (PermissionsBoundary)
  it('sets and removes their permissions boundary', async () => {
    const PermissionsBoundary = 'arn:aws:iam::aws:policy/ReadOnlyAccess';
    const stack = await createStack(role({ PermissionsBoundary }));
    const boundary = async () => {
      const { Role } = await client(IAMClient).send(new GetRoleCommand({ RoleName: stack.outputs['Name'] }));
      return Role?.PermissionsBoundary?.PermissionsBoundaryArn;
    };

    expect(await boundary()).toBe(PermissionsBoundary);

    await updateStack(stack, role());

    expect(await boundary()).toBeUndefined();
  });

  // AWSCloudFormation/latest/UserGuide/aws-properties-name
  it('generates other names in another region', async () => {
    const stack = await createStack(role());
    const elsewhere = new CloudFormationClient({ endpoint, region: 'eu-west-3', credentials: root });
    const TemplateBody = JSON.stringify(role());
    const Capabilities = ['CAPABILITY_IAM' as const];

    await elsewhere.send(new CreateStackCommand({ StackName: stack.name, TemplateBody, Capabilities }));
    const { Stacks } = await elsewhere.send(new DescribeStacksCommand({ StackName: stack.name }));

    expect(Stacks?.[0]?.StackStatus).toBe('CREATE_COMPLETE');
    expect(Stacks?.[0]?.Outputs?.[0]?.OutputValue).not.toBe(stack.outputs['Name']);
  });
});

describe('corrected: CloudFormation and protected user pools', () => {
  // AWSCloudFormation/latest/UserGuide/aws-resource-cognito-userpool (DeletionProtection)
  it('cannot be deleted in a roll-back', async () => {
    const stack = await createStackThatFails(pool({ DeletionProtection: 'ACTIVE' }));

    expect(stack.status).toBe('ROLLBACK_FAILED');
  });
});

describe('corrected: CloudFormation and Secrets Manager', () => {
  const secret = (Name: string, properties: object) => ({
    Resources: { Secret: { Type: 'AWS::SecretsManager::Secret', Properties: { Name, ...properties } } },
    Outputs: { Ref: { Value: { Ref: 'Secret' } } },
  });

  // AWSCloudFormation/latest/UserGuide/aws-resource-secretsmanager-secret (return values)
  it('references a secret by its ARN, also in an update and a deletion', async () => {
    const Name = unique('secret');
    const stack = await createStack(secret(Name, { SecretString: 'one' }));
    const SecretId = present(stack.outputs['Ref']);

    expect(SecretId).toMatch(/^arn:aws:secretsmanager:.*:secret:secret-\w+-\w{6}$/);

    const changed = await updateStack(stack, secret(Name, { SecretString: 'two' }));

    expect(changed.outputs).toEqual(stack.outputs);

    const read = () => secrets.send(new GetSecretValueCommand({ SecretId }));

    expect(await read()).toMatchObject({ SecretString: 'two' });

    await deleteStack(stack);

    await expect(read()).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
  });

  // AWSCloudFormation/latest/UserGuide/aws-properties-secretsmanager-secret-generatesecretstring
  it('generates a password by the given rules, in the given template', async () => {
    const { outputs } = await createStack(
      secret(unique('secret'), {
        GenerateSecretString: {
          SecretStringTemplate: '{"username":"app1"}',
          GenerateStringKey: 'password',
          PasswordLength: 40,
          ExcludePunctuation: true,
          ExcludeUppercase: true,
        },
      }),
    );
    const { SecretString } = await secrets.send(new GetSecretValueCommand({ SecretId: outputs['Ref'] }));

    expect(JSON.parse(present(SecretString))).toEqual({
      username: 'app1',
      password: expect.stringMatching(/^(?=.*\d)(?=.*[a-z])[a-z\d]{40}$/),
    });
  });

  // AWSCloudFormation/latest/UserGuide/aws-resource-secretsmanager-rotationschedule
  it.each([true, false])(
    'sets a rotation, which starts at once or not: %s',
    async (RotateImmediatelyOnUpdate) => {
      const RotationLambdaARN = await createFunction(
        'exports.handler = async (event) => console.log(event.Step)',
      );
      await client(LambdaClient).send(
        new AddPermissionCommand({
          FunctionName: RotationLambdaARN,
          StatementId: 'rotation',
          Action: 'lambda:InvokeFunction',
          Principal: 'secretsmanager.amazonaws.com',
        }),
      );
      const { Resources, Outputs } = secret(unique('secret'), { SecretString: 'one' });
      const SecretId = { Ref: 'Secret' };
      const Rotation = {
        Type: 'AWS::SecretsManager::RotationSchedule',
        Properties: {
          SecretId,
          RotationLambdaARN,
          RotationRules: { AutomaticallyAfterDays: 30 },
          RotateImmediatelyOnUpdate,
        },
      };

      const { outputs } = await createStack({ Resources: { ...Resources, Rotation }, Outputs });

      expect(await secrets.send(new DescribeSecretCommand({ SecretId: outputs['Ref'] }))).toMatchObject({
        RotationEnabled: true,
        RotationLambdaARN,
        RotationRules: { AutomaticallyAfterDays: 30 },
      });
      if (RotateImmediatelyOnUpdate)
        await eventually(async () => expect(await invocationLogs(RotationLambdaARN)).toHaveLength(4));
      else expect(await invocationLogs(RotationLambdaARN).catch(() => [])).toEqual([]);
    },
  );
});

describe('corrected: CloudFormation and the policy of a secret', () => {
  // AWSCloudFormation/latest/UserGuide/aws-resource-secretsmanager-resourcepolicy
  it('creates, updates and deletes the policy', async () => {
    const policy = (Action: string) => ({
      Version: '2012-10-17',
      Statement: [{ Effect: 'Allow', Principal: { AWS: '111122223333' }, Action, Resource: '*' }],
    });
    const template = (action?: string) => ({
      Resources: {
        Secret: { Type: 'AWS::SecretsManager::Secret', Properties: { SecretString: 'treasure' } },
        ...(action === undefined
          ? {}
          : {
              Policy: {
                Type: 'AWS::SecretsManager::ResourcePolicy',
                Properties: { SecretId: { Ref: 'Secret' }, ResourcePolicy: policy(action) },
              },
            }),
      },
      Outputs: { Arn: { Value: { Ref: 'Secret' } } },
    });
    const stack = await createStack(template('secretsmanager:DescribeSecret'));
    const policyOf = async () => {
      const SecretId = stack.outputs['Arn'];
      const { ResourcePolicy } = await secrets.send(new GetResourcePolicyCommand({ SecretId }));
      return ResourcePolicy === undefined ? undefined : JSON.parse(ResourcePolicy);
    };

    expect(await policyOf()).toEqual(policy('secretsmanager:DescribeSecret'));

    await updateStack(stack, template('secretsmanager:GetSecretValue'));

    expect(await policyOf()).toEqual(policy('secretsmanager:GetSecretValue'));

    await updateStack(stack, template());

    expect(await policyOf()).toBeUndefined();
  });
});

describe('corrected: CloudFormation and EventBridge', () => {
  // AWSCloudFormation/latest/UserGuide/aws-resource-events-archive
  it('creates, updates and deletes an archive', async () => {
    const [bus, ArchiveName] = [unique('bus'), unique('archive')];
    const template = (RetentionDays: number) => ({
      Resources: {
        Bus: { Type: 'AWS::Events::EventBus', Properties: { Name: bus } },
        Archive: {
          Type: 'AWS::Events::Archive',
          Properties: {
            ArchiveName,
            SourceArn: { 'Fn::GetAtt': ['Bus', 'Arn'] },
            EventPattern: { source: ['test.wanted'] },
            RetentionDays,
          },
        },
      },
      Outputs: { Arn: { Value: { 'Fn::GetAtt': ['Archive', 'Arn'] } }, Ref: { Value: { Ref: 'Archive' } } },
    });
    const stack = await createStack(template(1));

    expect(stack.outputs).toEqual({
      Arn: `arn:aws:events:${region}:${account}:archive/${ArchiveName}`,
      Ref: ArchiveName,
    });

    const Entries = ['test.wanted', 'test.other'].map((Source) => ({
      EventBusName: bus,
      Source,
      DetailType: 'Thing Done',
      Detail: '{}',
    }));
    await events.send(new PutEventsCommand({ Entries }));
    await updateStack(stack, template(2));
    const archive = () => events.send(new DescribeArchiveCommand({ ArchiveName }));

    await eventually(async () => expect(await archive()).toMatchObject({ EventCount: 1, RetentionDays: 2 }));

    await deleteStack(stack);

    await expect(archive()).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
  });

  // AWSCloudFormation/latest/UserGuide/aws-resource-events-eventbuspolicy
  it('gives a bus a policy', async () => {
    const Name = unique('bus');
    const Statement = {
      Effect: 'Allow',
      Principal: { AWS: '111122223333' },
      Action: 'events:PutEvents',
      Resource: '*',
    };
    await createStack({
      Resources: {
        Bus: { Type: 'AWS::Events::EventBus', Properties: { Name } },
        Policy: {
          Type: 'AWS::Events::EventBusPolicy',
          Properties: { EventBusName: { Ref: 'Bus' }, StatementId: 'guests', Statement },
        },
      },
    });
    const { Policy } = await events.send(new DescribeEventBusCommand({ Name }));

    expect(JSON.parse(present(Policy))).toMatchObject({ Statement: [{ Sid: 'guests', ...Statement }] });
  });
});

describe('corrected: CloudFormation and Lambda', () => {
  // AWSCloudFormation/latest/UserGuide/aws-properties-lambda-function-deadletterconfig
  it('sets the dead-letter queue of a function', async () => {
    const { outputs } = await createStack({
      Resources: {
        Queue: { Type: 'AWS::SQS::Queue' },
        Function: {
          Type: 'AWS::Lambda::Function',
          Properties: {
            Runtime: 'nodejs24.x',
            Handler: 'index.handler',
            Role: await createRole({ Service: 'lambda.amazonaws.com' }, []),
            Code: { ZipFile: 'exports.handler = async () => undefined' },
            DeadLetterConfig: { TargetArn: { 'Fn::GetAtt': ['Queue', 'Arn'] } },
          },
        },
      },
      Outputs: { Name: { Value: { Ref: 'Function' } }, Arn: { Value: { 'Fn::GetAtt': ['Queue', 'Arn'] } } },
    });
    const { DeadLetterConfig } = await client(LambdaClient).send(
      new GetFunctionConfigurationCommand({ FunctionName: outputs['Name'] }),
    );

    expect(DeadLetterConfig).toEqual({ TargetArn: outputs['Arn'] });
  });
});

describe('corrected: CloudFormation and logs', () => {
  // AWSCloudFormation/latest/UserGuide/aws-properties-stepfunctions-statemachine-loggingconfiguration
  it('sets the logging of a state machine', async () => {
    const logGroupArn = `arn:aws:logs:${region}:${account}:log-group:/aws/vendedlogs/states/x:*`;
    const { outputs } = await createStack({
      Resources: {
        Machine: {
          Type: 'AWS::StepFunctions::StateMachine',
          Properties: {
            RoleArn: await createRole({ Service: 'states.amazonaws.com' }, []),
            DefinitionString: '{"StartAt":"Done","States":{"Done":{"Type":"Succeed"}}}',
            LoggingConfiguration: {
              Level: 'ALL',
              IncludeExecutionData: false,
              Destinations: [{ CloudWatchLogsLogGroup: { LogGroupArn: logGroupArn } }],
            },
          },
        },
      },
      Outputs: { Arn: { Value: { Ref: 'Machine' } } },
    });
    const machine = await client(SFNClient).send(
      new DescribeStateMachineCommand({ stateMachineArn: outputs['Arn'] }),
    );

    expect(machine.loggingConfiguration).toEqual({
      level: 'ALL',
      includeExecutionData: false,
      destinations: [{ cloudWatchLogsLogGroup: { logGroupArn } }],
    });
  });

  // AWSCloudFormation/latest/UserGuide/aws-resource-sns-topic (KmsMasterKeyId)
  it('sets the key of a topic', async () => {
    const { outputs } = await createStack({
      Resources: {
        Key: {
          Type: 'AWS::KMS::Key',
          Properties: { KeyPolicy: { Version: '2012-10-17', Statement: [] } },
        },
        Topic: {
          Type: 'AWS::SNS::Topic',
          Properties: { KmsMasterKeyId: { 'Fn::GetAtt': ['Key', 'Arn'] } },
        },
      },
      Outputs: { Topic: { Value: { Ref: 'Topic' } }, Key: { Value: { 'Fn::GetAtt': ['Key', 'Arn'] } } },
    });
    const { Attributes } = await client(SNSClient).send(
      new GetTopicAttributesCommand({ TopicArn: outputs['Topic'] }),
    );

    expect(Attributes).toMatchObject({ KmsMasterKeyId: outputs['Key'] });
  });

  // AWSCloudFormation/latest/UserGuide/aws-properties-apigateway-stage-accesslogsetting
  it('sets the access log of an API', async () => {
    const RestApiId = { Ref: 'Api' };
    const DestinationArn = `arn:aws:logs:${region}:${account}:log-group:access`;
    const { outputs } = await createStack({
      Resources: {
        Api: { Type: 'AWS::ApiGateway::RestApi', Properties: { Name: unique('api') } },
        Method: {
          Type: 'AWS::ApiGateway::Method',
          Properties: {
            RestApiId,
            ResourceId: { 'Fn::GetAtt': ['Api', 'RootResourceId'] },
            HttpMethod: 'GET',
            AuthorizationType: 'NONE',
            Integration: { Type: 'MOCK' },
          },
        },
        Deployment: { Type: 'AWS::ApiGateway::Deployment', DependsOn: ['Method'], Properties: { RestApiId } },
        Stage: {
          Type: 'AWS::ApiGateway::Stage',
          Properties: {
            RestApiId,
            DeploymentId: { Ref: 'Deployment' },
            StageName: 'v1',
            AccessLogSetting: { DestinationArn, Format: '$context.requestId' },
          },
        },
      },
      Outputs: { Api: { Value: RestApiId } },
    });
    const stage = await client(APIGatewayClient).send(
      new GetStageCommand({ restApiId: outputs['Api'], stageName: 'v1' }),
    );

    expect(stage.accessLogSettings).toEqual({ destinationArn: DestinationArn, format: '$context.requestId' });
  });
});

/** Logs each request, and sends the response that CloudFormation requires to the given URL. */
const customResource = `
exports.handler = async ({ ResponseURL, ...request }) => {
  console.log(JSON.stringify(request));
  const { RequestId, StackId, LogicalResourceId, ResourceProperties } = request;
  const reply = { RequestId, StackId, LogicalResourceId, PhysicalResourceId: 'machine-1' };
  const known = ResourceProperties.Colour !== 'none';
  const result = known
    ? { Status: 'SUCCESS', Data: { Answer: 'made ' + ResourceProperties.Colour } }
    : { Status: 'FAILED', Reason: 'no such colour' };
  const send = (type) =>
    fetch(ResponseURL, { method: 'PUT', headers: { 'content-type': type }, body: JSON.stringify({ ...reply, ...result }) });
  if (ResourceProperties.Type !== undefined) console.log('type ' + (await send(ResourceProperties.Type)).status);
  await send('');
};`;

function pool(properties: object = {}) {
  return {
    Pool: { Type: 'AWS::Cognito::UserPool', Properties: { UserPoolName: unique('pool'), ...properties } },
  };
}
