import {
  CloudWatchClient,
  DescribeAlarmsCommand,
  type MetricAlarm,
  PutMetricAlarmCommand,
  type PutMetricAlarmCommandInput,
  PutMetricDataCommand,
} from '@aws-sdk/client-cloudwatch';
import { SNSClient, SubscribeCommand, UnsubscribeCommand } from '@aws-sdk/client-sns';
import {
  CreateQueueCommand,
  DeleteMessageBatchCommand,
  DeleteQueueCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SetQueueAttributesCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import * as z from 'zod';
import { present } from '../../local-aws/support/present.ts';
import { policy } from '../../local-aws/support/roles.ts';
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

const told = z.object({ AlarmName: z.string(), NewStateValue: z.string() });

/** Hears what topics tell, from now on. */
export interface Inbox {
  /** The states that an alarm has gone into, in their order. */
  heard(alarm: string): string[];
  close(): Promise<void>;
}

/** Subscribes a queue to topics, as whoever is on call would. */
export async function subscribe(topics: readonly string[]): Promise<Inbox> {
  const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: newName('on-call') }));
  const { Attributes } = await sqs.send(
    new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['QueueArn'] }),
  );
  const Endpoint = present(Attributes?.['QueueArn']);
  const Policy = policy({
    Effect: 'Allow',
    Principal: { Service: 'sns.amazonaws.com' },
    Action: 'sqs:SendMessage',
    Resource: Endpoint,
  });
  await sqs.send(new SetQueueAttributesCommand({ QueueUrl, Attributes: { Policy } }));
  const subscriptions = await Promise.all(
    topics.map((TopicArn) =>
      sns.send(new SubscribeCommand({ TopicArn, Protocol: 'sqs', Endpoint, ReturnSubscriptionArn: true })),
    ),
  );

  const heard = new Map<string, string[]>();
  let open = true;
  const listen = async () => {
    while (open) {
      const { Messages = [] } = await sqs.send(
        new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds: 1 }),
      );
      for (const { Body = '' } of Messages) {
        const { Message } = z.object({ Message: z.string() }).parse(JSON.parse(Body));
        const { AlarmName, NewStateValue } = told.parse(JSON.parse(Message));
        heard.set(AlarmName, [...(heard.get(AlarmName) ?? []), NewStateValue]);
      }
      if (Messages.length > 0)
        await sqs.send(
          new DeleteMessageBatchCommand({
            QueueUrl,
            Entries: Messages.map(({ ReceiptHandle }, n) => ({ Id: String(n), ReceiptHandle })),
          }),
        );
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
      await sqs.send(new DeleteQueueCommand({ QueueUrl }));
    },
  };
}
