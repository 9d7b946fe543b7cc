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
import type { Service } from '../../contracts/services.ts';
import { HIGH_WATER_MARKS } from '../../handlers/shared/high-water-marks.ts';
import { alarmNamed, busLog, sweepTable } from '../../infra/names.ts';
import type { Check } from '../check.ts';
import { logLines } from '../logs.ts';
import type { DeployedSystem } from '../system.ts';
import { assert, CheckFailed, NotApplicable } from '../verdict.ts';

/** What happens by a schedule, or when something is wrong: not waited for by everybody, and somebody may hear of it. */

/** A sweep runs every five minutes. */
const TWO_SWEEPS = 12 * 60_000; // milliseconds

/** docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html: a queue can be used after a second. */
const NEW_QUEUE = 1_000; // milliseconds

/** The topics that the alarms of a service tell. */
async function topicsOf(system: DeployedSystem, service: Service): Promise<string[]> {
  const client = system[service].connection.client(CloudWatchClient);
  const actions = new Set<string>();
  const pages = paginateDescribeAlarms({ client }, { AlarmNamePrefix: alarmNamed(service, '') });
  for await (const { MetricAlarms = [] } of pages)
    for (const { AlarmName = '', AlarmActions = [], ActionsEnabled } of MetricAlarms) {
      assert(ActionsEnabled === true && AlarmActions.length > 0, `the alarm ${AlarmName} tells nobody`);
      for (const action of AlarmActions) actions.add(action);
    }
  assert(actions.size > 0, `there is no alarm whose name begins with ${alarmNamed(service, '')}`);
  return [...actions];
}

/** A queue of our own that is subscribed to a topic; both are taken away at the end. Its URL. */
async function listenTo(
  system: DeployedSystem,
  service: Service,
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
    new SetQueueAttributesCommand({ QueueUrl, Attributes: { Policy: letSend(Endpoint, topicArn) } }),
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
const letSend = (queueArn: string, topicArn: string) =>
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

/** An alarm of our own goes into ALARM, and the topic tells the queue. */
async function alarmIsTold(system: DeployedSystem, service: Service, topicArn: string): Promise<void> {
  const { connection } = system[service];
  const { Attributes: topic = {} } = await connection
    .client(SNSClient)
    .send(new GetTopicAttributesCommand({ TopicArn: topicArn }));
  const { username: AlarmName } = system.newUser();
  const QueueUrl = await listenTo(system, service, topicArn, AlarmName);
  const cloudWatch = connection.client(CloudWatchClient);
  system.cleanup.add({
    description: `the alarm ${AlarmName}`,
    remove: () => cloudWatch.send(new DeleteAlarmsCommand({ AlarmNames: [AlarmName] })),
  });
  await cloudWatch.send(
    new PutMetricAlarmCommand({
      AlarmName,
      AlarmDescription: 'A trial by npm run acceptance. Nothing is wrong, and there is nothing to do.',
      Namespace: 'Acceptance',
      MetricName: 'Nothing',
      Statistic: 'Sum',
      Period: 60,
      EvaluationPeriods: 1,
      Threshold: 1,
      ComparisonOperator: 'GreaterThanOrEqualToThreshold',
      // It stays as it is set.
      TreatMissingData: 'ignore',
      AlarmActions: [topicArn],
    }),
  );
  await cloudWatch.send(
    new SetAlarmStateCommand({
      AlarmName,
      StateValue: 'ALARM',
      StateReason: 'A trial by npm run acceptance',
    }),
  );
  const key = topic['KmsMasterKeyId'];
  await system.eventually(async () => {
    const { Messages = [] } = await connection
      .client(SQSClient)
      .send(new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds: 1 }));
    const told = Messages.map(({ Body = '' }) =>
      raisedAlarm.parse(JSON.parse(notification.parse(JSON.parse(Body)).Message)),
    );
    assert(
      told.some((one) => one.AlarmName === AlarmName && one.NewStateValue === 'ALARM'),
      `${topicArn.split(':').at(-1)}, ${key === undefined ? 'not encrypted' : `encrypted by ${key}`}, has not told of an alarm`,
    );
  });
}

const accountOf = (arn: string): string | undefined => arn.split(':')[4];

const alarmsAreTold = (service: Service, name: string): Check => ({
  name: `operations/alarms-of-${service}`,
  claim: `Every alarm of ${name} has a topic, and the topic tells its subscribers of an alarm.`,
  full: true,
  async run(system) {
    const topics = await topicsOf(system, service);
    const elsewhere = topics.find((topic) => accountOf(topic) !== accountOf(system[service].arn));
    if (elsewhere !== undefined)
      throw new NotApplicable(`the topic ${elsewhere} is of another account, which has to be asked there`);
    for (const topic of topics) await alarmIsTold(system, service, topic);
    return `${topics.map((arn) => arn.split(':').at(-1)).join(', ')} told of a trial`;
  },
});

/** When a sweep has last written what it knows. */
async function sweptAt(system: DeployedSystem, service: Service): Promise<number> {
  const { Item } = await system[service].connection
    .client(DynamoDBClient)
    .send(new GetItemCommand({ TableName: sweepTable(service), Key: { id: { S: HIGH_WATER_MARKS } } }));
  return Date.parse(Item?.['written_at']?.S ?? '') || 0;
}

const sweepsTwice = (service: Service, name: string): Check => ({
  name: `operations/sweeps-of-${service}`,
  claim: `The sweep of ${name} runs by its schedule, twice.`,
  full: true,
  waits: true,
  async run(system) {
    const first = await nextSweep(system, service, await sweptAt(system, service));
    const second = await nextSweep(system, service, first);
    return `at ${new Date(first).toISOString()} and ${new Date(second).toISOString()}`;
  },
});

const nextSweep = (system: DeployedSystem, service: Service, after: number): Promise<number> =>
  system.eventually(
    async () => {
      const at = await sweptAt(system, service);
      assert(at > after, `the sweep of ${service} has not run since ${new Date(after).toISOString()}`);
      return at;
    },
    Math.max(system.timeout, TWO_SWEEPS / 2),
  );

export const operationChecks: readonly Check[] = [
  {
    name: 'operations/rotation',
    claim: "App1's credentials are rotated, told on the bus, and App1 goes on with the new ones.",
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
          `no event tells of the version ${VersionId}`,
        );
      });
      await system.machineToken();
      const { provisioning } = await system.provision();
      if (provisioning.status !== 'SUCCEEDED')
        throw new CheckFailed(
          `a provisioning after it ended as ${provisioning.status} ${provisioning.error?.code}`,
        );
      return `version ${VersionId}`;
    },
  },
  alarmsAreTold('app1', 'App1'),
  alarmsAreTold('app2', 'App2'),
  sweepsTwice('app1', 'App1'),
  sweepsTwice('app2', 'App2'),
];
