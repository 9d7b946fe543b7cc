import {
  CloudWatchClient,
  DescribeAlarmsCommand,
  type MetricAlarm,
  PutMetricAlarmCommand,
  type PutMetricAlarmCommandInput,
  PutMetricDataCommand,
} from '@aws-sdk/client-cloudwatch';
import { SNSClient, SubscribeCommand, UnsubscribeCommand } from '@aws-sdk/client-sns';
import { DeleteQueueCommand, SQSClient } from '@aws-sdk/client-sqs';
import * as z from 'zod';
import { present } from '../../local-aws/support/present.ts';
import { openQueue, take } from '../../support/queues.ts';
import { configuration, newName } from './deployed.ts';

/** The alarms of the deployed system, and a subscriber of their topics. */

const cloudWatch = new CloudWatchClient(configuration);
const sns = new SNSClient(configuration);
const sqs = new SQSClient(configuration);

export async function deployedAlarms(): Promise<MetricAlarm[]> {
  const { MetricAlarms = [] } = await cloudWatch.send(new DescribeAlarmsCommand({ MaxRecords: 100 }));
  return MetricAlarms.filter(({ AlarmName = '' }) => /^app[12]-/.test(AlarmName));
}

/** Evaluation period of an alarm in tests, in seconds; on AWS it is minutes. */
const PERIOD = 10;

/** Shortens the evaluation of alarms to one period of ten seconds. `overrides` changes thresholds, by alarm name. */
export const shortenPeriods = (
  alarms: readonly MetricAlarm[],
  overrides: Record<string, { Threshold: number }> = {},
) =>
  Promise.all(
    alarms.map((alarm) =>
      put({
        ...alarm,
        Period: PERIOD,
        EvaluationPeriods: 1,
        DatapointsToAlarm: 1,
        ...overrides[present(alarm.AlarmName)],
      }),
    ),
  );

/** Restores alarms as they were deployed. */
export const restoreAlarms = (alarms: readonly MetricAlarm[]) => Promise.all(alarms.map(put));

async function put(alarm: MetricAlarm): Promise<void> {
  const { AlarmName, ComparisonOperator, EvaluationPeriods } = alarm;
  const input: PutMetricAlarmCommandInput = {
    ...alarm,
    AlarmName: present(AlarmName),
    ComparisonOperator: present(ComparisonOperator),
    EvaluationPeriods: present(EvaluationPeriods),
  };
  await cloudWatch.send(new PutMetricAlarmCommand(input));
}

/** Puts a data point that raises an alarm, for conditions that the local AWS cannot produce. */
export async function putBreachingMetric({
  Namespace,
  MetricName,
  Dimensions,
  Threshold = 1,
}: MetricAlarm): Promise<void> {
  await cloudWatch.send(
    new PutMetricDataCommand({ Namespace, MetricData: [{ MetricName, Dimensions, Value: Threshold }] }),
  );
}

/** Envelope of an SNS message. */
const notification = z.object({ Message: z.string() });
const stateChange = z.object({ AlarmName: z.string(), NewStateValue: z.string() });

/** Receives the notifications of topics, from its creation until it is closed. */
export interface Inbox {
  /** States that an alarm has entered, in their order. */
  statesOf(alarm: string): string[];
  close(): Promise<void>;
}

/** Subscribes a queue to topics, as an operator on call does. */
export async function subscribe(topics: readonly string[]): Promise<Inbox> {
  const queue = await openQueue(sqs, newName('on-call'), 'sns.amazonaws.com');
  const subscriptions = await Promise.all(
    topics.map((TopicArn) =>
      sns.send(
        new SubscribeCommand({ TopicArn, Protocol: 'sqs', Endpoint: queue.arn, ReturnSubscriptionArn: true }),
      ),
    ),
  );

  const received = new Map<string, string[]>();
  let open = true;
  const listen = async () => {
    while (open) {
      for (const sent of await take(sqs, queue)) {
        const { AlarmName, NewStateValue } = stateChange.parse(JSON.parse(notification.parse(sent).Message));
        received.set(AlarmName, [...(received.get(AlarmName) ?? []), NewStateValue]);
      }
    }
  };
  const listening = listen();
  return {
    statesOf: (alarm) => received.get(alarm) ?? [],
    close: async () => {
      open = false;
      await listening;
      await Promise.all(
        subscriptions.map(({ SubscriptionArn }) => sns.send(new UnsubscribeCommand({ SubscriptionArn }))),
      );
      await sqs.send(new DeleteQueueCommand({ QueueUrl: queue.url }));
    },
  };
}
