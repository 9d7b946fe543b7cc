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
  type Target,
} from '@aws-sdk/client-eventbridge';
import { GetFunctionEventInvokeConfigCommand, InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { GetQueueUrlCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { readMessage } from '../../cli/support/dead-letter-message.ts';
import { planner } from '../../cli/support/deliver.ts';
import { isRedelivery } from '../../contracts/redelivery.ts';
import { sdkError } from '../support/sdk-errors.ts';
import {
  deadLetterQueueArn,
  event,
  functionArn,
  logGroupArn,
  queueArn,
  ruleArn,
  undeliveredEvent,
  unhandled,
} from './support/dead-letter-messages.ts';

const eventBridge = mockClient(EventBridgeClient);
const lambda = mockClient(LambdaClient);
const logs = mockClient(CloudWatchLogsClient);
const sqs = mockClient(SQSClient);
const mocks = [eventBridge, lambda, logs, sqs];
const NOW = Date.parse('2026-01-02T00:00:00Z');

let plan: ReturnType<typeof planner>;
beforeEach(() => {
  for (const mock of mocks) mock.reset();
  ruleHasTargets(logGroupArn, functionArn, queueArn);
  onFailureDestinationIs(deadLetterQueueArn);
  plan = planFor(undefined);
});

const planFor = (policy: string | undefined) =>
  planner(
    {
      eventBridge: new EventBridgeClient({}),
      lambda: new LambdaClient({}),
      logs: new CloudWatchLogsClient({}),
      sqs: new SQSClient({}),
    },
    { arn: deadLetterQueueArn, policy },
    () => NOW,
  );

/** A target of the rule whose dead-letter queue is the redriven one. */
const target = (Arn: string): Target => ({ Id: Arn, Arn, DeadLetterConfig: { Arn: deadLetterQueueArn } });
const ruleHasTargets = (...arns: string[]) =>
  eventBridge.on(ListTargetsByRuleCommand).resolves({ Targets: arns.map(target) });
/** Sets the function's destination for failed events. */
const onFailureDestinationIs = (Destination: string) =>
  lambda
    .on(GetFunctionEventInvokeConfigCommand)
    .resolves({ DestinationConfig: { OnFailure: { Destination } } });
/** A policy of the queue that allows a rule to send to it. */
const policyFor = (rule: string, over: object = {}) =>
  JSON.stringify({
    Version: '2012-10-17',
    Statement: [
      {
        Effect: 'Allow',
        Principal: { Service: 'events.amazonaws.com' },
        Action: 'sqs:SendMessage',
        Resource: deadLetterQueueArn,
        Condition: { ArnEquals: { 'aws:SourceArn': rule } },
        ...over,
      },
    ],
  });

/** A payload as the SDK returns it. */
const blob = (text: string) => Object.assign(Buffer.from(text), { transformToString: () => text });

const deliver = async (message: Parameters<typeof readMessage>[0]) =>
  (await plan(readMessage(message))).deliver();
const calls = () => mocks.flatMap((mock) => mock.calls().map(({ args }) => args[0]));

describe('an undelivered event', () => {
  it('is written to the log group into its own log stream with the current timestamp', async () => {
    logs.on(CreateLogStreamCommand).resolves({}).on(PutLogEventsCommand).resolves({});

    await deliver(undeliveredEvent());

    const logStream = { logGroupName: '/aws/events/app1-provisioning', logStreamName: 'redriven/e-1' };

    expect(logs.commandCalls(CreateLogStreamCommand)[0]?.args[0].input).toEqual(logStream);
    expect(logs.commandCalls(PutLogEventsCommand).map(({ args }) => args[0].input)).toEqual([
      { ...logStream, logEvents: [{ timestamp: NOW, message: JSON.stringify(event) }] },
    ]);
  });

  it('is written to the log group also when the log stream exists', async () => {
    logs.on(CreateLogStreamCommand).rejects(sdkError('ResourceAlreadyExistsException'));
    logs.on(PutLogEventsCommand).resolves({});

    await expect(deliver(undeliveredEvent())).resolves.toBeUndefined();
  });

  it('is not delivered when CloudWatch Logs rejects it in a successful response', async () => {
    logs.on(CreateLogStreamCommand).resolves({});
    logs.on(PutLogEventsCommand).resolves({ rejectedLogEventsInfo: { tooOldLogEventEndIndex: 1 } });

    await expect(deliver(undeliveredEvent())).rejects.toThrow('CloudWatch Logs rejects the event.');
  });

  it('is delivered to the function synchronously', async () => {
    lambda.on(InvokeCommand).resolves({ StatusCode: 200 });

    await deliver(undeliveredEvent({ target: functionArn }));

    expect(lambda.commandCalls(InvokeCommand).map(({ args }) => args[0].input)).toEqual([
      { FunctionName: functionArn, Payload: JSON.stringify(event), ClientContext: expect.any(String) },
    ]);
  });

  it('is delivered to the function unchanged, with a mark of the redelivery', async () => {
    lambda.on(InvokeCommand).resolves({ StatusCode: 200 });

    await deliver(undeliveredEvent({ target: functionArn }));

    const { ClientContext = '', Payload } = lambda.commandCalls(InvokeCommand)[0]?.args[0].input ?? {};
    const clientContext: unknown = JSON.parse(Buffer.from(ClientContext, 'base64').toString());

    expect(isRedelivery({ clientContext })).toBe(true);
    expect(Payload).toBe(JSON.stringify(event));
  });

  it('is sent to the queue', async () => {
    sqs
      .on(GetQueueUrlCommand, { QueueName: 'of-a-subscriber', QueueOwnerAWSAccountId: '111122223333' })
      .resolves({
        QueueUrl: 'https://queue',
      });
    sqs.on(SendMessageCommand).resolves({});

    await deliver(undeliveredEvent({ target: queueArn }));

    expect(sqs.commandCalls(SendMessageCommand)[0]?.args[0].input).toEqual({
      QueueUrl: 'https://queue',
      MessageBody: JSON.stringify(event),
    });
  });

  it.each([
    ['arn:aws:events:r:111122223333:rule/a-bus/a-rule', { Rule: 'a-rule', EventBusName: 'a-bus' }],
    ['arn:aws:events:r:111122223333:rule/a-rule', { Rule: 'a-rule', EventBusName: 'default' }],
    [
      'arn:aws:events:r:111122223333:rule/aws.partner/x.com/y/a-rule',
      { Rule: 'a-rule', EventBusName: 'aws.partner/x.com/y' },
    ],
  ])('is checked against the targets of its rule %s', async (rule, expected) => {
    await plan(readMessage(undeliveredEvent({ rule })));

    expect(eventBridge.commandCalls(ListTargetsByRuleCommand)[0]?.args[0].input).toEqual(expected);
  });

  it("is checked against a rule on another account's bus that the queue's policy names", async () => {
    const otherAccountRule = 'arn:aws:events:r:444455556666:rule/a-bus/a-rule';
    const ownBus = 'arn:aws:events:r:111122223333:event-bus/own';
    ruleHasTargets(ownBus);

    await planFor(policyFor(otherAccountRule))(
      readMessage(undeliveredEvent({ rule: otherAccountRule, target: ownBus })),
    );

    expect(eventBridge.commandCalls(ListTargetsByRuleCommand)[0]?.args[0].input).toEqual({
      Rule: 'a-rule',
      EventBusName: 'arn:aws:events:r:444455556666:event-bus/a-bus',
    });
  });

  it('needs one ListTargetsByRule per rule', async () => {
    await Promise.all([plan(readMessage(undeliveredEvent())), plan(readMessage(undeliveredEvent()))]);

    expect(eventBridge.commandCalls(ListTargetsByRuleCommand)).toHaveLength(1);
  });

  it('is found among the targets of the second page', async () => {
    eventBridge.reset();
    eventBridge.on(ListTargetsByRuleCommand).resolves({ Targets: [], NextToken: 'more' });
    eventBridge
      .on(ListTargetsByRuleCommand, { NextToken: 'more' })
      .resolves({ Targets: [target(logGroupArn)] });

    await expect(plan(readMessage(undeliveredEvent()))).resolves.toMatchObject({
      to: 'log-group /aws/events/app1-provisioning',
    });
  });
});

describe('an event that a rule could not forward', () => {
  const busArn = 'arn:aws:events:eu-central-1:111122223333:event-bus/of-a-subscriber';
  const body = { ...event, detail: { n: 1 }, time: '2026-01-01T00:00:00Z', resources: [] };
  beforeEach(() => {
    ruleHasTargets(busArn);
    eventBridge.on(DescribeEventBusCommand, { Name: busArn }).resolves({ Arn: busArn });
  });

  it('is put on the bus unchanged', async () => {
    eventBridge.on(PutEventsCommand).resolves({ Entries: [{ EventId: 'e-2' }] });

    await deliver(undeliveredEvent({ target: busArn, body }));

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

  it('is not delivered when the bus rejects it in a successful response', async () => {
    eventBridge
      .on(PutEventsCommand)
      .resolves({ FailedEntryCount: 1, Entries: [{ ErrorCode: 'InternalFailure' }] });

    await expect(deliver(undeliveredEvent({ target: busArn, body }))).rejects.toThrow(
      'rejects the event: InternalFailure',
    );
  });

  it('is not put on a bus that does not exist', async () => {
    eventBridge.on(DescribeEventBusCommand).rejects(sdkError('ResourceNotFoundException'));

    await expect(deliver(undeliveredEvent({ target: busArn, body }))).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
    });
    expect(eventBridge.commandCalls(PutEventsCommand)).toEqual([]);
  });
});

describe('a message that cannot be delivered', () => {
  const expectRejection = (message: Parameters<typeof readMessage>[0], reason: string) =>
    expect(deliver(message)).rejects.toMatchObject({
      name: 'RedeliveryError',
      message: expect.stringContaining(reason),
    });

  it('is rejected when the rule no longer has the target', async () => {
    ruleHasTargets(functionArn);

    await expectRejection(undeliveredEvent(), 'no longer has this target');
  });

  it('is rejected when the rule no longer exists', async () => {
    eventBridge.on(ListTargetsByRuleCommand).rejects(sdkError('ResourceNotFoundException'));

    await expectRejection(undeliveredEvent({ rule: `${ruleArn}-deleted` }), 'no longer exists');
  });

  it.each([{ Input: '{}' }, { InputPath: '$.detail' }, { InputTransformer: { InputTemplate: '<a>' } }])(
    'is rejected when the rule transforms its events: %j',
    async (change) => {
      eventBridge.on(ListTargetsByRuleCommand).resolves({ Targets: [{ ...target(logGroupArn), ...change }] });

      await expectRejection(undeliveredEvent(), 'transforms its events');
    },
  );

  it('is rejected for a target of an unsupported service', async () => {
    const machine = 'arn:aws:states:eu-central-1:111122223333:stateMachine:M';
    ruleHasTargets(machine);

    await expectRejection(undeliveredEvent({ target: machine }), 'does not deliver to targets of states');
  });

  it('causes no other call', async () => {
    eventBridge.on(ListTargetsByRuleCommand).resolves({ Targets: [] });

    await expectRejection(undeliveredEvent(), 'no longer');
    expect(calls().map((command) => command.constructor.name)).toEqual(['ListTargetsByRuleCommand']);
  });
});

describe('an event that a function failed to handle', () => {
  it('is delivered to that function again', async () => {
    lambda.on(InvokeCommand).resolves({ StatusCode: 200 });

    await expect(plan(readMessage(unhandled()))).resolves.toMatchObject({
      to: 'function app1-sweep-provisionings',
    });

    await deliver(unhandled());

    expect(lambda.commandCalls(InvokeCommand)[0]?.args[0].input).toEqual({
      FunctionName: `${functionArn}:$LATEST`,
      Payload: JSON.stringify(event),
      ClientContext: expect.any(String),
    });
    expect(eventBridge.calls()).toEqual([]);
    expect(lambda.commandCalls(GetFunctionEventInvokeConfigCommand)[0]?.args[0].input).toEqual({
      FunctionName: functionArn,
      Qualifier: '$LATEST',
    });
  });

  it('needs one GetFunctionEventInvokeConfig per function', async () => {
    await Promise.all([plan(readMessage(unhandled())), plan(readMessage(unhandled()))]);

    expect(lambda.commandCalls(GetFunctionEventInvokeConfigCommand)).toHaveLength(1);
  });

  it('is not delivered when the function fails again; the error is named, not quoted', async () => {
    lambda.on(InvokeCommand).resolves({
      FunctionError: 'Unhandled',
      Payload: blob('{"errorType":"StillNo","errorMessage":"a secret"}'),
    });

    await expect(deliver(unhandled())).rejects.toMatchObject({
      name: 'RedeliveryError',
      message: 'The function failed: StillNo. See its log.',
    });
  });
});

describe('a forged message', () => {
  const otherAccountRule = 'arn:aws:events:eu-central-1:444455556666:rule/a-bus/a-rule';
  const ownBus = 'arn:aws:events:eu-central-1:111122223333:event-bus/own';
  const deleting = 'arn:aws:lambda:eu-central-1:111122223333:function:app2-delete-user';

  /** Expects a rejection, and no call that delivers. */
  const expectRejection = async (
    message: Parameters<typeof readMessage>[0],
    reason: string,
    planned: ReturnType<typeof planner> = plan,
  ) => {
    await expect(planned(readMessage(message))).rejects.toMatchObject({
      name: 'RedeliveryError',
      message: expect.stringContaining(reason),
    });
    for (const command of calls())
      expect(command.constructor.name).toMatch(/^(ListTargetsByRule|GetFunctionEventInvokeConfig)Command$/);
  };

  it.each([
    ['with another destination', () => onFailureDestinationIs(queueArn)],
    [
      'with a destination whose name has the same prefix',
      () => onFailureDestinationIs(`${deadLetterQueueArn}-2`),
    ],
    [
      'with a destination of the same name in another region',
      () => onFailureDestinationIs(deadLetterQueueArn.replace('eu-central-1', 'eu-west-1')),
    ],
    [
      'with a destination of the same name in another account',
      () => onFailureDestinationIs(deadLetterQueueArn.replace('111122223333', '444455556666')),
    ],
    [
      'without a destination for failures',
      () => lambda.on(GetFunctionEventInvokeConfigCommand).resolves({ DestinationConfig: {} }),
    ],
    [
      'with a destination for successes only',
      () =>
        lambda
          .on(GetFunctionEventInvokeConfigCommand)
          .resolves({ DestinationConfig: { OnSuccess: { Destination: deadLetterQueueArn } } }),
    ],
    [
      'without a configuration, or that does not exist',
      () => lambda.on(GetFunctionEventInvokeConfigCommand).rejects(sdkError('ResourceNotFoundException')),
    ],
  ])('is not delivered to a function %s', async (_what, arrange) => {
    arrange();

    await expectRejection(unhandled({ username: 'alice' }, 'm-3', deleting), 'did not come from it');
  });

  it.each([
    ['an alias', `${deleting}:live`, { FunctionName: deleting, Qualifier: 'live' }],
    ['a name that is not an ARN', 'app2-delete-user', { FunctionName: 'app2-delete-user' }],
  ])('is checked by %s and rejected', async (_what, invoked, expected) => {
    onFailureDestinationIs(queueArn);

    await expectRejection(unhandled({}, 'm-4', invoked), 'did not come from it');
    expect(lambda.commandCalls(GetFunctionEventInvokeConfigCommand)[0]?.args[0].input).toEqual(expected);
  });

  it('is not delivered to a function when its destination cannot be read', async () => {
    lambda.on(GetFunctionEventInvokeConfigCommand).rejects(sdkError('AccessDeniedException'));

    await expect(plan(readMessage(unhandled()))).rejects.toMatchObject({ name: 'AccessDeniedException' });
    expect(lambda.commandCalls(InvokeCommand)).toEqual([]);
  });

  it.each([
    ['another queue', { DeadLetterConfig: { Arn: queueArn } }],
    ['no queue', { DeadLetterConfig: undefined }],
    ['an empty configuration', { DeadLetterConfig: {} }],
    [
      'a queue of the same name in another account',
      { DeadLetterConfig: { Arn: deadLetterQueueArn.replace('111122223333', '444455556666') } },
    ],
  ])('is not delivered to a target of a rule whose dead-letter queue is %s', async (_what, other) => {
    eventBridge
      .on(ListTargetsByRuleCommand)
      .resolves({ Targets: [{ Id: '0', Arn: functionArn, ...other }, target(logGroupArn)] });

    await expectRejection(undeliveredEvent({ target: functionArn }), 'did not come from it');
  });

  it.each([
    ['without a policy', undefined],
    ['whose policy has no statement', '{"Statement":[]}'],
    ['whose policy names another rule', policyFor(`${otherAccountRule}-2`)],
    ['whose policy denies the rule', policyFor(otherAccountRule, { Effect: 'Deny' })],
    ['whose policy allows every rule', policyFor('*', { Condition: undefined })],
    [
      'whose policy has a pattern that matches',
      policyFor(otherAccountRule, { Condition: { ArnLike: { 'aws:SourceArn': 'arn:aws:events:*' } } }),
    ],
  ])('of a rule of another account is not delivered from a queue %s', async (_what, policy) => {
    ruleHasTargets(ownBus);

    await expectRejection(
      undeliveredEvent({ rule: otherAccountRule, target: ownBus }),
      "queue's policy does not name it",
      planFor(policy),
    );
    expect(eventBridge.calls()).toEqual([]);
  });

  it.each([functionArn, logGroupArn, queueArn])(
    "of a rule of another account is not delivered to %s, also when the queue's policy names the rule",
    async (other) => {
      ruleHasTargets(other);

      await expectRejection(
        undeliveredEvent({ rule: otherAccountRule, target: other }),
        'to a bus only',
        planFor(policyFor(otherAccountRule)),
      );
    },
  );
});
