import {
  CloudWatchClient,
  DeleteAlarmsCommand,
  PutMetricAlarmCommand,
  paginateDescribeAlarms,
  SetAlarmStateCommand,
} from '@aws-sdk/client-cloudwatch';
import { DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb';
import {
  GetSecretValueCommand,
  RotateSecretCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import {
  GetTopicAttributesCommand,
  SNSClient,
  SubscribeCommand,
  UnsubscribeCommand,
} from '@aws-sdk/client-sns';
import {
  CreateQueueCommand,
  DeleteQueueCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SetQueueAttributesCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import * as z from 'zod';
import { readEvent } from '../../contracts/events/subscriber.ts';
import type { ServiceKind } from '../../contracts/services.ts';
import { HIGH_WATER_MARKS } from '../../handlers/shared/high-water-marks.ts';
import { alarmNamed, busLog, sweepTable } from '../../infra/names.ts';
import type { Check } from '../check.ts';
import { logLines } from '../logs.ts';
import type { DeployedSystem } from '../system.ts';
import { assert, CheckFailed, NotApplicable } from '../verdict.ts';

/** Scheduled operations and alarms. These checks take minutes or notify people, so they need `--full`. */

/** A sweep runs every five minutes. */
const TWO_SWEEPS = 12 * 60_000; // milliseconds

/** docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html: a queue can be used after a second. */
const NEW_QUEUE = 1_000; // milliseconds

/** The topics that the alarms of a service notify. */
async function topicsOf(system: DeployedSystem, service: ServiceKind): Promise<string[]> {
  const { connection, name } = system[service];
  const client = connection.client(CloudWatchClient);
  const actions = new Set<string>();
  const AlarmNamePrefix = alarmNamed(name, '');
  const pages = paginateDescribeAlarms({ client }, { AlarmNamePrefix });
  for await (const { MetricAlarms = [] } of pages)
    for (const { AlarmName = '', AlarmActions = [], ActionsEnabled } of MetricAlarms) {
      assert(ActionsEnabled === true && AlarmActions.length > 0, `the alarm ${AlarmName} has no action`);
      for (const action of AlarmActions) actions.add(action);
    }
  assert(actions.size > 0, `there is no alarm whose name starts with ${AlarmNamePrefix}`);
  return [...actions];
}

/** Subscribes a new queue to a topic and returns its URL. Both are removed at the end. */
async function subscribeQueue(
  system: DeployedSystem,
  service: ServiceKind,
  topicArn: string,
  name: string,
): Promise<string> {
  const { connection } = system[service];
  const sqs = connection.client(SQSClient);
  const sns = connection.client(SNSClient);
  const { QueueUrl = '' } = await sqs.send(new CreateQueueCommand({ QueueName: name }));
  system.cleanup.add({
    description: `the queue ${name}`,
    remove: () => sqs.send(new DeleteQueueCommand({ QueueUrl })),
  });
  await system.clock.sleep(NEW_QUEUE);
  const { Attributes = {} } = await sqs.send(
    new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['QueueArn'] }),
  );
  const Endpoint = Attributes['QueueArn'] ?? '';
  await sqs.send(
    new SetQueueAttributesCommand({ QueueUrl, Attributes: { Policy: allowPolicy(Endpoint, topicArn) } }),
  );
  const { SubscriptionArn } = await sns.send(
    new SubscribeCommand({ TopicArn: topicArn, Protocol: 'sqs', Endpoint, ReturnSubscriptionArn: true }),
  );
  system.cleanup.add({
    description: `the subscription of ${name}`,
    remove: () => sns.send(new UnsubscribeCommand({ SubscriptionArn })),
  });
  return QueueUrl;
}

/** docs.aws.amazon.com/sns/latest/dg/subscribe-sqs-queue-to-sns-topic.html */
const allowPolicy = (queueArn: string, topicArn: string) =>
  JSON.stringify({
    Version: '2012-10-17',
    Statement: [
      {
        Effect: 'Allow',
        Principal: { Service: 'sns.amazonaws.com' },
        Action: 'sqs:SendMessage',
        Resource: queueArn,
        Condition: { ArnEquals: { 'aws:SourceArn': topicArn } },
      },
    ],
  });

const notification = z.object({ Message: z.string() });
const raisedAlarm = z.object({ AlarmName: z.string(), NewStateValue: z.string() });

/** Sets a new alarm to ALARM and waits until the topic delivers the notification to a queue. */
async function checkAlarmDelivery(
  system: DeployedSystem,
  service: ServiceKind,
  topicArn: string,
): Promise<void> {
  const { connection } = system[service];
  const { Attributes: topic = {} } = await connection
    .client(SNSClient)
    .send(new GetTopicAttributesCommand({ TopicArn: topicArn }));
  const { username: AlarmName } = system.newUser();
  const QueueUrl = await subscribeQueue(system, service, topicArn, AlarmName);
  const cloudWatch = connection.client(CloudWatchClient);
  system.cleanup.add({
    description: `the alarm ${AlarmName}`,
    remove: () => cloudWatch.send(new DeleteAlarmsCommand({ AlarmNames: [AlarmName] })),
  });
  await cloudWatch.send(
    new PutMetricAlarmCommand({
      AlarmName,
      AlarmDescription: 'A test by npm run acceptance. No action is needed.',
      Namespace: 'Acceptance',
      MetricName: 'Nothing',
      Statistic: 'Sum',
      Period: 60,
      EvaluationPeriods: 1,
      Threshold: 1,
      ComparisonOperator: 'GreaterThanOrEqualToThreshold',
      // The alarm keeps the state that is set.
      TreatMissingData: 'ignore',
      AlarmActions: [topicArn],
    }),
  );
  await cloudWatch.send(
    new SetAlarmStateCommand({
      AlarmName,
      StateValue: 'ALARM',
      StateReason: 'A test by npm run acceptance',
    }),
  );
  const key = topic['KmsMasterKeyId'];
  await system.eventually(async () => {
    const { Messages = [] } = await connection
      .client(SQSClient)
      .send(new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds: 1 }));
    const alarms = Messages.map(({ Body = '' }) =>
      raisedAlarm.parse(JSON.parse(notification.parse(JSON.parse(Body)).Message)),
    );
    assert(
      alarms.some((one) => one.AlarmName === AlarmName && one.NewStateValue === 'ALARM'),
      `${topicArn.split(':').at(-1)}, ${key === undefined ? 'not encrypted' : `encrypted by ${key}`}, has not delivered an alarm`,
    );
  });
}

const accountOf = (arn: string): string | undefined => arn.split(':')[4];

/** The services of the acceptance in names and claims of checks. */
const SERVICES = {
  app1: { suffix: 'app1', title: 'App1' },
  app2: { suffix: 'target', title: 'the target' },
} as const satisfies Record<ServiceKind, object>;

const alarmDeliveryCheck = (service: ServiceKind): Check => ({
  name: `operations/alarms-of-${SERVICES[service].suffix}`,
  claim: `Every alarm of ${SERVICES[service].title} has a topic, and the topic delivers alarms to its subscribers.`,
  full: true,
  async run(system) {
    const topics = await topicsOf(system, service);
    const otherAccountTopic = topics.find((topic) => accountOf(topic) !== accountOf(system[service].arn));
    if (otherAccountTopic !== undefined)
      throw new NotApplicable(
        `the topic ${otherAccountTopic} belongs to another account and has to be checked there`,
      );
    for (const topic of topics) await checkAlarmDelivery(system, service, topic);
    return `${topics.map((arn) => arn.split(':').at(-1)).join(', ')} delivered a test alarm`;
  },
});

/** The time at which a sweep has last written its state. */
async function readSweepTime(system: DeployedSystem, service: ServiceKind): Promise<number> {
  const { Item } = await system[service].connection.client(DynamoDBClient).send(
    new GetItemCommand({
      TableName: sweepTable(system[service].name),
      Key: { id: { S: HIGH_WATER_MARKS } },
    }),
  );
  return Date.parse(Item?.['written_at']?.S ?? '') || 0;
}

const sweepCheck = (service: ServiceKind): Check => ({
  name: `operations/sweeps-of-${SERVICES[service].suffix}`,
  claim: `The sweep of ${SERVICES[service].title} runs by its schedule, twice.`,
  full: true,
  runsInParallel: true,
  async run(system) {
    const first = await waitForSweep(system, service, await readSweepTime(system, service));
    const second = await waitForSweep(system, service, first);
    return `at ${new Date(first).toISOString()} and ${new Date(second).toISOString()}`;
  },
});

const waitForSweep = (system: DeployedSystem, service: ServiceKind, after: number): Promise<number> =>
  system.eventually(
    async () => {
      const at = await readSweepTime(system, service);
      assert(
        at > after,
        `the sweep of ${system[service].name} has not run since ${new Date(after).toISOString()}`,
      );
      return at;
    },
    Math.max(system.timeout, TWO_SWEEPS / 2),
  );

export const operationChecks: readonly Check[] = [
  {
    name: 'operations/rotation',
    claim: "App1's credentials are rotated, the event is on the bus, and App1 uses the new credentials.",
    full: true,
    async run(system) {
      const { connection, outputs } = system.app2;
      const secrets = connection.client(SecretsManagerClient);
      const secret = { SecretId: outputs.credentials_secret_arn };
      const { VersionId } = await secrets.send(new RotateSecretCommand(secret));
      await system.eventually(async () => {
        const current = await secrets.send(new GetSecretValueCommand(secret));
        assert(current.VersionId === VersionId, `the version ${VersionId} has not become AWSCURRENT`);
      });
      await system.eventually(async () => {
        const lines = await logLines(system, 'app2', busLog(outputs.event_bus_name), VersionId ?? '');
        assert(
          lines.some((line) => readEvent(JSON.parse(line))['detail-type'] === 'MachineCredentialsRotated'),
          `there is no event for the version ${VersionId}`,
        );
      });
      await system.machineToken();
      const { provisioning } = await system.provision();
      if (provisioning.status !== 'SUCCEEDED')
        throw new CheckFailed(
          `a provisioning after the rotation finished as ${provisioning.status} ${provisioning.error?.code}`,
        );
      return `version ${VersionId}`;
    },
  },
  alarmDeliveryCheck('app1'),
  alarmDeliveryCheck('app2'),
  sweepCheck('app1'),
  sweepCheck('app2'),
];
