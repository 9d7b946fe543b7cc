import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import {
  CloudWatchClient,
  DescribeAlarmsCommand,
  ListDashboardsCommand,
  PutDashboardCommand,
  PutMetricAlarmCommand,
  PutMetricDataCommand,
  SetAlarmStateCommand,
} from '@aws-sdk/client-cloudwatch';
import {
  CloudWatchLogsClient,
  CreateLogGroupCommand,
  FilterLogEventsCommand,
} from '@aws-sdk/client-cloudwatch-logs';
import { CreateKeyCommand, GetKeyPolicyCommand, KMSClient, PutKeyPolicyCommand } from '@aws-sdk/client-kms';
import { LambdaClient, PutFunctionConcurrencyCommand } from '@aws-sdk/client-lambda';
import {
  CreateStateMachineCommand,
  type LogLevel,
  SFNClient,
  StartExecutionCommand,
} from '@aws-sdk/client-sfn';
import {
  CreateTopicCommand,
  SetTopicAttributesCommand,
  SNSClient,
  SubscribeCommand,
} from '@aws-sdk/client-sns';
import {
  CreateQueueCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SetQueueAttributesCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { describe, expect, it } from '@jest/globals';
import { account, client, region } from './support/clients.ts';
import { eventually } from './support/eventually.ts';
import { createFunction, invoke } from './support/functions.ts';
import { machineMay, machineRole } from './support/machines.ts';
import { type Metric, sum } from './support/metrics.ts';
import { present } from './support/present.ts';
import { policy } from './support/roles.ts';
import { unique } from './support/unique.ts';

const cloudWatch = client(CloudWatchClient);
const logs = client(CloudWatchLogsClient);
const sfn = client(SFNClient);
const lambda = client(LambdaClient);
const minute = 60;

describe('corrected: CloudWatch metrics', () => {
  // AmazonCloudWatch/latest/monitoring/cloudwatch_concepts: data points are stored also during concurrent reads.
  it('lose no data point that is added during a read', async () => {
    const { LOCAL_AWS_PYTHON = '', ...env } = process.env;
    const program = join(import.meta.dirname, 'support', 'count.py');
    const { stdout } = await promisify(execFile)(LOCAL_AWS_PYTHON, [program], { env });

    expect(stdout).toBe('2\n');
  });
});

describe('corrected: CloudWatch metrics in logs', () => {
  // AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification
  it('extracts the metrics of log lines in the embedded metric format', async () => {
    const Namespace = unique('Test');
    const line = {
      _aws: {
        Timestamp: Date.now(),
        CloudWatchMetrics: [
          {
            Namespace,
            Dimensions: [['service']],
            Metrics: [{ Name: 'Done', Unit: 'Count' }, { Name: 'Left' }],
          },
        ],
      },
      service: 'a',
      Done: [2, 3],
      Left: 1,
    };
    const writing = await createFunction(
      `exports.handler = async () => process.stdout.write(${JSON.stringify(JSON.stringify(line))} + '\\n')`,
    );
    await invoke(writing);
    const metric = (MetricName: string) => ({
      Namespace,
      MetricName,
      Dimensions: [{ Name: 'service', Value: 'a' }],
    });

    await eventually(async () =>
      expect([await sum(metric('Done')), await sum(metric('Left'))]).toEqual([5, 1]),
    );
  });
});

describe('corrected: dashboards', () => {
  // AmazonCloudWatch/latest/APIReference/API_DashboardEntry (LastModified)
  it('are listed with the time of their last change', async () => {
    const DashboardName = unique('dashboard');
    const before = Math.floor(Date.now() / 1000) * 1000;
    await cloudWatch.send(new PutDashboardCommand({ DashboardName, DashboardBody: '{"widgets":[]}' }));
    const { DashboardEntries } = await cloudWatch.send(
      new ListDashboardsCommand({ DashboardNamePrefix: DashboardName }),
    );

    expect(DashboardEntries).toEqual([
      expect.objectContaining({ DashboardName, LastModified: expect.any(Date) }),
    ]);
    expect(DashboardEntries?.[0]?.LastModified?.getTime()).toBeGreaterThanOrEqual(before);
  });
});

describe('unchanged: CloudWatch metrics', () => {
  // AmazonCloudWatch/latest/APIReference/API_GetMetricStatistics
  it('adds up the values with the same dimensions', async () => {
    const metric = {
      Namespace: unique('Test'),
      MetricName: 'Provisioned',
      Dimensions: [{ Name: 'service', Value: 'a' }],
    };
    await put(metric, 2);
    await put(metric, 3);
    await put({ ...metric, Dimensions: [{ Name: 'service', Value: 'b' }] }, 4);

    expect(await sum(metric)).toBe(5);
  });

  // lambda/latest/dg/monitoring-metrics-types
  it('counts the invocations and errors of a function', async () => {
    const arn = await createFunction(
      "exports.handler = async ({ bad }) => { if (bad) throw new Error('bad') }",
    );
    await invoke(arn);
    await invoke(arn, { bad: true });
    const Dimensions = [{ Name: 'FunctionName', Value: present(arn.split(':').at(-1)) }];
    const count = (MetricName: string) => sum({ Namespace: 'AWS/Lambda', MetricName, Dimensions });

    expect([await count('Invocations'), await count('Errors')]).toEqual([2, 1]);
  });
});

describe('corrected: Lambda metrics', () => {
  // lambda/latest/dg/monitoring-metrics-types, lambda/latest/dg/monitoring-metrics-view
  it('counts a throttled call once, not as an invocation, also over all functions of the account', async () => {
    const [one, other] = [await createFunction(REFUSED), await createFunction(REFUSED)];
    const before = await sum(throttles());

    for (const FunctionName of [one, other]) {
      await lambda.send(new PutFunctionConcurrencyCommand({ FunctionName, ReservedConcurrentExecutions: 0 }));
      await expect(invoke(FunctionName)).rejects.toMatchObject({ name: 'TooManyRequestsException' });
    }
    expect(await sum(throttles(one))).toBe(1);
    expect(await sum({ ...throttles(one), MetricName: 'Invocations' })).toBe(0);
    expect(await sum(throttles())).toBe(before + 2);
  });
});

const REFUSED = 'exports.handler = async () => undefined';
const throttles = (arn?: string): Metric => ({
  Namespace: 'AWS/Lambda',
  MetricName: 'Throttles',
  Dimensions: arn === undefined ? [] : [{ Name: 'FunctionName', Value: present(arn.split(':').at(-1)) }],
});

describe('corrected: Step Functions metrics', () => {
  // step-functions/latest/dg/procedure-cw-metrics
  it('counts the executions of each state machine by outcome', async () => {
    const [good, bad, idle] = [
      await createMachine(),
      await createMachine({ fails: true }),
      await createMachine(),
    ];
    await Promise.all([start(good), start(good), start(bad)]);
    const counts = (machine: string) =>
      Promise.all(['Started', 'Succeeded', 'Failed'].map((end) => sum(executions(machine, end))));

    await eventually(async () => {
      expect(await counts(good)).toEqual([2, 2, 0]);
      expect(await counts(bad)).toEqual([1, 0, 1]);
    });
    expect(await counts(idle)).toEqual([0, 0, 0]);
  });
});

/** The permissions of a state machine's role for log delivery. */
const LOG_DELIVERY = [
  'logs:CreateLogDelivery',
  'logs:DeleteLogDelivery',
  'logs:DescribeLogGroups',
  'logs:DescribeResourcePolicies',
  'logs:GetLogDelivery',
  'logs:ListLogDeliveries',
  'logs:PutResourcePolicy',
  'logs:UpdateLogDelivery',
];

describe('corrected: Step Functions logs', () => {
  // step-functions/latest/dg/cw-logs
  it('logs every event without data', async () => {
    const logGroup = await createLogGroup();
    await start(await createMachine({ logGroup, level: 'ALL' }), { secret: 'hidden' });
    const found = await eventLog(logGroup, 'ExecutionSucceeded');

    expect(found.map(({ type }) => type)).toEqual([
      'ExecutionStarted',
      'PassStateEntered',
      'PassStateExited',
      'ExecutionSucceeded',
    ]);
    expect(JSON.stringify(found)).not.toContain('hidden');
    expect(found[1]).toMatchObject({
      id: '2',
      previous_event_id: '0',
      details: { name: 'Only' },
      event_timestamp: expect.stringMatching(/^\d{13}$/),
      execution_arn: expect.stringContaining(':execution:'),
    });
  });

  // step-functions/latest/dg/cw-logs (includeExecutionData)
  it('logs the execution data if it is enabled', async () => {
    const logGroup = await createLogGroup();
    await start(await createMachine({ logGroup, level: 'ALL', withData: true }), { visible: 'shown' });

    expect(JSON.stringify(await eventLog(logGroup, 'ExecutionSucceeded'))).toContain('shown');
  });

  // step-functions/latest/dg/cw-logs (IAM policies)
  it.each(LOG_DELIVERY)('rejects a state machine with a log if its role lacks %s', async (missing) => {
    const attempt = createMachine({
      logGroup: await createLogGroup(),
      level: 'ALL',
      mayLog: LOG_DELIVERY.filter((action) => action !== missing),
    });

    await expect(attempt).rejects.toMatchObject({ name: 'AccessDeniedException' });
  });

  // step-functions/latest/dg/cw-logs#cloudwatch-log-level
  it('logs failures only at level ERROR', async () => {
    const logGroup = await createLogGroup();
    await start(await createMachine({ logGroup, level: 'ERROR', fails: true }));
    const found = await eventLog(logGroup, 'ExecutionFailed');

    expect(found.map(({ type }) => type)).toEqual(['FailStateEntered', 'ExecutionFailed']);
  });

  // recorded: stepfunctions test_undefined_reference[BASE_UNDEFINED_ARGUMENTS]
  it('logs a failed expression as such, and not as a failed call', async () => {
    const logGroup = await createLogGroup();
    const only = {
      Type: 'Task',
      QueryLanguage: 'JSONata',
      Resource: 'arn:aws:states:::events:putEvents',
      Arguments: { Entries: '{% $error() %}' },
      End: true,
    };
    await start(await createMachine({ logGroup, level: 'ERROR', only }));
    const found = await eventLog(logGroup, 'ExecutionFailed');

    expect(found.map(({ type }) => type)).toEqual(['EvaluationFailed', 'ExecutionFailed']);
    expect(Object.keys(found[0]?.['details'] ?? {}).toSorted()).toEqual([
      'cause',
      'error',
      'location',
      'state',
    ]);
  });
});

describe('corrected: CloudWatch alarms', () => {
  // AmazonCloudWatch/latest/monitoring/alarm-evaluation
  it('is raised by an AWS metric of its state machine', async () => {
    const [bad, good] = [await createMachine({ fails: true }), await createMachine()];
    const [onBad, onGood] = await Promise.all(
      [bad, good].map((machine) => createAlarm(executions(machine, 'Failed'))),
    );
    await start(bad);

    await eventually(async () => expect(await stateOf(onBad)).toBe('ALARM'));
    expect(await stateOf(onGood)).not.toBe('ALARM');
  });

  // AmazonCloudWatch/latest/monitoring/alarms-and-missing-data
  it.each([
    ['breaching', 'ALARM'],
    ['notBreaching', 'OK'],
  ])('treats missing data as %s', async (TreatMissingData, state) => {
    const alarm = await createAlarm(executions(unique('arn:none'), 'Failed'), { TreatMissingData });

    await eventually(async () => expect(await stateOf(alarm)).toBe(state));
  });

  // AmazonCloudWatch/latest/monitoring/alarm-evaluation (M out of N)
  it('is raised if enough periods breach', async () => {
    const metric = { Namespace: unique('Test'), MetricName: 'Late', Dimensions: [] };
    for (const minutesAgo of [0, 2]) await put(metric, 1, minutesAgo);
    const alarm = (DatapointsToAlarm: number) =>
      createAlarm(metric, { EvaluationPeriods: 4, DatapointsToAlarm });
    const [two, three] = await Promise.all([alarm(2), alarm(3)]);

    await eventually(async () => expect([await stateOf(two), await stateOf(three)]).toEqual(['ALARM', 'OK']));
  });

  // AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes
  it('notifies a topic when it is raised', async () => {
    const { topicArn, queueUrl } = await createInbox();
    const machine = await createMachine({ fails: true });
    const alarm = await createAlarm(executions(machine, 'Failed'), { AlarmActions: [topicArn] });

    await eventually(async () => expect(await stateOf(alarm)).toBe('OK'));

    await start(machine);
    const { Messages } = await client(SQSClient).send(
      new ReceiveMessageCommand({ QueueUrl: queueUrl, WaitTimeSeconds: 10 }),
    );
    const { Message } = JSON.parse(present(Messages?.[0]?.Body));

    expect(JSON.parse(Message)).toMatchObject({
      AlarmName: alarm,
      OldStateValue: 'OK',
      NewStateValue: 'ALARM',
    });
  });

  // sns/latest/dg/sns-key-management (CloudWatch and encrypted topics)
  it('notifies an encrypted topic only if the key allows it', async () => {
    const { topicArn, queueUrl } = await createInbox();
    const kms = client(KMSClient);
    const KeyId = present((await kms.send(new CreateKeyCommand({}))).KeyMetadata?.KeyId);
    await client(SNSClient).send(
      new SetTopicAttributesCommand({
        TopicArn: topicArn,
        AttributeName: 'KmsMasterKeyId',
        AttributeValue: KeyId,
      }),
    );
    const raise = async () => {
      const alarm = await createAlarm(
        { Namespace: unique('Test'), MetricName: 'Nothing', Dimensions: [] },
        { AlarmActions: [topicArn], TreatMissingData: 'ignore' },
      );
      await cloudWatch.send(
        new SetAlarmStateCommand({ AlarmName: alarm, StateValue: 'ALARM', StateReason: 'a test' }),
      );
      return alarm;
    };
    const asMade = present((await kms.send(new GetKeyPolicyCommand({ KeyId }))).Policy);

    await raise();
    const Policy = policy(...JSON.parse(asMade).Statement, {
      Effect: 'Allow',
      Principal: { Service: 'cloudwatch.amazonaws.com' },
      Action: ['kms:Decrypt', 'kms:GenerateDataKey*'],
      Resource: '*',
    });
    await kms.send(new PutKeyPolicyCommand({ KeyId, PolicyName: 'default', Policy }));
    const raisedAlarm = await raise();

    const { Messages = [] } = await client(SQSClient).send(
      new ReceiveMessageCommand({ QueueUrl: queueUrl, WaitTimeSeconds: 10, MaxNumberOfMessages: 10 }),
    );
    const names = Messages.map(({ Body }) => JSON.parse(JSON.parse(present(Body)).Message).AlarmName);

    expect(names).toEqual([raisedAlarm]);
  });
});

function executions(machineArn: string, end: string): Metric {
  const Dimensions = [{ Name: 'StateMachineArn', Value: machineArn }];
  return { Namespace: 'AWS/States', MetricName: `Executions${end}`, Dimensions };
}

async function put({ Namespace, ...metric }: Metric, Value: number, minutesAgo = 0): Promise<void> {
  const Timestamp = new Date(Date.now() - minutesAgo * minute * 1000);
  await cloudWatch.send(
    new PutMetricDataCommand({ Namespace, MetricData: [{ ...metric, Value, Timestamp }] }),
  );
}

/** Creates an alarm for at least one in a minute. Returns its name. */
async function createAlarm(
  metric: Metric,
  options: Partial<PutMetricAlarmCommand['input']> = {},
): Promise<string> {
  const AlarmName = unique('alarm');
  await cloudWatch.send(
    new PutMetricAlarmCommand({
      AlarmName,
      ...metric,
      Statistic: 'Sum',
      Period: minute,
      EvaluationPeriods: 1,
      Threshold: 1,
      ComparisonOperator: 'GreaterThanOrEqualToThreshold',
      TreatMissingData: 'notBreaching',
      ...options,
    }),
  );
  return AlarmName;
}

async function stateOf(alarm: string | undefined) {
  const { MetricAlarms } = await cloudWatch.send(new DescribeAlarmsCommand({ AlarmNames: [present(alarm)] }));
  return MetricAlarms?.[0]?.StateValue;
}

/** A topic, and a queue that is subscribed to it. */
async function createInbox(): Promise<{ topicArn: string; queueUrl: string }> {
  const [sns, sqs] = [client(SNSClient), client(SQSClient)];
  const topicArn = present((await sns.send(new CreateTopicCommand({ Name: unique('topic') }))).TopicArn);
  const queueUrl = present((await sqs.send(new CreateQueueCommand({ QueueName: unique('queue') }))).QueueUrl);
  const { Attributes } = await sqs.send(
    new GetQueueAttributesCommand({ QueueUrl: queueUrl, AttributeNames: ['QueueArn'] }),
  );
  const queueArn = present(Attributes?.['QueueArn']);
  const Policy = policy({
    Effect: 'Allow',
    Principal: { Service: 'sns.amazonaws.com' },
    Action: 'sqs:SendMessage',
    Resource: queueArn,
  });
  await sqs.send(new SetQueueAttributesCommand({ QueueUrl: queueUrl, Attributes: { Policy } }));
  await sns.send(new SubscribeCommand({ TopicArn: topicArn, Protocol: 'sqs', Endpoint: queueArn }));
  return { topicArn, queueUrl };
}

async function createLogGroup(): Promise<string> {
  const logGroupName = `/aws/vendedlogs/states/${unique('group')}`;
  await logs.send(new CreateLogGroupCommand({ logGroupName }));
  return logGroupName;
}

interface MachineOptions {
  fails?: boolean;
  /** Its only state. */
  only?: object;
  logGroup?: string;
  level?: LogLevel;
  withData?: boolean;
  mayLog?: string[];
}

async function createMachine({
  fails = false,
  only = fails ? { Type: 'Fail', Error: 'Bad' } : { Type: 'Pass', End: true },
  logGroup,
  level = 'OFF',
  withData = false,
  mayLog = LOG_DELIVERY,
}: MachineOptions = {}) {
  const logGroupArn = `arn:aws:logs:${region}:${account}:log-group:${logGroup}:*`;
  const { stateMachineArn } = await sfn.send(
    new CreateStateMachineCommand({
      name: unique('machine'),
      roleArn: await machineRole(machineMay(mayLog)),
      definition: JSON.stringify({ StartAt: 'Only', States: { Only: only } }),
      loggingConfiguration: {
        level,
        includeExecutionData: withData,
        destinations: logGroup === undefined ? [] : [{ cloudWatchLogsLogGroup: { logGroupArn } }],
      },
    }),
  );
  return present(stateMachineArn);
}

async function start(stateMachineArn: string, input: object = {}): Promise<void> {
  await sfn.send(new StartExecutionCommand({ stateMachineArn, input: JSON.stringify(input) }));
}

/** The messages of a log group, after one of the given type has arrived. */
async function eventLog(logGroupName: string, last: string): Promise<Record<string, unknown>[]> {
  return eventually(async () => {
    const { events = [] } = await logs.send(new FilterLogEventsCommand({ logGroupName }));
    const found: Record<string, unknown>[] = events.map(({ message }) => JSON.parse(present(message)));
    expect(found).toContainEqual(expect.objectContaining({ type: last }));
    return found;
  });
}
