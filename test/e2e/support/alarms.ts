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

/** The alarms of the deployed system, and whoever has subscribed to their topics. */

const cloudWatch = new CloudWatchClient(configuration);
const sns = new SNSClient(configuration);
const sqs = new SQSClient(configuration);

export async function deployedAlarms(): Promise<MetricAlarm[]> {
  const { MetricAlarms = [] } = await cloudWatch.send(new DescribeAlarmsCommand({ MaxRecords: 100 }));
  return MetricAlarms.filter(({ AlarmName = '' }) => /^app[12]-/.test(AlarmName));
}

/** Seconds of the one period that an alarm of the tests looks at; on AWS it is minutes. */
const PERIOD = 10;

/** Has alarms look at the last seconds instead of the last minutes; nothing else of them changes but what `over` says. */
export const quicken = (alarms: readonly MetricAlarm[], over: Record<string, { Threshold: number }> = {}) =>
  Promise.all(
    alarms.map((alarm) =>
      put({
        ...alarm,
        Period: PERIOD,
        EvaluationPeriods: 1,
        DatapointsToAlarm: 1,
        ...over[present(alarm.AlarmName)],
      }),
    ),
  );

/** Has alarms be as they were. */
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

/** Puts what an alarm waits for where AWS would, when that cannot be caused here. */
export async function putWhatItWaitsFor({
  Namespace,
  MetricName,
  Dimensions,
  Threshold = 1,
}: MetricAlarm): Promise<void> {
  await cloudWatch.send(
    new PutMetricDataCommand({ Namespace, MetricData: [{ MetricName, Dimensions, Value: Threshold }] }),
  );
}

/** What a topic puts around a message. */
const notification = z.object({ Message: z.string() });
const told = z.object({ AlarmName: z.string(), NewStateValue: z.string() });

/** Hears what topics tell, from now on. */
export interface Inbox {
  /** The states that an alarm has gone into, in their order. */
  heard(alarm: string): string[];
  close(): Promise<void>;
}

/** Subscribes a queue to topics, as whoever is on call would. */
export async function subscribe(topics: readonly string[]): Promise<Inbox> {
  const queue = await openQueue(sqs, newName('on-call'), 'sns.amazonaws.com');
  const subscriptions = await Promise.all(
    topics.map((TopicArn) =>
      sns.send(
        new SubscribeCommand({ TopicArn, Protocol: 'sqs', Endpoint: queue.arn, ReturnSubscriptionArn: true }),
      ),
    ),
  );

  const heard = new Map<string, string[]>();
  let open = true;
  const listen = async () => {
    while (open) {
      for (const sent of await take(sqs, queue)) {
        const { AlarmName, NewStateValue } = told.parse(JSON.parse(notification.parse(sent).Message));
        heard.set(AlarmName, [...(heard.get(AlarmName) ?? []), NewStateValue]);
      }
    }
  };
  const listening = listen();
  return {
    heard: (alarm) => heard.get(alarm) ?? [],
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
