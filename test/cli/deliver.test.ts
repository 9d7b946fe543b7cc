import {
  CloudWatchLogsClient,
  CreateLogStreamCommand,
  PutLogEventsCommand,
} from '@aws-sdk/client-cloudwatch-logs';
import {
  DescribeEventBusCommand,
  EventBridgeClient,
  ListTargetsByRuleCommand,
  PutEventsCommand,
} from '@aws-sdk/client-eventbridge';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { GetQueueUrlCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { planner } from '../../cli/support/deliver.ts';
import { readLetter } from '../../cli/support/letter.ts';
import { sdkError } from '../support/sdk-errors.ts';
import {
  event,
  functionArn,
  logGroupArn,
  queueArn,
  ruleArn,
  undelivered,
  unhandled,
} from './support/letters.ts';

const eventBridge = mockClient(EventBridgeClient);
const lambda = mockClient(LambdaClient);
const logs = mockClient(CloudWatchLogsClient);
const sqs = mockClient(SQSClient);
const mocks = [eventBridge, lambda, logs, sqs];
const NOW = Date.parse('2026-01-02T00:00:00Z');

let plan: ReturnType<typeof planner>;
beforeEach(() => {
  for (const mock of mocks) mock.reset();
  const targets = [logGroupArn, functionArn, queueArn].map((Arn, n) => ({ Id: `${n}`, Arn }));
  eventBridge.on(ListTargetsByRuleCommand).resolves({ Targets: targets });
  plan = planner(
    {
      eventBridge: new EventBridgeClient({}),
      lambda: new LambdaClient({}),
      logs: new CloudWatchLogsClient({}),
      sqs: new SQSClient({}),
    },
    () => NOW,
  );
});

/** A payload as the SDK gives it. */
const blob = (text: string) => Object.assign(Buffer.from(text), { transformToString: () => text });

const taken = async (message: Parameters<typeof readLetter>[0]) =>
  (await plan(readLetter(message))).deliver();
const calls = () => mocks.flatMap((mock) => mock.calls().map(({ args }) => args[0]));

describe('an undelivered event', () => {
  it('goes to the log group, into a stream of its own, with the time at which it comes there', async () => {
    logs.on(CreateLogStreamCommand).resolves({}).on(PutLogEventsCommand).resolves({});

    await taken(undelivered());

    const place = { logGroupName: '/aws/events/app1-provisioning', logStreamName: 'redriven/e-1' };
    expect(logs.commandCalls(CreateLogStreamCommand)[0]?.args[0].input).toEqual(place);
    expect(logs.commandCalls(PutLogEventsCommand).map(({ args }) => args[0].input)).toEqual([
      { ...place, logEvents: [{ timestamp: NOW, message: JSON.stringify(event) }] },
    ]);
  });

  it('goes to the log group also when an earlier attempt made the stream', async () => {
    logs.on(CreateLogStreamCommand).rejects(sdkError('ResourceAlreadyExistsException'));
    logs.on(PutLogEventsCommand).resolves({});

    await expect(taken(undelivered())).resolves.toBeUndefined();
  });

  it('is not taken when CloudWatch Logs answers with success and rejects it', async () => {
    logs.on(CreateLogStreamCommand).resolves({});
    logs.on(PutLogEventsCommand).resolves({ rejectedLogEventsInfo: { tooOldLogEventEndIndex: 1 } });

    await expect(taken(undelivered())).rejects.toThrow('CloudWatch Logs rejects the event.');
  });

  it('goes to the function and waits for its answer', async () => {
    lambda.on(InvokeCommand).resolves({ StatusCode: 200 });

    await taken(undelivered({ target: functionArn }));

    expect(lambda.commandCalls(InvokeCommand).map(({ args }) => args[0].input)).toEqual([
      { FunctionName: functionArn, Payload: JSON.stringify(event) },
    ]);
  });

  it('goes to the queue', async () => {
    sqs
      .on(GetQueueUrlCommand, { QueueName: 'of-a-subscriber', QueueOwnerAWSAccountId: '111122223333' })
      .resolves({
        QueueUrl: 'https://queue',
      });
    sqs.on(SendMessageCommand).resolves({});

    await taken(undelivered({ target: queueArn }));

    expect(sqs.commandCalls(SendMessageCommand)[0]?.args[0].input).toEqual({
      QueueUrl: 'https://queue',
      MessageBody: JSON.stringify(event),
    });
  });

  it.each([
    ['arn:aws:events:r:111122223333:rule/a-bus/a-rule', { Rule: 'a-rule', EventBusName: 'a-bus' }],
    ['arn:aws:events:r:111122223333:rule/a-rule', { Rule: 'a-rule', EventBusName: 'default' }],
    [
      'arn:aws:events:r:444455556666:rule/a-bus/a-rule',
      { Rule: 'a-rule', EventBusName: 'arn:aws:events:r:444455556666:event-bus/a-bus' },
    ],
    [
      'arn:aws:events:r:111122223333:rule/aws.partner/x.com/y/a-rule',
      { Rule: 'a-rule', EventBusName: 'aws.partner/x.com/y' },
    ],
  ])('is looked for at its rule: %s', async (rule, asked) => {
    await plan(readLetter(undelivered({ rule })));

    expect(eventBridge.commandCalls(ListTargetsByRuleCommand)[0]?.args[0].input).toEqual(asked);
  });

  it('asks for the targets of a rule once', async () => {
    await Promise.all([plan(readLetter(undelivered())), plan(readLetter(undelivered()))]);

    expect(eventBridge.commandCalls(ListTargetsByRuleCommand)).toHaveLength(1);
  });

  it('finds a target on the second page, too', async () => {
    eventBridge.reset();
    eventBridge.on(ListTargetsByRuleCommand).resolves({ Targets: [], NextToken: 'more' });
    eventBridge
      .on(ListTargetsByRuleCommand, { NextToken: 'more' })
      .resolves({ Targets: [{ Id: 'x', Arn: logGroupArn }] });

    await expect(plan(readLetter(undelivered()))).resolves.toMatchObject({
      to: 'log-group /aws/events/app1-provisioning',
    });
  });
});

describe('an event that a rule could not forward', () => {
  const busArn = 'arn:aws:events:eu-central-1:111122223333:event-bus/of-a-subscriber';
  const body = { ...event, detail: { n: 1 }, time: '2026-01-01T00:00:00Z', resources: [] };
  beforeEach(() => {
    eventBridge.on(ListTargetsByRuleCommand).resolves({ Targets: [{ Id: '0', Arn: busArn }] });
    eventBridge.on(DescribeEventBusCommand, { Name: busArn }).resolves({ Arn: busArn });
  });

  it('is put on the bus as it was', async () => {
    eventBridge.on(PutEventsCommand).resolves({ Entries: [{ EventId: 'e-2' }] });

    await taken(undelivered({ target: busArn, body }));

    expect(eventBridge.commandCalls(PutEventsCommand)[0]?.args[0].input).toEqual({
      Entries: [
        {
          EventBusName: busArn,
          Source: 'app1.provisioning',
          DetailType: 'ServiceUserProvisioned',
          Detail: '{"n":1}',
          Time: new Date('2026-01-01T00:00:00Z'),
          Resources: [],
        },
      ],
    });
  });

  it('is not taken when the bus refuses it in an answer of success', async () => {
    eventBridge
      .on(PutEventsCommand)
      .resolves({ FailedEntryCount: 1, Entries: [{ ErrorCode: 'InternalFailure' }] });

    await expect(taken(undelivered({ target: busArn, body }))).rejects.toThrow(
      'refuses the event: InternalFailure',
    );
  });

  it('is not put on a bus that is not there, which would answer with success', async () => {
    eventBridge.on(DescribeEventBusCommand).rejects(sdkError('ResourceNotFoundException'));

    await expect(taken(undelivered({ target: busArn, body }))).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
    });
    expect(eventBridge.commandCalls(PutEventsCommand)).toEqual([]);
  });
});

describe('nothing is delivered', () => {
  const refused = (message: Parameters<typeof readLetter>[0], reason: string) =>
    expect(taken(message)).rejects.toMatchObject({
      name: 'NotTaken',
      message: expect.stringContaining(reason),
    });

  it('to a target that the rule does not have any more', async () => {
    eventBridge.on(ListTargetsByRuleCommand).resolves({ Targets: [{ Id: '0', Arn: functionArn }] });
    await refused(undelivered(), 'does not have this target any more');
  });

  it('of a rule that is gone', async () => {
    eventBridge.on(ListTargetsByRuleCommand).rejects(sdkError('ResourceNotFoundException'));
    await refused(undelivered({ rule: `${ruleArn}-gone` }), 'not there any more');
  });

  it.each([{ Input: '{}' }, { InputPath: '$.detail' }, { InputTransformer: { InputTemplate: '<a>' } }])(
    'to a target that gets something else: %j',
    async (change) => {
      eventBridge
        .on(ListTargetsByRuleCommand)
        .resolves({ Targets: [{ Id: '0', Arn: logGroupArn, ...change }] });
      await refused(undelivered(), 'changes what this target gets');
    },
  );

  it('to a target of a kind that is not known', async () => {
    const machine = 'arn:aws:states:eu-central-1:111122223333:stateMachine:M';
    eventBridge.on(ListTargetsByRuleCommand).resolves({ Targets: [{ Id: '0', Arn: machine }] });
    await refused(undelivered({ target: machine }), 'Targets of states are not delivered to');
  });

  it('and nothing else is called then', async () => {
    eventBridge.on(ListTargetsByRuleCommand).resolves({ Targets: [] });
    await refused(undelivered(), 'any more');
    expect(calls().map((command) => command.constructor.name)).toEqual(['ListTargetsByRuleCommand']);
  });
});

describe('what a function could not handle', () => {
  it('goes to that function again, whatever rules there are', async () => {
    lambda.on(InvokeCommand).resolves({ StatusCode: 200 });

    await expect(plan(readLetter(unhandled()))).resolves.toMatchObject({
      to: 'function app1-sweep-provisionings',
    });
    await taken(unhandled());

    expect(lambda.commandCalls(InvokeCommand)[0]?.args[0].input).toEqual({
      FunctionName: `${functionArn}:$LATEST`,
      Payload: JSON.stringify(event),
    });
    expect(eventBridge.calls()).toEqual([]);
  });

  it('is not taken when the function fails again; its error is named, and not quoted', async () => {
    lambda.on(InvokeCommand).resolves({
      FunctionError: 'Unhandled',
      Payload: blob('{"errorType":"StillNo","errorMessage":"a secret"}'),
    });

    await expect(taken(unhandled())).rejects.toMatchObject({
      name: 'NotTaken',
      message: 'The function failed: StillNo. Its log says more.',
    });
  });
});
