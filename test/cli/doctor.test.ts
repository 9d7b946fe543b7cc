import {
  CloudFormationClient,
  DescribeStacksCommand,
  ListStackResourcesCommand,
} from '@aws-sdk/client-cloudformation';
import { CloudWatchClient, DescribeAlarmsCommand, type MetricAlarm } from '@aws-sdk/client-cloudwatch';
import { CloudWatchLogsClient, DescribeLogGroupsCommand } from '@aws-sdk/client-cloudwatch-logs';
import {
  CognitoIdentityProviderClient,
  DescribeUserPoolCommand,
  type PasswordPolicyType,
} from '@aws-sdk/client-cognito-identity-provider';
import { DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb';
import {
  DescribeEventBusCommand,
  DescribeRuleCommand,
  EventBridgeClient,
  ListRuleNamesByTargetCommand,
  ListTargetsByRuleCommand,
} from '@aws-sdk/client-eventbridge';
import { IAMClient, SimulatePrincipalPolicyCommand } from '@aws-sdk/client-iam';
import { DescribeKeyCommand, KMSClient } from '@aws-sdk/client-kms';
import { GetFunctionConfigurationCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { DescribeSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import {
  DescribeExecutionCommand,
  DescribeStateMachineCommand,
  ListExecutionsCommand,
  SFNClient,
} from '@aws-sdk/client-sfn';
import { GetQueueAttributesCommand, GetQueueUrlCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { CliError } from '../../cli/cli-error.ts';
import type { Connection } from '../../cli/connect.ts';
import { doctorOutput } from '../../cli/json-output.ts';
import { problemBody } from '../../contracts/problems.ts';
import type { RegisteredTarget } from '../../contracts/targets.ts';
import { alarmText } from '../../infra/alarm-text.ts';
import { execution, failedAs, notFound } from '../support/executions.ts';
import { APP1, APP2, targetLine, targetOutputs } from '../support/outputs.ts';
import { sdkError } from '../support/sdk-errors.ts';
import { PROVISIONING_ID, ROLL_BACK, stood, subject } from '../support/subject.ts';
import { executionArn, fakeRuntime } from './support/runtime.ts';

const stacks = mockClient(CloudFormationClient);
const alarms = mockClient(CloudWatchClient);
const logs = mockClient(CloudWatchLogsClient);
const pool = mockClient(CognitoIdentityProviderClient);
const events = mockClient(EventBridgeClient);
const iam = mockClient(IAMClient);
const kms = mockClient(KMSClient);
const lambda = mockClient(LambdaClient);
const secrets = mockClient(SecretsManagerClient);
const stepFunctions = mockClient(SFNClient);
const sqs = mockClient(SQSClient);
const dynamoDb = mockClient(DynamoDBClient);

const NOW = Date.parse('2026-01-01T12:00:00Z');
const ago = (minutes: number) => new Date(NOW - minutes * 60_000);
/** The item of a sweep with the high-water mark `mark` that was written at `written`. */
const sweepState = (mark: Date, written: Date) => ({
  Item: {
    written_at: { S: written.toISOString() },
    state: {
      S: JSON.stringify({
        lists: {
          'main ABORTED': { high_water_mark: ago(12).toISOString() },
          'main FAILED': { high_water_mark: mark.toISOString() },
        },
        observations: {},
      }),
    },
  },
});
const stack = (StackName: string, over: object = {}) => ({
  Stacks: [
    {
      StackName,
      CreationTime: ago(60),
      StackStatus: 'CREATE_COMPLETE' as const,
      ...over,
    },
  ],
});
const rule = (Name: string, State: 'ENABLED' | 'DISABLED') =>
  events.on(DescribeRuleCommand, { Name }).resolves({ Name, State });

/** Mocks a pool with the policy of App2's outputs, except for `policy`. */
const poolHas = (policy: PasswordPolicyType) =>
  pool.on(DescribeUserPoolCommand).resolves({
    UserPool: {
      Name: 'users',
      Policies: {
        PasswordPolicy: {
          MinimumLength: 12,
          RequireLowercase: true,
          RequireUppercase: true,
          RequireNumbers: true,
          RequireSymbols: true,
          TemporaryPasswordValidityDays: 7,
          ...policy,
        },
      },
    },
  });

/** A system without a finding. */
beforeEach(() => {
  for (const mock of [
    stacks,
    alarms,
    logs,
    pool,
    events,
    iam,
    kms,
    lambda,
    secrets,
    stepFunctions,
    sqs,
    dynamoDb,
  ])
    mock.reset();
  for (const name of ['App1', 'App2', 'Payments'])
    stacks.on(DescribeStacksCommand, { StackName: name }).resolves(stack(name));
  stacks.on(ListStackResourcesCommand).resolves({
    StackResourceSummaries: [
      {
        LogicalResourceId: 'l',
        ResourceType: 'AWS::CloudWatch::Alarm',
        PhysicalResourceId: 'an-alarm',
        LastUpdatedTimestamp: ago(60),
        ResourceStatus: 'CREATE_COMPLETE',
      },
    ],
  });
  alarms.on(DescribeAlarmsCommand).resolves({ MetricAlarms: [] });
  logs.on(DescribeLogGroupsCommand).resolves({
    logGroups: [...APP1.log_groups, ...APP2.log_groups].map((logGroupName) => ({ logGroupName })),
  });
  poolHas({});
  events.on(DescribeEventBusCommand).resolves({ Name: 'bus' });
  events
    .on(DescribeRuleCommand)
    .callsFake(async ({ Name }: { Name: string }) => ({ Name, State: 'ENABLED' }));
  events.on(ListRuleNamesByTargetCommand).callsFake(async ({ TargetArn }: { TargetArn: string }) => ({
    RuleNames: [`rule-of-${TargetArn}`],
  }));
  events.on(ListTargetsByRuleCommand).callsFake(async ({ EventBusName }: { EventBusName: string }) => ({
    Targets: [
      { Id: 't', Arn: `arn:aws:logs:eu-central-1:111122223333:log-group:/aws/events/${EventBusName}` },
    ],
  }));
  iam
    .on(SimulatePrincipalPolicyCommand)
    .resolves({ EvaluationResults: [{ EvalActionName: 'a', EvalDecision: 'allowed' }] });
  kms.on(DescribeKeyCommand).resolves({ KeyMetadata: { KeyId: 'k', Arn: 'key-arn', KeyState: 'Enabled' } });
  lambda
    .on(GetFunctionConfigurationCommand)
    .callsFake(async ({ FunctionName }: { FunctionName: string }) => ({
      FunctionArn: FunctionName,
      Role: `role-of-${FunctionName}`,
    }));
  secrets.on(DescribeSecretCommand).resolves({
    RotationEnabled: true,
    RotationRules: { AutomaticallyAfterDays: 30 },
    LastRotatedDate: ago(60 * 24 * 3),
  });
  stepFunctions.on(DescribeStateMachineCommand).resolves({ status: 'ACTIVE' });
  stepFunctions.on(ListExecutionsCommand).resolves({ executions: [] });
  stepFunctions.on(DescribeExecutionCommand).rejects(notFound());
  sqs.on(GetQueueUrlCommand).resolves({ QueueUrl: 'https://queue' });
  sqs.on(GetQueueAttributesCommand).resolves({ Attributes: { ApproximateNumberOfMessages: '0' } });
  dynamoDb.on(GetItemCommand).resolves(sweepState(ago(14), ago(4)));
  mockApp2Status(401);
});
afterEach(() => {
  jest.restoreAllMocks();
});

const mockApp2Status = (status: number) =>
  jest.spyOn(globalThis, 'fetch').mockImplementation(async () => new Response('{}', { status }));

const fakeDoctor = (over: Parameters<typeof fakeRuntime>[0] = {}) =>
  fakeRuntime({ now: NOW, responses: [[404, problemBody('NOT_FOUND')]], ...over });

/** The findings of doctor that are not ok. */
async function findings(over: Parameters<typeof fakeRuntime>[0] = {}) {
  const doctor = fakeDoctor(over);
  const status = await doctor.run('doctor', '--json');
  const { checks, healthy } = doctorOutput.parse(doctor.jsonOutput());
  return { status, healthy, found: checks.filter(({ verdict }) => verdict !== 'ok') };
}

const failedRollBack = {
  executions: [
    {
      name: `${ROLL_BACK}.1`,
      executionArn: 'x',
      stateMachineArn: 'x',
      // It waited for App2 for more than a day, and failed half an hour ago.
      startDate: ago(25 * 60),
      stopDate: ago(30),
      status: 'FAILED' as const,
    },
  ],
};
const rollBackInput = { ...subject, owner: 'o', ...stood };
const mockRollBacks = (seen: Parameters<typeof execution>[1]) => {
  stepFunctions
    .on(ListExecutionsCommand, {
      stateMachineArn: APP1.roll_back_state_machine_arn,
      statusFilter: 'FAILED',
    })
    .resolves(failedRollBack);
  stepFunctions
    .on(DescribeExecutionCommand, { executionArn: executionArn('RollBackProvisioning', `${ROLL_BACK}.1`) })
    .resolves(
      execution(rollBackInput, failedAs('RollBackFailed', 'CancelUserCreation', 'TargetUnavailable')),
    );
  stepFunctions
    .on(DescribeExecutionCommand, {
      executionArn: executionArn('RollBackProvisioning', `${ROLL_BACK}.2`),
    })
    .resolves(execution(rollBackInput, seen));
};

describe('provision doctor', () => {
  it('reports every check as ok for a complete system', async () => {
    const doctor = fakeDoctor();

    expect(await doctor.run('doctor')).toBe(0);
    expect(doctor.output.out).toContain('30 ok, 0 failed, 0 not checked');
  });

  it.each<[string, string, () => unknown, RegExp, RegExp]>([
    [
      'a stack whose update failed',
      'app1 stack',
      () =>
        stacks
          .on(DescribeStacksCommand, { StackName: 'App1' })
          .resolves(stack('App1', { StackStatus: 'UPDATE_ROLLBACK_COMPLETE' })),
      /UPDATE_ROLLBACK_COMPLETE/,
      /deploy again/,
    ],
    [
      'a missing state machine',
      'app2 state machines',
      () =>
        stepFunctions
          .on(DescribeStateMachineCommand, { stateMachineArn: APP2.state_machine_arn })
          .rejects(sdkError('StateMachineDoesNotExist')),
      /CreateServiceUser/,
      /Deploy App2 again/,
    ],
    [
      'a missing bus',
      'app1 event bus',
      () =>
        events
          .on(DescribeEventBusCommand, { Name: 'app1-provisioning' })
          .rejects(sdkError('ResourceNotFoundException')),
      /the bus app1-provisioning does not exist/,
      /Deploy App1 again/,
    ],
    [
      'a disabled rule to the log',
      'app2 event bus',
      () => rule('app2-service-users-every-event', 'DISABLED'),
      /is disabled: events are not logged/,
      /aws events enable-rule --event-bus-name app2-service-users --name app2-service-users-every-event/,
    ],
    [
      'a rule without its target',
      'app1 event bus',
      () =>
        events.on(ListTargetsByRuleCommand, { EventBusName: 'app1-provisioning' }).resolves({ Targets: [] }),
      /does not have the target/,
      /Deploy App1 again/,
    ],
    [
      'a disabled roll-back rule',
      'app1 roll-back rule',
      () => rule('rule-of-app1-start-roll-back', 'DISABLED'),
      /is disabled/,
      /aws events enable-rule --name rule-of-app1-start-roll-back/,
    ],
    [
      'a sweep without a rule',
      'app2 sweep',
      () =>
        events
          .on(ListRuleNamesByTargetCommand, { TargetArn: 'app2-sweep-user-creations' })
          .resolves({ RuleNames: [] }),
      /there is no rule by which the sweep is called/,
      /Deploy App2 again/,
    ],
    [
      'a sweep that has stopped',
      'app1 sweep',
      () => dynamoDb.on(GetItemCommand, { TableName: 'app1-sweep' }).resolves(sweepState(ago(200), ago(190))),
      /not written for 190 minutes/,
      /\/aws\/lambda\/app1-sweep-provisionings/,
    ],
    [
      'a sweep that cannot process an execution',
      'app1 sweep',
      () => dynamoDb.on(GetItemCommand, { TableName: 'app1-sweep' }).resolves(sweepState(ago(200), ago(2))),
      /in the list main FAILED, an execution that finished 200 minutes ago cannot be processed/,
      /\/aws\/lambda\/app1-sweep-provisionings/,
    ],
    [
      'a sweep without its table',
      'app1 sweep',
      () =>
        dynamoDb
          .on(GetItemCommand, { TableName: 'app1-sweep' })
          .rejects(sdkError('ResourceNotFoundException')),
      /table app1-sweep does not exist/,
      /Deploy App1 again/,
    ],
    [
      'a user that may be left behind',
      'app1 roll-backs',
      () => mockRollBacks(failedAs('RollBackFailed', 'CancelUserCreation', 'TargetUnavailable')),
      new RegExp(PROVISIONING_ID),
      new RegExp(`npx provision timeline ${PROVISIONING_ID}`),
    ],
    [
      'a user that may be left behind at some of the targets',
      'app1 roll-backs',
      () =>
        mockRollBacks({
          ...failedAs('RollBackFailed', 'CancelUserCreation', 'TargetUnavailable'),
          cause: JSON.stringify({
            step: 'CancelUserCreation',
            error: 'TargetUnavailable',
            remaining: ['payments', 'orders'],
          }),
        }),
      new RegExp(`${PROVISIONING_ID} at payments, orders$`),
      new RegExp(`npx provision timeline ${PROVISIONING_ID}`),
    ],
    [
      'messages in a dead-letter queue',
      'app2 dead-letter-queue',
      () =>
        sqs
          .on(GetQueueUrlCommand, { QueueName: 'app2-dead-letter-queue' })
          .resolves({ QueueUrl: 'https://full' }) &&
        sqs.on(GetQueueAttributesCommand, { QueueUrl: 'https://full' }).resolves({
          Attributes: { ApproximateNumberOfMessages: '2', ApproximateNumberOfMessagesNotVisible: '1' },
        }),
      /^3 in app2-dead-letter-queue/,
      /receive-message --queue-url https:\/\/full/,
    ],
    [
      'a missing log group',
      'app2 logs',
      () =>
        logs
          .on(DescribeLogGroupsCommand)
          .resolves({ logGroups: APP1.log_groups.map((logGroupName) => ({ logGroupName })) }),
      /\/aws\/lambda\/app2-create-user/,
      /Deploy App2 again/,
    ],
    [
      'a key that is pending deletion',
      'app1 intake key',
      () =>
        kms
          .on(DescribeKeyCommand, { KeyId: 'alias/app1-intake-key' })
          .resolves({ KeyMetadata: { KeyId: 'k', Arn: 'key-arn', KeyState: 'PendingDeletion' } }),
      /PendingDeletion/,
      /cancel-key-deletion --key-id key-arn/,
    ],
    [
      'a disabled key',
      'app2 cross-service key',
      () =>
        kms
          .on(DescribeKeyCommand, { KeyId: 'app2-key' })
          .resolves({ KeyMetadata: { KeyId: 'k', Arn: 'key-arn', KeyState: 'Disabled' } }),
      /Disabled/,
      /aws kms enable-key --key-id key-arn/,
    ],
    [
      'a role without permission for the credentials',
      "app2 App1's permission",
      () =>
        iam
          .on(SimulatePrincipalPolicyCommand)
          .resolves({ EvaluationResults: [{ EvalActionName: 'a', EvalDecision: 'implicitDeny' }] }),
      /app1-call-target is not allowed to read the secret app2-secret/,
      /output Target of app2 as its parameter TargetApp2/,
    ],
    [
      'a pool with a changed password policy',
      'app2 user pool',
      () => poolHas({ MinimumLength: 16 }),
      /differs from the one in the outputs of App2/,
      /cdk deploy App2 --revert-drift/,
    ],
    [
      'a missing pool',
      'app2 user pool',
      () => pool.on(DescribeUserPoolCommand).rejects(sdkError('ResourceNotFoundException')),
      /does not exist/,
      /Deploy App2 again/,
    ],
    [
      'credentials that are no longer rotated',
      'app2 machine credentials',
      () =>
        secrets.on(DescribeSecretCommand).resolves({
          RotationEnabled: true,
          RotationRules: { AutomaticallyAfterDays: 30 },
          LastRotatedDate: ago(60 * 24 * 40),
        }),
      /not rotated for 40 days/,
      /rotate-secret --secret-id app2-secret/,
    ],
    [
      'a disabled rotation',
      'app2 machine credentials',
      () => secrets.on(DescribeSecretCommand).resolves({ RotationEnabled: false }),
      /are not rotated/,
      /Deploy App2 again/,
    ],
    [
      'an App2 without authorization',
      'app2 API',
      () => mockApp2Status(200),
      /responds with 200/,
      /app2-authorizer/,
    ],
  ])('finds %s, and prints the remedy', async (_what, where, arrange, expected, remedy) => {
    arrange();

    const { status, healthy, found } = await findings();

    expect([status, healthy]).toEqual([1, false]);
    expect(found.map(({ service, check }) => `${service} ${check}`)).toEqual([where]);
    expect(found[0]).toMatchObject({
      verdict: 'failed',
      found: expect.stringMatching(expected),
      remedy: expect.stringMatching(remedy),
    });
  });

  describe('the registration of a target', () => {
    const withTargets = (targets: RegisteredTarget[], over: Partial<Connection> = {}) =>
      findings({ connection: { app1: async () => ({ ...APP1, targets }), ...over } });
    const registered = (name: string, over: Parameters<typeof targetLine>[1] = {}): RegisteredTarget => ({
      name,
      state: 'active',
      target: targetLine(name, over),
    });

    it.each([
      ['key_arn', { key_arn: 'another' }],
      ['api_url', { api_url: 'https://other.execute-api.eu-central-1.amazonaws.com/v1' }],
      ['password_policy', { password_policy: '8' }],
    ])('fails when App1 has another %s', async (field, over) => {
      const { status, found } = await withTargets([registered('app2', over)]);

      expect(status).toBe(1);
      expect(found).toEqual([
        {
          service: 'app2',
          check: 'registration',
          verdict: 'failed',
          found: `App1 has registered other values than those of its output Target: ${field}`,
          remedy: `npx cdk deploy App1 --parameters TargetApp2=${APP2.target}`,
        },
      ]);
    });

    it('is that of the address under which the local AWS serves the API', async () => {
      const api_url = 'http://127.0.0.1:4566/restapis/app2id/v1/_user_request_';

      expect(await withTargets([registered('app2', { api_url })])).toMatchObject({ status: 0, found: [] });
    });

    it('is missing when App1 has not registered a deployed target', async () => {
      const { status, found } = await withTargets([registered('app2')], {
        targets: async () => ['app2', 'payments'],
        target: async (name) => ({ ...targetOutputs(name), log_groups: APP2.log_groups }),
      });

      expect({ status, found }).toEqual({
        status: 0,
        found: [
          expect.objectContaining({
            service: 'payments',
            check: 'registration',
            verdict: 'warning',
            found: 'App1 has not registered it: App1 sends it no requests',
            remedy: `Add payments to the setting targets, then: npx cdk deploy App1 --parameters TargetPayments=${targetLine('payments')}`,
          }),
        ],
      });
    });

    it('suffices to check the API of a target in another account, and the permission of App1', async () => {
      const elsewhere = new CliError('unreachable', 'NOT_DEPLOYED', 'There is no target payments.', 'x');
      mockApp2Status(503);

      const { status, found } = await withTargets([registered('payments')], {
        targets: async () => [],
        target: () => Promise.reject(elsewhere),
      });

      expect(status).toBe(1);
      expect(found).toMatchObject([
        { service: 'payments', check: 'outputs', verdict: 'unchecked' },
        { service: 'payments', check: 'API', verdict: 'failed', found: expect.stringContaining('503') },
      ]);
    });

    it('is not checked for a target that is gone', async () => {
      const { status, found } = await withTargets([registered('app2'), { name: 'old', state: 'gone' }]);

      expect({ status, found }).toEqual({ status: 0, found: [] });
    });
  });

  it('aligns the columns to the longest name of a service', async () => {
    const doctor = fakeDoctor({
      connection: {
        targets: async () => ['app2', 'customermanagement'],
        target: async (name) => (name === 'app2' ? APP2 : targetOutputs(name)),
      },
    });

    await doctor.run('doctor');

    expect(doctor.output.out).toContain('✔ app1                outputs ');
    expect(doctor.output.out).toContain('✔ customermanagement  outputs ');
  });

  describe('the alarm check', () => {
    const raised = (over: MetricAlarm) =>
      alarms
        .on(DescribeAlarmsCommand, { AlarmNames: ['an-alarm'], StateValue: 'ALARM' })
        .resolves({ MetricAlarms: [{ AlarmName: 'an-alarm', StateUpdatedTimestamp: ago(5), ...over }] });
    const hangs = alarmText({
      condition: 'It hangs.',
      impact: 'It ends by itself.',
      firstCommand: 'npx provision list --status RUNNING',
      runbook: 'docs/runbooks/provisionings-hang.md',
    });

    it('reports raised alarms with their time, their meaning, the first command and the runbook', async () => {
      raised({ AlarmDescription: hangs });

      const { status, found } = await findings();

      expect(status).toBe(1);
      expect(found).toMatchObject([
        {
          service: 'app1',
          check: 'alarms',
          found: 'in alarm: an-alarm since 2026-01-01T11:55:00.000Z (It hangs. It ends by itself.)',
          remedy:
            'an-alarm: run `npx provision list --status RUNNING`, then follow docs/runbooks/provisionings-hang.md.',
        },
        { service: 'app2', check: 'alarms' },
      ]);
    });

    it('prints the description of an alarm of another team', async () => {
      raised({ AlarmDescription: 'Check the queue.' });

      const { found } = await findings();

      expect(found[0]).toMatchObject({
        found: expect.stringMatching(/\(Check the queue\.\)$/),
        remedy: 'an-alarm: follow its description.',
      });
    });

    it.each([
      ['a heartbeat that is not due yet', 10, 'breaching', 0],
      ['a heartbeat that is due', 16, 'breaching', 1],
      ['any other alarm, however new', 1, 'notBreaching', 1],
    ])('classifies %s', async (_what, minutesOld, TreatMissingData, exit) => {
      raised({
        TreatMissingData,
        AlarmConfigurationUpdatedTimestamp: ago(minutesOld),
        Period: 300,
        EvaluationPeriods: 3,
      });

      expect((await findings()).status).toBe(exit);
    });
  });

  it.each([
    [500, 'failed', 1],
    [403, 'unchecked', 0],
  ])('reports an API that responds with %i as %s', async (response, verdict, exit) => {
    const { status, found } = await findings({ responses: [[response, problemBody('FORBIDDEN')]] });

    expect(status).toBe(exit);
    expect(found).toMatchObject([{ service: 'app1', check: 'API', verdict }]);
  });

  it('accepts a roll-back that failed first and succeeded later', async () => {
    mockRollBacks({ status: 'SUCCEEDED' });

    expect(await findings()).toMatchObject({ status: 0, found: [] });
  });

  it('accepts a sweep that has not run yet', async () => {
    dynamoDb.on(GetItemCommand).resolves({});

    expect(await findings()).toMatchObject({ status: 0, found: [] });
  });

  it('reports a check without permission as unchecked, and continues', async () => {
    secrets
      .on(DescribeSecretCommand)
      .rejects(
        sdkError('AccessDeniedException', { message: 'not authorized: secretsmanager:DescribeSecret' }),
      );

    const { status, found } = await findings();

    expect(status).toBe(0);
    expect(found).toMatchObject([
      {
        check: 'machine credentials',
        verdict: 'unchecked',
        found: expect.stringContaining('DescribeSecret'),
      },
    ]);
  });

  it('checks one service when the other is in another account', async () => {
    const elsewhere = new CliError(
      'unreachable',
      'NOT_DEPLOYED',
      'There is no stack App2.',
      'Use another profile.',
    );

    const { status, found } = await findings({ connection: { target: () => Promise.reject(elsewhere) } });

    expect(status).toBe(0);
    expect(found).toMatchObject([{ service: 'app2', check: 'outputs', verdict: 'unchecked' }]);
  });

  it('finds incomplete outputs', async () => {
    const lacking = new CliError(
      'unreachable',
      'OUTPUTS_INCOMPLETE',
      'It lacks ApiUrl.',
      'Deploy App1 again.',
    );

    const { status, found } = await findings({ connection: { app1: () => Promise.reject(lacking) } });

    expect(status).toBe(1);
    expect(found).toMatchObject([{ service: 'app1', check: 'outputs', verdict: 'failed' }]);
  });

  it('exits with 3 when no service is available', async () => {
    const nothing = () =>
      Promise.reject(
        new CliError('unreachable', 'NOT_DEPLOYED', 'There is no stack.', 'Use another profile.'),
      );

    expect(
      await findings({ connection: { app1: nothing, targets: async () => ['app2'], target: nothing } }),
    ).toMatchObject({
      status: 3,
      healthy: false,
    });
  });

  it.each([
    ['six minutes ahead', 360_000, 'failed', /is 6 minutes ahead of AWS's: AWS rejects/, 1],
    ['an hour behind', -3_600_000, 'failed', /is 60 minutes behind AWS's: AWS rejects/, 1],
    ['a minute ahead', 61_000, 'warning', /is 61 s ahead of AWS's; AWS rejects signatures/, 0],
    ['a minute behind', -60_000, 'warning', /is 60 s behind AWS's/, 0],
    ['unknown', undefined, 'unchecked', /no response of AWS contained/, 0],
  ] as const)('reports a clock that is %s', async (_what, clockOffset, verdict, expected, exit) => {
    const identity = async () => ({ arn: 'me', clockOffset });
    const { status, found } = await findings({ connection: { identity } });

    expect(found).toEqual([
      {
        service: 'all',
        check: 'clock',
        verdict,
        found: expect.stringMatching(expected),
        remedy: expect.any(String),
      },
    ]);
    expect(status).toBe(exit);
  });

  it('counts warnings', async () => {
    const doctor = fakeDoctor({ connection: { identity: async () => ({ arn: 'me', clockOffset: 40_000 }) } });

    expect(await doctor.run('doctor')).toBe(0);
    expect(doctor.output.out).toContain('! all   clock');
    expect(doctor.output.out).toContain('29 ok, 0 failed, 1 to act on, 0 not checked');
  });

  it('fails without credentials', async () => {
    const identity = () => Promise.reject(sdkError('CredentialsProviderError'));
    const doctor = fakeDoctor({ connection: { identity } });

    expect(await doctor.run('doctor')).toBe(3);
    expect(doctor.output.err).toContain('aws sso login');
  });
});
