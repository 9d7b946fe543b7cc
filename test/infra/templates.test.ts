import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { ResponseType } from 'aws-cdk-lib/aws-apigateway';
import * as z from 'zod';
import type { UserCreationInput } from '../../contracts/executions.ts';
import { passwordPolicyText } from '../../contracts/password-policy.ts';
import { problem, problems } from '../../contracts/problems.ts';
import type { ServiceKind } from '../../contracts/services.ts';
import { serviceKinds } from '../../contracts/services.ts';
import { timeLimits } from '../../contracts/time-limits.ts';
import { app1Names, targetNames } from '../../infra/names.ts';
import { defaultPasswordPolicy } from '../../infra/settings.ts';
import { templates } from '../../infra/templates.ts';
import { permissions, resources } from '../support/resources.ts';
import { ENCRYPTED, subject } from '../support/subject.ts';

const app2Names = targetNames('app2');
const buses = { app1: app1Names.bus, app2: app2Names.bus };
const aws = templates({ environment: 'aws' });
const local = templates({ environment: 'local' });
const twoAccounts = templates({ app1_account: '111122223333' });
const sweeps = { app1: 'app1-sweep-provisionings', app2: 'app2-sweep-user-creations' } as const;

const keyPolicy = z.looseObject({
  KeyPolicy: z.looseObject({ Statement: z.array(z.looseObject({ Principal: z.unknown() })) }),
});

/** Every type of gateway response that API Gateway has. */
const gatewayResponseTypes = Object.values(ResponseType).flatMap((type) =>
  type instanceof ResponseType ? [type.responseType] : [],
);

const gatewayResponse = z.object({
  ResponseType: z.string(),
  StatusCode: z.string(),
  ResponseParameters: z.record(z.string(), z.string()),
  ResponseTemplates: z.strictObject({ 'application/json': z.string() }),
});

/** Types that must outlive an accidental deletion of the stack: data, keys, and state machines with their executions. */
const KEPT = [
  'AWS::Cognito::UserPool',
  'AWS::KMS::Key',
  'AWS::SecretsManager::Secret',
  'AWS::StepFunctions::StateMachine',
  'AWS::Events::EventBus',
  'AWS::Events::Archive',
  'AWS::Logs::LogGroup',
];

/** The bus of notifications, which has no archive and forwards hints only. */
const HOLDS_NOTHING = 'NotificationsBus';

describe.each(serviceKinds)('the stack of %s', (service) => {
  it('retains stateful resources on AWS, and nothing on the local AWS', () => {
    for (const type of KEPT) {
      const kept = resources(aws[service], type).filter(([id]) => !id.startsWith(HOLDS_NOTHING));
      for (const [, { DeletionPolicy }] of kept)
        expect(['Retain', 'RetainExceptOnCreate']).toContain(DeletionPolicy);
      const removed = resources(local[service], type).filter(([id]) => !id.startsWith(HOLDS_NOTHING));
      for (const [, { DeletionPolicy }] of removed) expect(DeletionPolicy).toBe('Delete');
    }
    expect(resources(aws[service], 'AWS::StepFunctions::StateMachine').length).toBeGreaterThan(0);
  });

  it('does not reference the other stack', () => {
    const text = JSON.stringify(aws[service]);

    expect(text).not.toContain('Fn::ImportValue');
    expect(Object.values(aws[service].Outputs).filter((output) => 'Export' in output)).toEqual([]);
  });

  it('gives each function a log group with a retention', () => {
    const groups = resources(aws[service], 'AWS::Logs::LogGroup').map(([, { Properties }]) => Properties);
    const functions = resources(aws[service], 'AWS::Lambda::Function').map(
      ([, { Properties }]) => Properties,
    );

    expect(groups.map((group) => group['RetentionInDays'])).toEqual(groups.map(() => 90));
    for (const { FunctionName } of functions)
      expect(groups).toContainEqual(expect.objectContaining({ LogGroupName: `/aws/lambda/${FunctionName}` }));
  });

  it('gives all functions the same runtime and memory', () => {
    for (const [, { Properties }] of resources(aws[service], 'AWS::Lambda::Function'))
      expect(Properties).toMatchObject({
        Runtime: 'nodejs24.x',
        Architectures: ['arm64'],
        Handler: 'index.handler',
      });
  });

  it('rotates each symmetric key', () => {
    for (const [, { Properties }] of resources(aws[service], 'AWS::KMS::Key'))
      expect(Properties['KeySpec'] === 'HMAC_256' || Properties['EnableKeyRotation'] === true).toBe(true);
  });

  it('logs state machines without execution data, and encrypts them with no customer managed key', () => {
    for (const [, { Properties }] of resources(aws[service], 'AWS::StepFunctions::StateMachine')) {
      expect(Properties).toMatchObject({
        LoggingConfiguration: { IncludeExecutionData: false, Level: 'ALL' },
      });
      expect(Properties).not.toHaveProperty('EncryptionConfiguration');
    }
  });

  it('requires authorization on every route', () => {
    for (const [, { Properties }] of resources(aws[service], 'AWS::ApiGateway::Method'))
      expect(Properties['AuthorizationType']).toBe(service === 'app1' ? 'AWS_IAM' : 'CUSTOM');
    expect(resources(aws[service], 'AWS::ApiGateway::Method').length).toBeGreaterThan(1);
  });

  it('limits the rate of all callers of its API together', () => {
    const [[, stage] = []] = resources(aws[service], 'AWS::ApiGateway::Stage');

    expect(stage?.Properties['MethodSettings']).toEqual([
      expect.objectContaining({
        HttpMethod: '*',
        ResourcePath: '/*',
        ThrottlingRateLimit: 100,
        ThrottlingBurstLimit: 500,
      }),
    ]);
  });

  it('returns constant texts for errors of API Gateway', () => {
    const answers = resources(aws[service], 'AWS::ApiGateway::GatewayResponse');

    expect(answers.length).toBe(gatewayResponseTypes.length);
    for (const [, { Properties }] of answers)
      expect(JSON.stringify(Properties)).not.toMatch(/\$context|\$input|method\.request/);
  });

  it.each(gatewayResponseTypes)('returns a problem for %s of API Gateway', (type) => {
    const answers = resources(aws[service], 'AWS::ApiGateway::GatewayResponse')
      .map(([, { Properties }]) => gatewayResponse.parse(Properties))
      .filter(({ ResponseType }) => ResponseType === type);

    expect(answers).toHaveLength(1);
    for (const { ResponseParameters, ResponseTemplates, StatusCode } of answers) {
      const body = problem.parse(JSON.parse(ResponseTemplates['application/json']));
      expect(String(body.status)).toBe(StatusCode);
      expect(problems[body.code].status).toBe(body.status);
      expect(ResponseParameters).toMatchObject({
        'gatewayresponse.header.Content-Type': "'application/problem+json'",
        'gatewayresponse.header.Cache-Control': "'no-store'",
      });
    }
  });

  it('sets Retry-After for errors that can be retried', () => {
    const retryAfterByType = Object.fromEntries(
      resources(aws[service], 'AWS::ApiGateway::GatewayResponse').map(([, { Properties }]) => [
        String(Properties['ResponseType']),
        JSON.stringify(Properties).match(/"gatewayresponse.header.Retry-After":"'(\d+)'"/)?.[1],
      ]),
    );

    expect(Object.keys(retryAfterByType).filter((type) => retryAfterByType[type] !== undefined)).toEqual([
      'THROTTLED',
      'QUOTA_EXCEEDED',
      'INTEGRATION_FAILURE',
      'INTEGRATION_TIMEOUT',
    ]);
    expect(retryAfterByType['THROTTLED']).toBe('1');
  });

  it('accepts messages over TLS only, and encrypts them', () => {
    const queues = resources(aws[service], 'AWS::SQS::Queue');

    expect(queues.length).toBeGreaterThan(0);
    for (const [id, { Properties }] of queues) {
      expect(Properties).toMatchObject({ SqsManagedSseEnabled: true });
      const policies = resources(aws[service], 'AWS::SQS::QueuePolicy')
        .map(([, { Properties: policy }]) => JSON.stringify(policy))
        .filter((policy) => policy.includes(`{"Ref":"${id}"}`));
      expect(policies.join('')).toContain(
        '"Condition":{"Bool":{"aws:SecureTransport":"false"}},"Effect":"Deny"',
      );
    }
  });

  it('has a dead-letter queue for each rule', () => {
    const rules = resources(aws[service], 'AWS::Events::Rule');

    expect(rules.length).toBeGreaterThan(2);
    for (const [, { Properties }] of rules)
      expect(Properties['Targets']).toEqual([
        expect.objectContaining({ DeadLetterConfig: { Arn: expect.anything() } }),
      ]);
  });

  it('has an on-failure destination for each function that EventBridge invokes', () => {
    const called = resources(aws[service], 'AWS::Events::Rule')
      .map(([, { Properties }]) => JSON.stringify(Properties['Targets']))
      .join('');
    const functions = resources(aws[service], 'AWS::Lambda::Function').filter(([id]) =>
      called.includes(`{"Fn::GetAtt":["${id}","Arn"]}`),
    );
    const destinations = resources(aws[service], 'AWS::Lambda::EventInvokeConfig').map(
      ([, { Properties }]) => Properties,
    );
    const [queue] = resources(aws[service], 'AWS::SQS::Queue').map(([id]) => id);

    expect(functions).toHaveLength(3);
    expect(destinations).toHaveLength(3);
    for (const [id, { Properties }] of functions) {
      expect(destinations).toContainEqual(
        expect.objectContaining({
          FunctionName: { Ref: id },
          DestinationConfig: { OnFailure: { Destination: { 'Fn::GetAtt': [queue, 'Arn'] } } },
        }),
      );
      // A dead-letter queue would receive the event a second time, without the name of the function.
      expect(Properties).not.toHaveProperty('DeadLetterConfig');
    }
  });

  it.each([
    [
      'the dead-letter queue contains a message',
      `${service}-dead-letter-queue`,
      'dead-letter-queue',
      'notBreaching',
    ],
    [
      'the bus or its rule to the log is broken',
      `${buses[service]}-broken`,
      'events-not-published',
      'ignore',
    ],
  ])('raises an alarm that names its runbook when %s', (_what, name, runbook, missing) => {
    const alarm = resources(aws[service], 'AWS::CloudWatch::Alarm').find(
      ([, { Properties }]) => Properties['AlarmName'] === name,
    );

    expect(alarm?.[1].Properties).toMatchObject({
      Threshold: 1,
      ComparisonOperator: 'GreaterThanOrEqualToThreshold',
      TreatMissingData: missing,
      AlarmDescription: expect.stringContaining(`docs/runbooks/${runbook}.md`),
    });
    expect(existsSync(join(import.meta.dirname, '..', '..', 'docs', 'runbooks', `${runbook}.md`))).toBe(true);
  });

  it('monitors its bus by the metric of the sweep', () => {
    const alarm = resources(aws[service], 'AWS::CloudWatch::Alarm').find(
      ([, { Properties }]) => Properties['MetricName'] === 'AuditBusBroken',
    );

    expect(alarm?.[1].Properties).toMatchObject({
      Namespace: 'CrossServiceProvisioning',
      Dimensions: [{ Name: 'service', Value: sweeps[service] }],
    });
    expect(
      resources(aws[service], 'AWS::Lambda::Function').map(
        ([, { Properties }]) => Properties['FunctionName'],
      ),
    ).toContain(sweeps[service]);
  });

  it('contains no secret', () => {
    const text = JSON.stringify(aws[service]);

    expect(text).not.toMatch(/"(SecretString|ClientSecret|Password)"/);
    expect(text).not.toMatch(/AKIA[A-Z0-9]{16}|BEGIN (RSA )?PRIVATE KEY/);
  });
});

describe('names', () => {
  it('are those of infra/names.ts', () => {
    const named = (service: ServiceKind, type: string, property: string) =>
      resources(aws[service], type).map(([, { Properties }]) => Properties[property]);

    expect(named('app1', 'AWS::StepFunctions::StateMachine', 'StateMachineName')).toEqual([
      app1Names.provisionServiceUser,
      app1Names.rollBackProvisioning,
    ]);
    expect(named('app2', 'AWS::StepFunctions::StateMachine', 'StateMachineName')).toEqual([
      app2Names.createServiceUser,
      app2Names.rollBackServiceUser,
    ]);
    expect(named('app1', 'AWS::Events::EventBus', 'Name')).toEqual([app1Names.bus, 'app1-notifications']);
    expect(named('app2', 'AWS::Events::EventBus', 'Name')).toEqual([app2Names.bus]);
    expect(named('app1', 'AWS::KMS::Alias', 'AliasName')).toEqual([app1Names.intakeKeyAlias]);
    expect(named('app2', 'AWS::KMS::Alias', 'AliasName')).toEqual([app2Names.crossServiceKeyAlias]);
    expect(named('app2', 'AWS::SecretsManager::Secret', 'Name')).toEqual([app2Names.credentialsSecret]);
  });

  it("of App1's parameter for App2 is an output of App2", () => {
    expect(Object.keys(aws.app1.Parameters)).toContain('TargetApp2');
    expect(Object.keys(aws.app2.Outputs)).toContain('Target');
  });

  it('contain the policy of the pool', () => {
    const { Value } = aws.app2.Outputs['PasswordPolicy'] ?? {};

    expect(passwordPolicyText.parse(Value)).toEqual(defaultPasswordPolicy);
  });
});

describe('the settings of the pool', () => {
  const { app2 } = templates({
    password_minimum_length: '20',
    password_characters: 'lowercase,numbers',
    api_client_group: 'machines',
    service_user_group: 'robots',
  });
  const policy = {
    minimum_length: 20,
    require_lowercase: true,
    require_uppercase: false,
    require_numbers: true,
    require_symbols: false,
  };
  const variables = (name: string): unknown =>
    resources(app2, 'AWS::Lambda::Function').find(
      ([, { Properties }]) => Properties['FunctionName'] === name,
    )?.[1].Properties['Environment'];

  it('set the password policy of the pool, of the function that checks it, and of the output for App1', () => {
    expect(resources(app2, 'AWS::Cognito::UserPool')[0]?.[1].Properties).toMatchObject({
      Policies: {
        PasswordPolicy: {
          MinimumLength: 20,
          RequireLowercase: true,
          RequireUppercase: false,
          RequireNumbers: true,
          RequireSymbols: false,
        },
      },
    });
    expect(variables('app2-decrypt-credentials')).toMatchObject({
      Variables: { PASSWORD_POLICY: JSON.stringify(policy) },
    });
    expect(passwordPolicyText.parse(app2.Outputs['PasswordPolicy']?.['Value'])).toEqual(policy);
  });

  it('set the names of the groups, also in the environments of functions', () => {
    const expectVariables = (name: string, expected: object) =>
      expect(variables(name)).toMatchObject({ Variables: expected });

    expect(
      resources(app2, 'AWS::Cognito::UserPoolGroup').map(([, { Properties }]) => Properties['GroupName']),
    ).toEqual(['machines', 'robots', 'owner-app1']);
    expectVariables('app2-authorizer', { API_CLIENT_GROUP: 'machines', SERVICE_USER_GROUP: 'robots' });
    for (const name of ['app2-issue-machine-user', 'app2-rotate-machine-user'])
      expectVariables(name, { API_CLIENT_GROUP: 'machines' });
    for (const name of ['app2-add-to-group', 'app2-get-user-creation'])
      expectVariables(name, { SERVICE_USER_GROUP: 'robots' });
    expect(resources(app2, 'Custom::MachineUser')[0]?.[1].Properties).toMatchObject({ Group: 'machines' });
    expect(app2.Outputs['ServiceUserGroup']?.['Value']).toBe('robots');
  });

  it('leave no other name of a group in the templates', () => {
    expect(JSON.stringify(app2)).not.toMatch(/"(api-client|service-user)"/);
  });
});

describe('the user pool', () => {
  const pool = resources(aws.app2, 'AWS::Cognito::UserPool')[0]?.[1].Properties;

  it('has immutable stamps', () => {
    expect(pool).toMatchObject({
      Schema: [
        { Name: 'provisioning_id', Mutable: false },
        { Name: 'creation_id', Mutable: false },
        { Name: 'human_user_id', Mutable: false },
        { Name: 'owner', Mutable: false },
        { Name: 'on_behalf_of', Mutable: false },
      ],
    });
  });

  it('has clients without write access to stamps and with short-lived tokens', () => {
    const clients = resources(aws.app2, 'AWS::Cognito::UserPoolClient').map(
      ([, { Properties }]) => Properties,
    );

    expect(clients.map((client) => client['GenerateSecret'])).toEqual([true, false]);
    for (const client of clients)
      expect(client).toMatchObject({
        WriteAttributes: ['locale'],
        AccessTokenValidity: 15,
        PreventUserExistenceErrors: 'ENABLED',
        ExplicitAuthFlows: ['ALLOW_USER_PASSWORD_AUTH'],
      });
  });

  it('disables sign-up, has the password policy of DecryptCredentials, and is protected on AWS only', () => {
    expect(pool).toMatchObject({
      AdminCreateUserConfig: { AllowAdminCreateUserOnly: true },
      DeletionProtection: 'ACTIVE',
      Policies: { PasswordPolicy: { MinimumLength: defaultPasswordPolicy.minimum_length } },
    });
    expect(resources(local.app2, 'AWS::Cognito::UserPool')[0]?.[1].Properties['DeletionProtection']).not.toBe(
      'ACTIVE',
    );
  });
});

it('the machine credentials are rotated every 30 days', () => {
  const schedules = resources(aws.app2, 'AWS::SecretsManager::RotationSchedule');

  expect(schedules.map(([, { Properties }]) => Properties['RotationRules'])).toEqual([
    { AutomaticallyAfterDays: 30 },
  ]);
});

describe('permissions', () => {
  const log = ['logs:CreateLogStream', 'logs:PutLogEvents'];
  const trace = ['xray:PutTelemetryRecords', 'xray:PutTraceSegments'];
  const SWEEP = [
    'dynamodb:BatchGetItem',
    'dynamodb:GetItem',
    'dynamodb:PutItem',
    'events:DescribeEventBus',
    'events:DescribeRule',
    'sqs:SendMessage',
    'states:DescribeExecution',
    'states:ListExecutions',
    'states:StartExecution',
  ];
  const WATCH = ['dynamodb:PutItem', 'sqs:SendMessage', 'states:DescribeExecution', 'states:StartExecution'];
  const actionsOf = (template: (typeof aws)['app1']) =>
    Object.fromEntries(
      Object.entries(permissions(template)).map(([name, statements]) => [
        name,
        statements
          .flatMap(({ Action }) => Action)
          .filter((action) => ![...log, ...trace].includes(action))
          .sort(),
      ]),
    );

  it("of App1's functions are exactly these", () => {
    expect(actionsOf(aws.app1)).toEqual({
      'app1-call-target': [
        'dynamodb:UpdateItem',
        'kms:Decrypt',
        'kms:Decrypt',
        'kms:Encrypt',
        'secretsmanager:GetSecretValue',
        'sqs:SendMessage',
        'states:SendTaskFailure',
        'states:SendTaskSuccess',
      ],
      'app1-cancel-provisioning': [
        'dynamodb:UpdateItem',
        'states:DescribeExecution',
        'states:StartExecution',
      ],
      'app1-encrypt-credentials': ['kms:ReEncryptFrom', 'kms:ReEncryptTo'],
      'app1-retry-provisioning': [
        'dynamodb:GetItem',
        'dynamodb:UpdateItem',
        'kms:GenerateMac',
        'kms:ReEncryptFrom',
        'kms:ReEncryptTo',
        'states:DescribeExecution',
        'states:StartExecution',
      ],
      'app1-start-provisioning': [
        'dynamodb:GetItem',
        'dynamodb:UpdateItem',
        'kms:Encrypt',
        'kms:GenerateMac',
        'states:DescribeExecution',
        'states:StartExecution',
      ],
      'app1-get-provisioning': [
        'dynamodb:GetItem',
        'dynamodb:UpdateItem',
        'lambda:InvokeFunction',
        'states:DescribeExecution',
        'states:GetExecutionHistory',
      ],
      'app1-start-roll-back': WATCH,
      'app1-stop-provisioning': [
        'states:DescribeExecution',
        'states:GetExecutionHistory',
        'states:StopExecution',
      ],
      'app1-sweep-provisionings': SWEEP,
    });
  });

  it("of App2's functions are exactly these", () => {
    expect(actionsOf(aws.app2)).toEqual({
      'app2-add-to-group': ['cognito-idp:AdminAddUserToGroup', 'dynamodb:UpdateItem'],
      'app2-notify-completion': ['events:PutEvents', 'sqs:SendMessage'],
      'app2-authorizer': [],
      'app2-cancel-user-creation': [
        'cognito-idp:AdminGetUser',
        'states:DescribeExecution',
        'states:StartExecution',
      ],
      'app2-create-user': [
        'cognito-idp:AdminCreateUser',
        'cognito-idp:AdminGetUser',
        'states:DescribeExecution',
      ],
      'app2-decrypt-credentials': [
        'dynamodb:GetItem',
        'dynamodb:PutItem',
        'dynamodb:UpdateItem',
        'kms:Decrypt',
      ],
      'app2-delete-user': ['cognito-idp:AdminDeleteUser', 'cognito-idp:AdminGetUser'],
      'app2-get-user-creation': [
        'cognito-idp:AdminGetUser',
        'cognito-idp:AdminListGroupsForUser',
        'states:DescribeExecution',
        'states:GetExecutionHistory',
      ],
      'app2-issue-machine-user': [
        'cognito-idp:AdminAddUserToGroup',
        'cognito-idp:AdminCreateUser',
        'cognito-idp:AdminDeleteUser',
        'cognito-idp:AdminGetUser',
        'cognito-idp:AdminSetUserPassword',
        'cognito-idp:DescribeUserPoolClient',
        'secretsmanager:GetSecretValue',
        'secretsmanager:PutSecretValue',
      ],
      'app2-revoke-machine-credentials': [
        'cognito-idp:AdminDeleteUser',
        'cognito-idp:AdminDisableUser',
        'cognito-idp:ListUsersInGroup',
        'lambda:InvokeFunction',
        'secretsmanager:DescribeSecret',
        'secretsmanager:GetSecretValue',
        'secretsmanager:RotateSecret',
        'secretsmanager:UpdateSecretVersionStage',
      ],
      'app2-start-roll-back': WATCH,
      'app2-rotate-machine-user': [
        'cognito-idp:AdminAddUserToGroup',
        'cognito-idp:AdminCreateUser',
        'cognito-idp:AdminDeleteUser',
        'cognito-idp:AdminDisableUser',
        'cognito-idp:AdminSetUserPassword',
        'cognito-idp:DescribeUserPoolClient',
        'cognito-idp:ListUsersInGroup',
        'events:PutEvents',
        'secretsmanager:DescribeSecret',
        'secretsmanager:GetSecretValue',
        'secretsmanager:PutSecretValue',
        'secretsmanager:UpdateSecretVersionStage',
      ],
      'app2-sample': [],
      'app2-set-password': ['cognito-idp:AdminSetUserPassword', 'kms:Decrypt'],
      'app2-start-user-creation': [
        'dynamodb:GetItem',
        'dynamodb:UpdateItem',
        'states:DescribeExecution',
        'states:StartExecution',
      ],
      'app2-stop-user-creation': [
        'dynamodb:DeleteItem',
        'dynamodb:UpdateItem',
        'states:DescribeExecution',
        'states:StopExecution',
      ],
      'app2-sweep-user-creations': SWEEP,
    });
  });

  it.each([
    ['app1', 'app1-cancel-provisioning', 'states:StartExecution', [app1Names.rollBackProvisioning]],
    ['app1', 'app1-start-roll-back', 'states:StartExecution', [app1Names.rollBackProvisioning]],
    ['app1', 'app1-sweep-provisionings', 'states:StartExecution', [app1Names.rollBackProvisioning]],
    ['app1', 'app1-start-provisioning', 'states:StartExecution', [app1Names.provisionServiceUser]],
    ['app1', 'app1-retry-provisioning', 'states:StartExecution', [app1Names.provisionServiceUser]],
    ['app1', 'app1-call-target', 'states:SendTaskSuccess', [app1Names.provisionServiceUser]],
    ['app1', 'app1-call-target', 'states:SendTaskFailure', [app1Names.provisionServiceUser]],
    ['app1', 'app1-stop-provisioning', 'states:StopExecution', [app1Names.provisionServiceUser]],
    [
      'app2',
      'app2-cancel-user-creation',
      'states:StartExecution',
      [app2Names.createServiceUser, app2Names.rollBackServiceUser],
    ],
    ['app2', 'app2-start-roll-back', 'states:StartExecution', [app2Names.rollBackServiceUser]],
    ['app2', 'app2-sweep-user-creations', 'states:StartExecution', [app2Names.rollBackServiceUser]],
    ['app2', 'app2-start-user-creation', 'states:StartExecution', [app2Names.createServiceUser]],
    ['app2', 'app2-stop-user-creation', 'states:StopExecution', [app2Names.createServiceUser]],
  ] as const)('of %s: %s has %s on %j', (service, functionName, action, machines) => {
    const reached = (permissions(aws[service])[functionName] ?? [])
      .filter(({ Action }) => Action.includes(action))
      .flatMap(
        ({ Resource }) => JSON.stringify(Resource).match(/(?<=:(stateMachine|execution):)[\w-]+/g) ?? [],
      );

    expect(reached.sort()).toEqual([...machines].sort());
  });

  it('name their resources, and keys only with the encryption context of the service', () => {
    for (const statement of serviceKinds.flatMap((service) =>
      Object.values(permissions(aws[service])).flat(),
    )) {
      expect(statement).toMatchObject({ Effect: 'Allow' });
      if (statement.Action.some((action) => trace.includes(action))) {
        expect([...statement.Action].sort()).toEqual(trace);
        continue;
      }
      expect([statement.Resource].flat()).not.toContain('*');
      const isForSecret = JSON.stringify(statement.Condition)?.includes('kms:ViaService') === true;
      if (!isForSecret && statement.Action.some((action) => /^kms:(Encrypt|Decrypt|ReEncrypt)/.test(action)))
        expect(statement.Condition).toEqual({
          StringEquals: { 'kms:EncryptionContext:target': expect.stringMatching(/^(app[12]|task-token)$/) },
        });
    }
  });
});

describe.each([
  {
    service: 'app1',
    machine: app1Names.provisionServiceUser,
    rollBack: 'app1-start-roll-back',
    sweep: 'app1-sweep-provisionings',
  },
  {
    service: 'app2',
    machine: app2Names.createServiceUser,
    rollBack: 'app2-start-roll-back',
    sweep: 'app2-sweep-user-creations',
  },
] as const)('the roll-back watch of $service', ({ service, machine, rollBack, sweep }) => {
  const template = aws[service];
  const idOf = (type: string, property: string, value: string) =>
    resources(template, type).find(([, { Properties }]) => Properties[property] === value)?.[0];
  const arnOf = (functionName: string) => ({
    'Fn::GetAtt': [idOf('AWS::Lambda::Function', 'FunctionName', functionName), 'Arn'],
  });
  /** The only rule that invokes a function. */
  const ruleOf = (functionName: string) => {
    const matching = resources(template, 'AWS::Events::Rule').filter(([, { Properties }]) =>
      JSON.stringify(Properties['Targets']).includes(JSON.stringify(arnOf(functionName))),
    );
    expect(matching).toHaveLength(1);
    const [[id, { Properties }] = ['none', { Properties: {} }]] = matching;
    return { id, Properties };
  };

  it('receives the failed executions of its own state machine only', () => {
    const { Properties } = ruleOf(rollBack);

    expect(Properties).toMatchObject({
      State: 'ENABLED',
      EventPattern: {
        source: ['aws.states'],
        'detail-type': ['Step Functions Execution Status Change'],
        detail: {
          stateMachineArn: [{ Ref: idOf('AWS::StepFunctions::StateMachine', 'StateMachineName', machine) }],
          status: ['FAILED', 'TIMED_OUT', 'ABORTED'],
        },
      },
    });
    // AWS publishes its own events on the default bus only.
    expect(Properties).not.toHaveProperty('EventBusName');
  });

  it('sweeps every five minutes', () => {
    expect(ruleOf(sweep).Properties).toMatchObject({
      State: 'ENABLED',
      ScheduleExpression: 'rate(5 minutes)',
    });
    expect(timeLimits.sweepFunction).toBeLessThan(5 * 60);
  });

  it.each([rollBack, sweep])('allows only its own rule to invoke %s', (functionName) => {
    const callers = resources(template, 'AWS::Lambda::Permission')
      .map(([, { Properties }]) => Properties)
      .filter(({ FunctionName }) => isDeepStrictEqual(FunctionName, arnOf(functionName)));

    expect(callers).toEqual([
      {
        Action: 'lambda:InvokeFunction',
        FunctionName: arnOf(functionName),
        Principal: 'events.amazonaws.com',
        SourceArn: { 'Fn::GetAtt': [ruleOf(functionName).id, 'Arn'] },
      },
    ]);
  });

  it('stores its state in a table that no deployment writes', () => {
    const tables = resources(template, 'AWS::DynamoDB::Table');
    const [[table, { Properties }] = ['', { Properties: {} }]] = tables.filter(
      ([
        ,
        {
          Properties: { TableName },
        },
      ]) => TableName === `${service}-sweep`,
    );
    const users = Object.entries(permissions(template)).flatMap(([name, statements]) =>
      statements
        .filter(({ Resource }) => JSON.stringify(Resource).includes(`"${table}"`))
        .map(({ Action }) => [name, Action]),
    );

    expect(Properties).toMatchObject({
      KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
      TimeToLiveSpecification: { AttributeName: 'expires_at', Enabled: true },
    });
    expect(Object.fromEntries(users)).toEqual({
      [rollBack]: ['dynamodb:PutItem'],
      [sweep]: ['dynamodb:BatchGetItem', 'dynamodb:GetItem', 'dynamodb:PutItem'],
    });
    for (const name of [rollBack, sweep]) {
      const [found] = resources(template, 'AWS::Lambda::Function').filter(
        ([
          ,
          {
            Properties: { FunctionName },
          },
        ]) => FunctionName === name,
      );
      expect(found?.[1].Properties['Environment']).toMatchObject({
        Variables: { SWEEP_TABLE: { Ref: table } },
      });
    }
  });
});

describe('reserved concurrency', () => {
  const reserved = (context: Parameters<typeof templates>[0]) =>
    Object.fromEntries(
      Object.values(templates(context)).flatMap((template) =>
        resources(template, 'AWS::Lambda::Function').flatMap(([, { Properties }]) =>
          'ReservedConcurrentExecutions' in Properties
            ? [[Properties['FunctionName'], Properties['ReservedConcurrentExecutions']]]
            : [],
        ),
      ),
    );

  it('is not set by default', () => {
    expect(reserved({ environment: 'aws' })).toEqual({});
  });

  it('is set for functions that only compensate, roll back or sweep', () => {
    expect(reserved({ compensation_concurrency: '7' })).toEqual({
      'app1-start-roll-back': 7,
      'app1-stop-provisioning': 7,
      'app1-sweep-provisionings': 1,
      'app2-cancel-user-creation': 7,
      'app2-delete-user': 7,
      'app2-start-roll-back': 7,
      'app2-stop-user-creation': 7,
      'app2-sweep-user-creations': 1,
    });
  });
});

describe('the rate limits of callers', () => {
  const limitsIn = (context: Parameters<typeof templates>[0]) => {
    const found = resources(templates(context).app1, 'AWS::Lambda::Function').flatMap(
      ([, { Properties }]) => {
        const { Variables } = z
          .object({ Variables: z.record(z.string(), z.unknown()) })
          .parse(Properties['Environment']);
        const { DESCRIBES_PER_SECOND_AND_CALLER: own, DESCRIBES_PER_SECOND: together } = Variables;
        return own === undefined ? [] : [[Properties['FunctionName'], [own, together]]];
      },
    );
    return Object.fromEntries(found);
  };

  it('apply to every function that describes executions for callers', () => {
    expect(limitsIn({ environment: 'aws' })).toEqual({
      'app1-start-provisioning': ['5', '5'],
      'app1-retry-provisioning': ['5', '5'],
      'app1-get-provisioning': ['5', '5'],
      'app1-cancel-provisioning': ['5', '5'],
    });
  });

  it("follow the account's quota, and none exceeds the share of all callers", () => {
    const { 'app1-get-provisioning': limits } = limitsIn({
      describe_executions_per_second: '30',
      describes_per_caller: '20',
    });

    expect(limits).toEqual(['15', '15']);
  });
});

describe('two accounts', () => {
  it('allow App1 to encrypt for App2 and to read its credentials, and nothing else', () => {
    const policies = [
      ...resources(twoAccounts.app2, 'AWS::KMS::Key').map(([, { Properties }]) => Properties['KeyPolicy']),
      ...resources(twoAccounts.app2, 'AWS::SecretsManager::ResourcePolicy').map(
        ([, { Properties }]) => Properties['ResourcePolicy'],
      ),
    ].map((policy) => JSON.stringify(policy));

    expect(policies.filter((policy) => policy.includes('111122223333'))).toHaveLength(3);
    expect(policies.join()).toContain('kms:ReEncryptTo');
    expect(JSON.stringify(aws.app2)).not.toContain('kms:ReEncryptTo');
  });
});

it('functions have the time limits of contracts/time-limits.ts', () => {
  const timeouts = Object.fromEntries(
    serviceKinds.flatMap((service) =>
      resources(aws[service], 'AWS::Lambda::Function').map(([, { Properties }]) => [
        Properties['FunctionName'],
        Properties['Timeout'],
      ]),
    ),
  );

  expect(timeouts).toMatchObject({
    'app1-call-target': timeLimits.targetFunction,
    'app1-start-provisioning': timeLimits.apiFunction,
    'app1-retry-provisioning': timeLimits.apiFunction,
    'app2-cancel-user-creation': timeLimits.apiFunction,
    'app2-delete-user': timeLimits.stepFunction,
    'app1-cancel-provisioning': timeLimits.apiFunction,
    'app1-stop-provisioning': timeLimits.stepFunction,
    'app1-start-roll-back': timeLimits.watchFunction,
    'app2-start-roll-back': timeLimits.watchFunction,
    'app2-notify-completion': timeLimits.watchFunction,
    'app1-sweep-provisionings': timeLimits.sweepFunction,
    'app2-sweep-user-creations': timeLimits.sweepFunction,
    'app2-revoke-machine-credentials': timeLimits.revocationFunction,
    'app2-issue-machine-user': timeLimits.customResourceFunction,
  });
});

describe("the account's role for API Gateway's logs", () => {
  const ofAccount = (context: Record<string, string>) =>
    Object.values(templates(context)).flatMap((template) => resources(template, 'AWS::ApiGateway::Account'));

  it('is set by default and outlives the stacks', () => {
    const found = ofAccount({}).map(([, { DeletionPolicy }]) => DeletionPolicy);

    expect(found).toEqual(['Retain', 'Retain']);
  });

  it('is not changed with the setting `keep`, and access logs stay enabled', () => {
    expect(ofAccount({ api_gateway_log_role: 'keep' })).toEqual([]);
    for (const template of Object.values(templates({ api_gateway_log_role: 'keep' })))
      for (const [, { Properties }] of resources(template, 'AWS::ApiGateway::Stage'))
        expect(Properties).toHaveProperty('AccessLogSetting.DestinationArn');
  });
});

describe('callers of App1 with rate limits of their own', () => {
  const limited = templates({ app1_callers: 'billing,crm' }).app1;
  const methods = (template: typeof limited) =>
    resources(template, 'AWS::ApiGateway::Method').map(([, { Properties }]) => Properties['ApiKeyRequired']);

  it('have a key and a plan each, and every request needs a key', () => {
    const plans = resources(limited, 'AWS::ApiGateway::UsagePlan').map(([, { Properties }]) => Properties);

    expect(resources(limited, 'AWS::ApiGateway::ApiKey')).toHaveLength(2);
    expect(plans).toMatchObject([{ Throttle: { RateLimit: 20 } }, { Throttle: { RateLimit: 20 } }]);
    expect(resources(limited, 'AWS::ApiGateway::UsagePlanKey')).toHaveLength(2);
    expect(methods(limited)).toEqual(methods(limited).map(() => true));
  });

  it('do not exist by default', () => {
    expect(resources(aws.app1, 'AWS::ApiGateway::UsagePlan')).toEqual([]);
    expect(methods(aws.app1)).toEqual(methods(aws.app1).map(() => false));
  });

  it('still sign their requests, and the template contains no key', () => {
    for (const [, { Properties }] of resources(limited, 'AWS::ApiGateway::Method'))
      expect(Properties['AuthorizationType']).toBe('AWS_IAM');
    for (const [, { Properties }] of resources(limited, 'AWS::ApiGateway::ApiKey'))
      expect(Properties).not.toHaveProperty('Value');
  });
});

describe('the check of users against the pool', () => {
  it.each([
    ['off', []],
    ['admin', ['cognito-idp:AdminGetUser']],
    ['all', ['cognito-idp:AdminGetUser']],
  ])('set to %s gives the authorizer the permissions %j', (check_user_in_pool, expected) => {
    const { app2 } = templates({ check_user_in_pool });
    const [authorizer] = resources(app2, 'AWS::Lambda::Function').filter(
      ([, { Properties }]) => Properties['FunctionName'] === 'app2-authorizer',
    );
    const actions = (permissions(app2)['app2-authorizer'] ?? []).flatMap(({ Action }) => Action);

    expect(actions.filter((action) => action.startsWith('cognito-idp:'))).toEqual(expected);
    expect(authorizer?.[1].Properties['Environment']).toMatchObject({
      Variables: { CHECK_USER_IN_POOL: check_user_in_pool },
    });
  });

  it('rejects any other value', () => {
    expect(() => templates({ check_user_in_pool: 'on' })).toThrow('check_user_in_pool');
  });
});

describe('the permissions between two accounts', () => {
  const policies = (type: string, property: string) =>
    resources(twoAccounts.app2, type).map(([, { Properties }]) => JSON.stringify(Properties[property]));
  const APP1 = '111122223333';

  it('allow the key for encryption only', () => {
    const [statements = []] = resources(twoAccounts.app2, 'AWS::KMS::Key')
      .filter(([, { Properties }]) => String(Properties['Description']).startsWith('Encrypts the passwords'))
      .map(([, { Properties }]) => keyPolicy.parse(Properties).KeyPolicy.Statement);
    const statementsForApp1 = statements.filter(({ Principal }) => JSON.stringify(Principal).includes(APP1));

    expect(statementsForApp1).toEqual([
      expect.objectContaining({
        Effect: 'Allow',
        Action: 'kms:ReEncryptTo',
        Condition: { StringEquals: { 'kms:EncryptionContext:target': 'app2' } },
      }),
    ]);
  });

  it('cover the one secret, under a key of its own', () => {
    const secret = resources(twoAccounts.app2, 'AWS::SecretsManager::Secret')[0]?.[1].Properties;
    const [policy = ''] = policies('AWS::SecretsManager::ResourcePolicy', 'ResourcePolicy');

    expect(secret).toHaveProperty('KmsKeyId');
    expect(policy).toContain(APP1);
    expect(policy).toContain('secretsmanager:GetSecretValue');
    expect(policy).not.toContain('secretsmanager:PutSecretValue');
  });

  it('name the account instead of a role that may not exist yet', () => {
    const text = JSON.stringify(twoAccounts.app2);

    expect(text).not.toContain(`${APP1}:role`);
    expect(text.split(APP1).length - 1).toBeGreaterThan(0);
  });

  it.each([
    ['no others', undefined, ['app2.notifications']],
    ['of audit events if it subscribes to them', APP1, ['app2.service-users', 'app2.notifications']],
  ] as const)(
    'let App1 manage its rules for completion notifications, and %s',
    (_others, subscriber_accounts, sources) => {
      const { app2 } = templates({
        app1_account: APP1,
        ...(subscriber_accounts === undefined ? {} : { subscriber_accounts }),
      });
      const statements = resources(app2, 'AWS::Events::EventBusPolicy').map(
        ([, { Properties }]) => Properties['Statement'],
      );

      expect(statements).toEqual(
        ['events:PutRule', 'events:TagResource', 'events:PutTargets'].map((action) =>
          expect.objectContaining({
            Effect: 'Allow',
            Principal: { AWS: `arn:aws:iam::${APP1}:root` },
            Action: expect.arrayContaining([action]),
          }),
        ),
      );
      expect(statements[0]).toMatchObject({
        Condition: { 'ForAllValues:StringEquals': { 'events:source': sources } },
      });
    },
  );

  it('do not exist within one account', () => {
    expect(JSON.stringify(aws)).not.toContain(APP1);
    expect(resources(aws.app2, 'AWS::Events::EventBusPolicy')).toEqual([]);
    expect(resources(aws.app2, 'AWS::SecretsManager::ResourcePolicy')).toEqual([]);
  });
});

describe('accounts that subscribe to events', () => {
  const SUBSCRIBER = '777788889999';
  const open = templates({ subscriber_accounts: SUBSCRIBER });

  it.each([
    ['app1', app1Names.bus, ['app1.provisioning']],
    ['app2', app2Names.bus, ['app2.service-users', 'app2.notifications']],
  ] as const)('may have rules of their own at %s, about its events', (service, EventBusName, sources) => {
    const policies = resources(open[service], 'AWS::Events::EventBusPolicy').map(
      ([, { Properties }]) => Properties,
    );
    const ownRule = { 'events:creatorAccount': '$'.concat('{aws:PrincipalAccount}') };
    const statement = (Condition: object, ...actions: string[]) =>
      expect.objectContaining({
        EventBusName,
        Statement: expect.objectContaining({
          Effect: 'Allow',
          Principal: { AWS: `arn:aws:iam::${SUBSCRIBER}:root` },
          Action: expect.arrayContaining(actions),
          Condition,
        }),
      });

    expect(policies).toEqual([
      statement(
        {
          'ForAllValues:StringEquals': { 'events:source': sources },
          Null: { 'events:source': 'false' },
          StringEqualsIfExists: ownRule,
        },
        'events:PutRule',
      ),
      statement({ StringEqualsIfExists: ownRule }, 'events:TagResource'),
      statement({ StringEquals: ownRule }, 'events:PutTargets', 'events:DeleteRule'),
    ]);
    expect(JSON.stringify(policies)).not.toMatch(/events:(PutEvents|PutPermission|DeleteEventBus|\*)/);
  });

  it('do not exist by default', () => {
    for (const service of serviceKinds)
      expect(resources(aws[service], 'AWS::Events::EventBusPolicy')).toEqual([]);
  });
});

describe('completion notifications', () => {
  it('are published only for executions whose client accepts them', () => {
    const [rule] = resources(aws.app2, 'AWS::Events::Rule').filter(([, { Properties }]) =>
      JSON.stringify(Properties).includes('wildcard'),
    );
    const input: UserCreationInput = {
      ...subject,
      owner: 'app1',
      encrypted_password: ENCRYPTED,
      notify: true,
    };
    const said = { ...input, human_user_id: '"notify":true', notify: undefined };

    expect(rule?.[1].Properties).toMatchObject({
      EventPattern: {
        source: ['aws.states'],
        detail: {
          status: ['SUCCEEDED', 'FAILED', 'TIMED_OUT', 'ABORTED'],
          input: [{ wildcard: '*"notify":true*' }],
        },
      },
    });
    expect(JSON.stringify(input)).toContain('"notify":true');
    expect(JSON.stringify(said)).not.toContain('"notify":true');
  });

  it('come through a bus of App1, where the rule of each target states its name', () => {
    const { app1 } = templates({ targets: 'app2,payments,orders:retired,old:gone' });
    const rules = resources(app1, 'AWS::Events::Rule').map(([, { Properties }]) => Properties);
    const forwarding = rules.filter(({ Name }) => Name === 'app1-notifications');
    const invoking = rules.filter(({ Targets }) => JSON.stringify(Targets).includes('ResumeProvisioning'));

    expect(forwarding.map(({ EventBusName }) => JSON.stringify(EventBusName))).toEqual([
      expect.stringContaining('TargetApp2'),
      expect.stringContaining('TargetPayments'),
      expect.stringContaining('TargetOrders'),
    ]);
    expect(invoking.map(({ EventPattern }) => EventPattern)).toEqual(
      ['app2', 'payments', 'orders'].map((name) => ({
        source: [`${name}.notifications`],
        'detail-type': ['UserCreationFinished'],
        account: [expect.anything()],
      })),
    );
    expect(invoking.map(({ Targets }) => JSON.stringify(Targets))).toEqual(
      ['app2', 'payments', 'orders'].map((name) => expect.stringContaining(`\\"target\\":\\"${name}\\"`)),
    );
  });
});
