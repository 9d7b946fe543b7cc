import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { CloudWatchClient, DescribeAlarmsCommand, PutMetricAlarmCommand } from '@aws-sdk/client-cloudwatch';
import {
  CreateApiDestinationCommand,
  CreateArchiveCommand,
  CreateConnectionCommand,
  DescribeReplayCommand,
  EventBridgeClient,
  PutEventsCommand,
  StartReplayCommand,
} from '@aws-sdk/client-eventbridge';
import { InvokeCommand, LambdaClient, PutFunctionEventInvokeConfigCommand } from '@aws-sdk/client-lambda';
import {
  DeleteMessageCommand,
  type Message,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { account, client, region } from './support/clients.ts';
import { eventually } from './support/eventually.ts';
import { createFunction, functionRole, invokeLater } from './support/functions.ts';
import { present } from './support/present.ts';
import { createQueue, lengthOf } from './support/queues.ts';
import { createRole } from './support/roles.ts';
import { connect, createBus, entry, letRulesSend } from './support/rules.ts';
import { unique } from './support/unique.ts';

const events = client(EventBridgeClient);
const sqs = client(SQSClient);
const cloudwatch = client(CloudWatchClient);

const put = (bus: string) => events.send(new PutEventsCommand({ Entries: [entry(bus)] }));

/** A queue that allows rules to send. */
async function deadLetterQueue() {
  const queue = await createQueue();
  await letRulesSend(queue);
  return queue;
}

async function nextMessage(QueueUrl: string): Promise<Message> {
  const { Messages } = await sqs.send(
    new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 10, MessageAttributeNames: ['All'] }),
  );
  return present(Messages?.[0]);
}

const attributesOf = ({ MessageAttributes = {} }: Message) =>
  Object.fromEntries(Object.entries(MessageAttributes).map(([name, { StringValue }]) => [name, StringValue]));

describe('corrected: an event that a rule cannot deliver', () => {
  // eventbridge/latest/userguide/eb-rule-dlq
  it.each([
    ['a queue that refuses', async () => (await createQueue()).arn, 'NO_PERMISSIONS'],
    ['a queue that is not there', async () => `arn:aws:sqs:${region}:${account}:none`, 'NO_RESOURCE'],
    ['a function that refuses', () => createFunction('exports.handler = async () => 1'), 'NO_PERMISSIONS'],
    ['a missing function', async () => `arn:aws:lambda:${region}:${account}:function:none`, 'NO_RESOURCE'],
    ['a missing log group', async () => `arn:aws:logs:${region}:${account}:log-group:/none`, 'NO_RESOURCE'],
  ])('goes to the dead-letter queue at once: %s', async (_what, target, code) => {
    const { EventBusName } = await createBus();
    const [queue, Arn] = await Promise.all([deadLetterQueue(), target()]);
    const rule = await connect(EventBusName, { Arn, DeadLetterConfig: { Arn: queue.arn } });
    const { Entries } = await put(EventBusName);

    const message = await nextMessage(queue.url);

    expect(attributesOf(message)).toEqual({
      RULE_ARN: rule,
      TARGET_ARN: Arn,
      ERROR_CODE: code,
      ERROR_MESSAGE: expect.any(String),
      RETRY_ATTEMPTS: '0',
    });
    expect(JSON.parse(present(message.Body))).toMatchObject({
      id: Entries?.[0]?.EventId,
      source: 'test.source',
      'detail-type': 'Thing Done',
      detail: { n: 1 },
    });
  });

  // eventbridge/latest/userguide/eb-rule-dlq#eb-dlq-permissions
  it('is lost if the queue does not allow the rule', async () => {
    const { EventBusName } = await createBus();
    const [open, closed, refusing] = await Promise.all([deadLetterQueue(), createQueue(), createQueue()]);
    await letRulesSend(closed, 'arn:aws:events:*:*:rule/another-rule');
    for (const queue of [closed, open])
      await connect(EventBusName, { Arn: refusing.arn, DeadLetterConfig: { Arn: queue.arn } });

    await put(EventBusName);
    await nextMessage(open.url);

    expect(await lengthOf(closed.url)).toBe(0);
  });
});

describe('corrected: an event that a rule retries', () => {
  let answers: number[] = [];
  let calls = 0;
  const server = createServer((_request, response) => {
    calls += 1;
    response.statusCode = answers.shift() ?? 503;
    response.end();
  });
  let destination: { Arn: string; RoleArn: string };

  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    // AWS requires https, which the local AWS does not check.
    const InvocationEndpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    const { ConnectionArn } = await events.send(
      new CreateConnectionCommand({
        Name: unique('connection'),
        AuthorizationType: 'API_KEY',
        AuthParameters: { ApiKeyAuthParameters: { ApiKeyName: 'x-key', ApiKeyValue: 'test' } },
      }),
    );
    const { ApiDestinationArn } = await events.send(
      new CreateApiDestinationCommand({
        Name: unique('destination'),
        ConnectionArn,
        InvocationEndpoint,
        HttpMethod: 'POST',
      }),
    );
    const RoleArn = await createRole({ Service: 'events.amazonaws.com' }, [
      { Effect: 'Allow', Action: 'events:InvokeApiDestination', Resource: '*' },
    ]);
    destination = { Arn: present(ApiDestinationArn), RoleArn };
  });
  afterAll(() => new Promise((resolve) => server.close(resolve)));

  const deliver = async (bound: { MaximumRetryAttempts?: number; MaximumEventAgeInSeconds?: number }) => {
    calls = 0;
    const { EventBusName } = await createBus();
    const queue = await deadLetterQueue();
    const DeadLetterConfig = { Arn: queue.arn };
    await connect(EventBusName, { ...destination, DeadLetterConfig, RetryPolicy: bound });
    await put(EventBusName);
    return queue;
  };

  // eventbridge/latest/userguide/eb-rule-retry-policy
  it('is retried until the target accepts it', async () => {
    answers = [503, 429, 200];
    const queue = await deliver({});

    await eventually(async () => expect(calls).toBe(3));
    expect(await lengthOf(queue.url)).toBe(0);
  });

  it('goes to the dead-letter queue after the last attempt', async () => {
    answers = [];
    const { url } = await deliver({ MaximumRetryAttempts: 2 });

    expect(attributesOf(await nextMessage(url))).toMatchObject({
      ERROR_CODE: 'ERROR_FROM_TARGET',
      EXHAUSTED_RETRY_CONDITION: 'MaximumRetryAttempts',
      RETRY_ATTEMPTS: '2',
    });
    expect(calls).toBe(3);
  });

  it('is not retried after a permanent error of the target', async () => {
    answers = [400];
    const { url } = await deliver({});

    expect(attributesOf(await nextMessage(url))).toMatchObject({ RETRY_ATTEMPTS: '0' });
    expect(calls).toBe(1);
  });
});

describe('corrected: an event that a function failed to process', () => {
  const failing = "exports.handler = async () => { throw new TypeError('not like this') }";
  const able = () => functionRole({ Effect: 'Allow', Action: 'sqs:SendMessage', Resource: '*' });

  // lambda/latest/dg/invocation-async-retain-records (destinations)
  // recorded: lambda_ test_assess_lambda_destination_invocation
  it('goes to the destination with function, event and error', async () => {
    const queue = await createQueue();
    const arn = await createFunction(failing, { role: await able() });
    const lambda = client(LambdaClient);
    await lambda.send(
      new PutFunctionEventInvokeConfigCommand({
        FunctionName: arn,
        MaximumRetryAttempts: 0,
        DestinationConfig: { OnFailure: { Destination: queue.arn } },
      }),
    );
    await lambda.send(
      new InvokeCommand({ FunctionName: arn, InvocationType: 'Event', Payload: JSON.stringify({ n: 2 }) }),
    );

    const { Body } = await nextMessage(queue.url);

    expect(JSON.parse(present(Body))).toEqual({
      version: '1.0',
      timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      requestContext: {
        requestId: expect.any(String),
        functionArn: `${arn}:$LATEST`,
        condition: 'RetriesExhausted',
        approximateInvokeCount: 1,
      },
      requestPayload: { n: 2 },
      responseContext: { statusCode: 200, executedVersion: '$LATEST', functionError: 'Unhandled' },
      responsePayload: expect.objectContaining({ errorType: 'TypeError', errorMessage: 'not like this' }),
    });
  });

  // lambda/latest/dg/invocation-async-retain-records (dead-letter queues)
  // recorded: lambda_ test_dead_letter_queue
  it('goes to the dead-letter queue unchanged, with the error as attributes', async () => {
    const queue = await createQueue();
    const arn = await createFunction(failing, { role: await able(), deadLetterQueue: queue.arn });
    await invokeLater(arn, { n: 3 });

    const message = await nextMessage(queue.url);

    expect(JSON.parse(present(message.Body))).toEqual({ n: 3 });
    expect(attributesOf(message)).toEqual({
      RequestID: expect.any(String),
      ErrorCode: '200',
      ErrorMessage: 'not like this',
    });
  });
});

describe('corrected: a replay', () => {
  // eventbridge/latest/APIReference/API_ReplayDestination (FilterArns)
  it('sends events to its rules only', async () => {
    const { EventBusName, EventBusArn } = await createBus();
    const ArchiveName = unique('archive');
    const { ArchiveArn } = await events.send(
      new CreateArchiveCommand({ ArchiveName, EventSourceArn: EventBusArn }),
    );
    const [named, other] = await Promise.all([deadLetterQueue(), deadLetterQueue()]);
    await put(EventBusName);
    const rule = await connect(EventBusName, { Arn: named.arn });
    await connect(EventBusName, { Arn: other.arn });
    const ReplayName = unique('replay');

    await events.send(
      new StartReplayCommand({
        ReplayName,
        EventSourceArn: ArchiveArn,
        EventStartTime: new Date(Date.now() - 60_000),
        EventEndTime: new Date(Date.now() + 60_000),
        Destination: { Arn: EventBusArn, FilterArns: [rule] },
      }),
    );

    await eventually(async () => {
      expect(await events.send(new DescribeReplayCommand({ ReplayName }))).toMatchObject({
        State: 'COMPLETED',
      });
    });
    expect(JSON.parse(present((await nextMessage(named.url)).Body))).toMatchObject({
      'replay-name': ReplayName,
    });
    expect(await lengthOf(other.url)).toBe(0);
  });
});

describe('corrected: the length of a queue', () => {
  // AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics
  it('is a metric for alarms', async () => {
    const { url } = await createQueue();
    const AlarmName = unique('alarm');
    await cloudwatch.send(
      new PutMetricAlarmCommand({
        AlarmName,
        Namespace: 'AWS/SQS',
        MetricName: 'ApproximateNumberOfMessagesVisible',
        Dimensions: [{ Name: 'QueueName', Value: present(url.split('/').at(-1)) }],
        Statistic: 'Maximum',
        Period: 10,
        EvaluationPeriods: 1,
        Threshold: 1,
        ComparisonOperator: 'GreaterThanOrEqualToThreshold',
        TreatMissingData: 'notBreaching',
      }),
    );
    const becomes = (StateValue: 'ALARM' | 'OK') =>
      eventually(async () => {
        const { MetricAlarms } = await cloudwatch.send(
          new DescribeAlarmsCommand({ AlarmNames: [AlarmName] }),
        );
        expect(MetricAlarms).toEqual([expect.objectContaining({ StateValue })]);
      }, 15_000);

    await becomes('OK');
    await sqs.send(new SendMessageCommand({ QueueUrl: url, MessageBody: 'dead-letter-queue' }));
    await becomes('ALARM');

    const { ReceiptHandle } = await nextMessage(url);
    await sqs.send(new DeleteMessageCommand({ QueueUrl: url, ReceiptHandle }));
    await becomes('OK');
  }, 40_000);
});
