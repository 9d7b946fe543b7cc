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
import { doctorAnswer } from '../../cli/answers.ts';
import { CliError } from '../../cli/cli-error.ts';
import { problemBody } from '../../contracts/problems.ts';
import { alarmText } from '../../infra/alarm-text.ts';
import { execution, failedAs, notFound } from '../support/executions.ts';
import { sdkError } from '../support/sdk-errors.ts';
import { PROVISIONING_ID, ROLL_BACK, stood, subject } from '../support/subject.ts';
import { APP1, APP2, executionArn, world } from './support/world.ts';

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
/** The item of a sweep that has settled everything until `mark`, and has written it then. */
const sweptUntil = (mark: Date, written: Date) => ({
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
const told = (over: Record<string, string> = {}) =>
  Object.entries({
    App2ApiUrl: APP2.api_url,
    App2ClientId: APP2.machine_client_id,
    App2KeyArn: APP2.key_arn,
    App2SecretArn: APP2.credentials_secret_arn,
    App2PasswordPolicy: JSON.stringify(APP2.password_policy),
    ...over,
  }).map(([ParameterKey, ParameterValue]) => ({ ParameterKey, ParameterValue }));
const stack = (StackName: string, over: object = {}) => ({
  Stacks: [
    {
      StackName,
      CreationTime: ago(60),
      StackStatus: 'CREATE_COMPLETE' as const,
      Parameters: told(),
      ...over,
    },
  ],
});
const rule = (Name: string, State: 'ENABLED' | 'DISABLED') =>
  events.on(DescribeRuleCommand, { Name }).resolves({ Name, State });

/** The pool, with the policy that App2 puts out but for what is given. */
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

/** A system in which everything is as it must be. */
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
  for (const name of ['App1', 'App2'])
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
  dynamoDb.on(GetItemCommand).resolves(sweptUntil(ago(14), ago(4)));
  app2Answers(401);
});
afterEach(() => {
  jest.restoreAllMocks();
});

const app2Answers = (status: number) =>
  jest.spyOn(globalThis, 'fetch').mockImplementation(async () => new Response('{}', { status }));

const here = (over: Parameters<typeof world>[0] = {}) =>
  world({ now: NOW, answers: [[404, problemBody('NOT_FOUND')]], ...over });

/** What doctor says that is not ok. */
async function findings(over: Parameters<typeof world>[0] = {}) {
  const doctor = here(over);
  const status = await doctor.run('doctor', '--json');
  const { checks, healthy } = doctorAnswer.parse(doctor.answer());
  return { status, healthy, found: checks.filter(({ verdict }) => verdict !== 'ok') };
}

const failedRollBack = {
  executions: [
    {
      name: `${ROLL_BACK}.1`,
      executionArn: 'x',
      stateMachineArn: 'x',
      // It has waited for App2 for longer than a day, and has failed half an hour ago.
      startDate: ago(25 * 60),
      stopDate: ago(30),
      status: 'FAILED' as const,
    },
  ],
};
const rollBackInput = { ...subject, owner: 'o', ...stood };
const latest = (seen: Parameters<typeof execution>[1]) => {
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
  it('finds nothing where everything is as it must be', async () => {
    const doctor = here();

    expect(await doctor.run('doctor')).toBe(0);
    expect(doctor.shown.out).toContain('30 ok, 0 wrong, 0 not to be seen from here');
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
      'an address that App1 was told wrongly',
      'both configuration',
      () =>
        stacks
          .on(DescribeStacksCommand, { StackName: 'App1' })
          .resolves(stack('App1', { Parameters: told({ App2KeyArn: 'another' }) })),
      /App2KeyArn$/,
      /cdk deploy App1 --parameters App2KeyArn=/,
    ],
    [
      'a machine that is not there',
      'app2 state machines',
      () =>
        stepFunctions
          .on(DescribeStateMachineCommand, { stateMachineArn: APP2.state_machine_arn })
          .rejects(sdkError('StateMachineDoesNotExist')),
      /CreateServiceUser/,
      /Deploy App2 again/,
    ],
    [
      'a bus that is not there',
      'app1 event bus',
      () =>
        events
          .on(DescribeEventBusCommand, { Name: 'app1-provisioning' })
          .rejects(sdkError('ResourceNotFoundException')),
      /there is no bus app1-provisioning/,
      /Deploy App1 again/,
    ],
    [
      'a rule to the log that is disabled',
      'app2 event bus',
      () => rule('app2-service-users-every-event', 'DISABLED'),
      /is disabled: events are not logged/,
      /aws events enable-rule --event-bus-name app2-service-users --name app2-service-users-every-event/,
    ],
    [
      'a rule that leads elsewhere',
      'app1 event bus',
      () =>
        events.on(ListTargetsByRuleCommand, { EventBusName: 'app1-provisioning' }).resolves({ Targets: [] }),
      /does not lead to/,
      /Deploy App1 again/,
    ],
    [
      'bad ends that nobody rolls back',
      'app1 roll-back of bad ends',
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
      /no rule sees to it that the sweep is called/,
      /Deploy App2 again/,
    ],
    [
      'a sweep that has stopped',
      'app1 sweep',
      () => dynamoDb.on(GetItemCommand, { TableName: 'app1-sweep' }).resolves(sweptUntil(ago(200), ago(190))),
      /not written for 190 minutes/,
      /\/aws\/lambda\/app1-sweep-provisionings/,
    ],
    [
      'a sweep that cannot settle something',
      'app1 sweep',
      () => dynamoDb.on(GetItemCommand, { TableName: 'app1-sweep' }).resolves(sweptUntil(ago(200), ago(2))),
      /in the list main FAILED, something that ended 200 minutes ago cannot be settled/,
      /\/aws\/lambda\/app1-sweep-provisionings/,
    ],
    [
      'a sweep without its table',
      'app1 sweep',
      () =>
        dynamoDb
          .on(GetItemCommand, { TableName: 'app1-sweep' })
          .rejects(sdkError('ResourceNotFoundException')),
      /table app1-sweep is not there/,
      /Deploy App1 again/,
    ],
    [
      'a user that may be left behind',
      'app1 roll-backs',
      () => latest(failedAs('RollBackFailed', 'CancelUserCreation', 'TargetUnavailable')),
      new RegExp(PROVISIONING_ID),
      new RegExp(`npx provision timeline ${PROVISIONING_ID}`),
    ],
    [
      'something that was not delivered',
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
      'a log group that is not there',
      'app2 logs',
      () =>
        logs
          .on(DescribeLogGroupsCommand)
          .resolves({ logGroups: APP1.log_groups.map((logGroupName) => ({ logGroupName })) }),
      /\/aws\/lambda\/app2-create-user/,
      /Deploy App2 again/,
    ],
    [
      'a key that waits for its deletion',
      'app1 intake key',
      () =>
        kms
          .on(DescribeKeyCommand, { KeyId: 'alias/app1-intake-key' })
          .resolves({ KeyMetadata: { KeyId: 'k', Arn: 'key-arn', KeyState: 'PendingDeletion' } }),
      /PendingDeletion/,
      /cancel-key-deletion --key-id key-arn/,
    ],
    [
      'a key that is disabled',
      'app2 cross-service key',
      () =>
        kms
          .on(DescribeKeyCommand, { KeyId: 'app2-key' })
          .resolves({ KeyMetadata: { KeyId: 'k', Arn: 'key-arn', KeyState: 'Disabled' } }),
      /Disabled/,
      /aws kms enable-key --key-id key-arn/,
    ],
    [
      'a role that lost its right to the credentials',
      'app1 right to the credentials',
      () =>
        iam
          .on(SimulatePrincipalPolicyCommand)
          .resolves({ EvaluationResults: [{ EvalActionName: 'a', EvalDecision: 'implicitDeny' }] }),
      /app1-call-app2 may not read the secret app2-secret/,
      /CredentialsSecretArn/,
    ],
    [
      'a password policy that App1 was told otherwise',
      'both configuration',
      () =>
        stacks.on(DescribeStacksCommand, { StackName: 'App1' }).resolves(
          stack('App1', {
            Parameters: told({
              App2PasswordPolicy: JSON.stringify({ ...APP2.password_policy, minimum_length: 8 }),
            }),
          }),
        ),
      /App2PasswordPolicy$/,
      /cdk deploy App1 --parameters 'App2PasswordPolicy=\{"minimum_length":12,/,
    ],
    [
      'a password policy that App1 was not told',
      'both configuration',
      () =>
        stacks
          .on(DescribeStacksCommand, { StackName: 'App1' })
          .resolves(stack('App1', { Parameters: told({ App2PasswordPolicy: 'none' }) })),
      /App2PasswordPolicy$/,
      /cdk deploy App1/,
    ],
    [
      'a pool whose password policy somebody has changed',
      'app2 user pool',
      () => poolHas({ MinimumLength: 16 }),
      /is not the one that App2 puts out/,
      /cdk deploy App2 --revert-drift/,
    ],
    [
      'a pool that is not there',
      'app2 user pool',
      () => pool.on(DescribeUserPoolCommand).rejects(sdkError('ResourceNotFoundException')),
      /not there/,
      /Deploy App2 again/,
    ],
    [
      'credentials that are not rotated any more',
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
      'a rotation that is off',
      'app2 machine credentials',
      () => secrets.on(DescribeSecretCommand).resolves({ RotationEnabled: false }),
      /are not rotated/,
      /Deploy App2 again/,
    ],
    ['an App2 that lets everybody in', 'app2 API', () => app2Answers(200), /answers 200/, /app2-authorizer/],
  ])('finds %s, and says what to do', async (_what, where, arrange, saw, remedy) => {
    arrange();

    const { status, healthy, found } = await findings();

    expect([status, healthy]).toEqual([1, false]);
    expect(found.map(({ service, check }) => `${service} ${check}`)).toEqual([where]);
    expect(found[0]).toMatchObject({
      verdict: 'wrong',
      saw: expect.stringMatching(saw),
      remedy: expect.stringMatching(remedy),
    });
  });

  describe('of alarms', () => {
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

    it('says which are raised, since when, what that means, what to begin with, and the runbook', async () => {
      raised({ AlarmDescription: hangs });

      const { status, found } = await findings();

      expect(status).toBe(1);
      expect(found).toMatchObject([
        {
          service: 'app1',
          check: 'alarms',
          saw: 'in alarm: an-alarm since 2026-01-01T11:55:00.000Z (It hangs. It ends by itself.)',
          remedy:
            'an-alarm: begin with `npx provision list --status RUNNING`, then do what docs/runbooks/provisionings-hang.md says.',
        },
        { service: 'app2', check: 'alarms' },
      ]);
    });

    it('shows the description of one that is none of ours', async () => {
      raised({ AlarmDescription: 'Look at the queue.' });

      const { found } = await findings();

      expect(found[0]).toMatchObject({
        saw: expect.stringMatching(/\(Look at the queue\.\)$/),
        remedy: 'an-alarm: do what its description says.',
      });
    });

    it.each([
      ['a heartbeat that has not been due yet', 10, 'breaching', 0],
      ['a heartbeat that was due', 16, 'breaching', 1],
      ['anything else, however young', 1, 'notBreaching', 1],
    ])('takes %s for what it is', async (_what, minutesOld, TreatMissingData, exit) => {
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
    [500, 'wrong', 1],
    [403, 'unseen', 0],
  ])('tells an API that answers %i as %s', async (answer, verdict, exit) => {
    const { status, found } = await findings({ answers: [[answer, problemBody('FORBIDDEN')]] });

    expect(status).toBe(exit);
    expect(found).toMatchObject([{ service: 'app1', check: 'API', verdict }]);
  });

  it('holds nothing against a roll-back that failed first and succeeded later', async () => {
    latest({ status: 'SUCCEEDED' });

    expect(await findings()).toMatchObject({ status: 0, found: [] });
  });

  it('takes a sweep that has not run yet for what it is', async () => {
    dynamoDb.on(GetItemCommand).resolves({});

    expect(await findings()).toMatchObject({ status: 0, found: [] });
  });

  it('names what it may not look at, and goes on', async () => {
    secrets
      .on(DescribeSecretCommand)
      .rejects(
        sdkError('AccessDeniedException', { message: 'not authorized: secretsmanager:DescribeSecret' }),
      );

    const { status, found } = await findings();

    expect(status).toBe(0);
    expect(found).toMatchObject([
      { check: 'machine credentials', verdict: 'unseen', saw: expect.stringContaining('DescribeSecret') },
    ]);
  });

  it('checks the service that it can see when the other is in another account', async () => {
    const elsewhere = new CliError(
      'unreachable',
      'NOT_DEPLOYED',
      'There is no stack App2.',
      'Use another profile.',
    );

    const { status, found } = await findings({ connection: { app2: () => Promise.reject(elsewhere) } });

    expect(status).toBe(0);
    expect(found).toMatchObject([{ service: 'app2', check: 'outputs', verdict: 'unseen' }]);
  });

  it('finds outputs that lack something', async () => {
    const lacking = new CliError(
      'unreachable',
      'OUTPUTS_INCOMPLETE',
      'It lacks ApiUrl.',
      'Deploy App1 again.',
    );

    const { status, found } = await findings({ connection: { app1: () => Promise.reject(lacking) } });

    expect(status).toBe(1);
    expect(found).toMatchObject([{ service: 'app1', check: 'outputs', verdict: 'wrong' }]);
  });

  it('says that it sees nothing, when it sees nothing', async () => {
    const nothing = () =>
      Promise.reject(
        new CliError('unreachable', 'NOT_DEPLOYED', 'There is no stack.', 'Use another profile.'),
      );

    expect(await findings({ connection: { app1: nothing, app2: nothing } })).toMatchObject({
      status: 3,
      healthy: false,
    });
  });

  it.each([
    ['six minutes ahead', 360_000, 'wrong', /is 6 minutes ahead of AWS's: AWS refuses/, 1],
    ['an hour behind', -3_600_000, 'wrong', /is 60 minutes behind AWS's: AWS refuses/, 1],
    ['a minute ahead', 61_000, 'warning', /is 61 s ahead of AWS's; AWS refuses signatures/, 0],
    ['a minute behind', -60_000, 'warning', /is 60 s behind AWS's/, 0],
    ['not to be compared', undefined, 'unseen', /no answer of AWS said/, 0],
  ] as const)('tells a clock that is %s', async (_what, ahead, verdict, saw, exit) => {
    const identity = async () => ({ arn: 'me', ahead });
    const { status, found } = await findings({ connection: { identity } });

    expect(found).toEqual([
      {
        service: 'both',
        check: 'clock',
        verdict,
        saw: expect.stringMatching(saw),
        remedy: expect.any(String),
      },
    ]);
    expect(status).toBe(exit);
  });

  it('counts what is to be seen to', async () => {
    const doctor = here({ connection: { identity: async () => ({ arn: 'me', ahead: 40_000 }) } });

    expect(await doctor.run('doctor')).toBe(0);
    expect(doctor.shown.out).toContain('! both  clock');
    expect(doctor.shown.out).toContain('29 ok, 0 wrong, 1 to see to, 0 not to be seen from here');
  });

  it('says that there are no credentials', async () => {
    const identity = () => Promise.reject(sdkError('CredentialsProviderError'));
    const doctor = here({ connection: { identity } });

    expect(await doctor.run('doctor')).toBe(3);
    expect(doctor.shown.err).toContain('aws sso login');
  });
});
