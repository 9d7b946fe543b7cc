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
  targetsAre(logGroupArn, functionArn, queueArn);
  onFailureIs(deadLetterQueueArn);
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

/** A target of the rule, whose dead-letter queue is the one that is redriven. */
const target = (Arn: string): Target => ({ Id: Arn, Arn, DeadLetterConfig: { Arn: deadLetterQueueArn } });
const targetsAre = (...arns: string[]) =>
  eventBridge.on(ListTargetsByRuleCommand).resolves({ Targets: arns.map(target) });
/** Where Lambda sends what the function could not handle. */
const onFailureIs = (Destination: string) =>
  lambda
    .on(GetFunctionEventInvokeConfigCommand)
    .resolves({ DestinationConfig: { OnFailure: { Destination } } });
/** A policy of the queue that lets a rule send to it. */
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

/** A payload as the SDK gives it. */
const blob = (text: string) => Object.assign(Buffer.from(text), { transformToString: () => text });

const taken = async (message: Parameters<typeof readMessage>[0]) =>
  (await plan(readMessage(message))).deliver();
const calls = () => mocks.flatMap((mock) => mock.calls().map(({ args }) => args[0]));

describe('an undelivered event', () => {
  it('goes to the log group, into a stream of its own, with the time at which it comes there', async () => {
    logs.on(CreateLogStreamCommand).resolves({}).on(PutLogEventsCommand).resolves({});

    await taken(undeliveredEvent());

    const place = { logGroupName: '/aws/events/app1-provisioning', logStreamName: 'redriven/e-1' };
    expect(logs.commandCalls(CreateLogStreamCommand)[0]?.args[0].input).toEqual(place);
    expect(logs.commandCalls(PutLogEventsCommand).map(({ args }) => args[0].input)).toEqual([
      { ...place, logEvents: [{ timestamp: NOW, message: JSON.stringify(event) }] },
    ]);
  });

  it('goes to the log group also when an earlier attempt made the stream', async () => {
    logs.on(CreateLogStreamCommand).rejects(sdkError('ResourceAlreadyExistsException'));
    logs.on(PutLogEventsCommand).resolves({});

    await expect(taken(undeliveredEvent())).resolves.toBeUndefined();
  });

  it('is not taken when CloudWatch Logs answers with success and rejects it', async () => {
    logs.on(CreateLogStreamCommand).resolves({});
    logs.on(PutLogEventsCommand).resolves({ rejectedLogEventsInfo: { tooOldLogEventEndIndex: 1 } });

    await expect(taken(undeliveredEvent())).rejects.toThrow('CloudWatch Logs rejects the event.');
  });

  it('goes to the function and waits for its answer', async () => {
    lambda.on(InvokeCommand).resolves({ StatusCode: 200 });

    await taken(undeliveredEvent({ target: functionArn }));

    expect(lambda.commandCalls(InvokeCommand).map(({ args }) => args[0].input)).toEqual([
      { FunctionName: functionArn, Payload: JSON.stringify(event), ClientContext: expect.any(String) },
    ]);
  });

  it('tells the function that it is delivered again, and is not changed', async () => {
    lambda.on(InvokeCommand).resolves({ StatusCode: 200 });

    await taken(undeliveredEvent({ target: functionArn }));

    const { ClientContext = '', Payload } = lambda.commandCalls(InvokeCommand)[0]?.args[0].input ?? {};
    const clientContext: unknown = JSON.parse(Buffer.from(ClientContext, 'base64').toString());
    expect(isRedelivery({ clientContext })).toBe(true);
    expect(Payload).toBe(JSON.stringify(event));
  });

  it('goes to the queue', async () => {
    sqs
      .on(GetQueueUrlCommand, { QueueName: 'of-a-subscriber', QueueOwnerAWSAccountId: '111122223333' })
      .resolves({
        QueueUrl: 'https://queue',
      });
    sqs.on(SendMessageCommand).resolves({});

    await taken(undeliveredEvent({ target: queueArn }));

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
  ])('is looked for at its rule: %s', async (rule, asked) => {
    await plan(readMessage(undeliveredEvent({ rule })));

    expect(eventBridge.commandCalls(ListTargetsByRuleCommand)[0]?.args[0].input).toEqual(asked);
  });

  it("is looked for at its rule on another account's bus, which the queue's policy names", async () => {
    const foreign = 'arn:aws:events:r:444455556666:rule/a-bus/a-rule';
    const ownBus = 'arn:aws:events:r:111122223333:event-bus/own';
    targetsAre(ownBus);

    await planFor(policyFor(foreign))(readMessage(undeliveredEvent({ rule: foreign, target: ownBus })));

    expect(eventBridge.commandCalls(ListTargetsByRuleCommand)[0]?.args[0].input).toEqual({
      Rule: 'a-rule',
      EventBusName: 'arn:aws:events:r:444455556666:event-bus/a-bus',
    });
  });

  it('asks for the targets of a rule once', async () => {
    await Promise.all([plan(readMessage(undeliveredEvent())), plan(readMessage(undeliveredEvent()))]);

    expect(eventBridge.commandCalls(ListTargetsByRuleCommand)).toHaveLength(1);
  });

  it('finds a target on the second page, too', async () => {
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
    targetsAre(busArn);
    eventBridge.on(DescribeEventBusCommand, { Name: busArn }).resolves({ Arn: busArn });
  });

  it('is put on the bus as it was', async () => {
    eventBridge.on(PutEventsCommand).resolves({ Entries: [{ EventId: 'e-2' }] });

    await taken(undeliveredEvent({ target: busArn, body }));

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

    await expect(taken(undeliveredEvent({ target: busArn, body }))).rejects.toThrow(
      'refuses the event: InternalFailure',
    );
  });

  it('is not put on a bus that is not there, which would answer with success', async () => {
    eventBridge.on(DescribeEventBusCommand).rejects(sdkError('ResourceNotFoundException'));

    await expect(taken(undeliveredEvent({ target: busArn, body }))).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
    });
    expect(eventBridge.commandCalls(PutEventsCommand)).toEqual([]);
  });
});

describe('nothing is delivered', () => {
  const refused = (message: Parameters<typeof readMessage>[0], reason: string) =>
    expect(taken(message)).rejects.toMatchObject({
      name: 'RedeliveryError',
      message: expect.stringContaining(reason),
    });

  it('to a target that the rule does not have any more', async () => {
    targetsAre(functionArn);
    await refused(undeliveredEvent(), 'does not have this target any more');
  });

  it('of a rule that is gone', async () => {
    eventBridge.on(ListTargetsByRuleCommand).rejects(sdkError('ResourceNotFoundException'));
    await refused(undeliveredEvent({ rule: `${ruleArn}-gone` }), 'not there any more');
  });

  it.each([{ Input: '{}' }, { InputPath: '$.detail' }, { InputTransformer: { InputTemplate: '<a>' } }])(
    'to a target that gets something else: %j',
    async (change) => {
      eventBridge.on(ListTargetsByRuleCommand).resolves({ Targets: [{ ...target(logGroupArn), ...change }] });
      await refused(undeliveredEvent(), 'changes what this target gets');
    },
  );

  it('to a target of a kind that is not known', async () => {
    const machine = 'arn:aws:states:eu-central-1:111122223333:stateMachine:M';
    targetsAre(machine);
    await refused(undeliveredEvent({ target: machine }), 'Targets of states are not delivered to');
  });

  it('and nothing else is called then', async () => {
    eventBridge.on(ListTargetsByRuleCommand).resolves({ Targets: [] });
    await refused(undeliveredEvent(), 'any more');
    expect(calls().map((command) => command.constructor.name)).toEqual(['ListTargetsByRuleCommand']);
  });
});

describe('what a function could not handle', () => {
  it('goes to that function again, whatever rules there are', async () => {
    lambda.on(InvokeCommand).resolves({ StatusCode: 200 });

    await expect(plan(readMessage(unhandled()))).resolves.toMatchObject({
      to: 'function app1-sweep-provisionings',
    });
    await taken(unhandled());

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

  it('asks for the destination of a function once', async () => {
    await Promise.all([plan(readMessage(unhandled())), plan(readMessage(unhandled()))]);

    expect(lambda.commandCalls(GetFunctionEventInvokeConfigCommand)).toHaveLength(1);
  });

  it('is not taken when the function fails again; its error is named, and not quoted', async () => {
    lambda.on(InvokeCommand).resolves({
      FunctionError: 'Unhandled',
      Payload: blob('{"errorType":"StillNo","errorMessage":"a secret"}'),
    });

    await expect(taken(unhandled())).rejects.toMatchObject({
      name: 'RedeliveryError',
      message: 'The function failed: StillNo. Its log says more.',
    });
  });
});

describe('a message that did not come from where it says', () => {
  const foreign = 'arn:aws:events:eu-central-1:444455556666:rule/a-bus/a-rule';
  const ownBus = 'arn:aws:events:eu-central-1:111122223333:event-bus/own';
  const deleting = 'arn:aws:lambda:eu-central-1:111122223333:function:app2-delete-user';

  /** Is refused, and no target, function, bus or queue gets anything. */
  const refused = async (
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
    ['sends what it could not handle to another queue', () => onFailureIs(queueArn)],
    [
      'sends what it could not handle to a queue whose name begins alike',
      () => onFailureIs(`${deadLetterQueueArn}-2`),
    ],
    [
      'sends what it could not handle to a namesake in another region',
      () => onFailureIs(deadLetterQueueArn.replace('eu-central-1', 'eu-west-1')),
    ],
    [
      'sends what it could not handle to a namesake in another account',
      () => onFailureIs(deadLetterQueueArn.replace('111122223333', '444455556666')),
    ],
    [
      'has no destination for failures',
      () => lambda.on(GetFunctionEventInvokeConfigCommand).resolves({ DestinationConfig: {} }),
    ],
    [
      'has a destination for successes only',
      () =>
        lambda
          .on(GetFunctionEventInvokeConfigCommand)
          .resolves({ DestinationConfig: { OnSuccess: { Destination: deadLetterQueueArn } } }),
    ],
    [
      'has no configuration of that kind, or is not there',
      () => lambda.on(GetFunctionEventInvokeConfigCommand).rejects(sdkError('ResourceNotFoundException')),
    ],
  ])('is not given to a function that %s', async (_what, arrange) => {
    arrange();
    await refused(unhandled({ username: 'somebody' }, 'm-3', deleting), 'did not come from it');
  });

  it.each([
    ['an alias', `${deleting}:live`, { FunctionName: deleting, Qualifier: 'live' }],
    ['a name that is no ARN', 'app2-delete-user', { FunctionName: 'app2-delete-user' }],
  ])('is looked for under %s as it says, and refused', async (_what, invoked, asked) => {
    onFailureIs(queueArn);
    await refused(unhandled({}, 'm-4', invoked), 'did not come from it');
    expect(lambda.commandCalls(GetFunctionEventInvokeConfigCommand)[0]?.args[0].input).toEqual(asked);
  });

  it('is not given to a function when AWS does not say what its destination is', async () => {
    lambda.on(GetFunctionEventInvokeConfigCommand).rejects(sdkError('AccessDeniedException'));

    await expect(plan(readMessage(unhandled()))).rejects.toMatchObject({ name: 'AccessDeniedException' });
    expect(lambda.commandCalls(InvokeCommand)).toEqual([]);
  });

  it.each([
    ['another queue', { DeadLetterConfig: { Arn: queueArn } }],
    ['no queue', { DeadLetterConfig: undefined }],
    ['an empty configuration', { DeadLetterConfig: {} }],
    [
      'a namesake in another account',
      { DeadLetterConfig: { Arn: deadLetterQueueArn.replace('111122223333', '444455556666') } },
    ],
  ])('is not given to a target of a rule whose dead letters go to %s', async (_what, other) => {
    eventBridge
      .on(ListTargetsByRuleCommand)
      .resolves({ Targets: [{ Id: '0', Arn: functionArn, ...other }, target(logGroupArn)] });
    await refused(undeliveredEvent({ target: functionArn }), 'did not come from it');
  });

  it.each([
    ['that has no policy', undefined],
    ['whose policy has no statement', '{"Statement":[]}'],
    ['whose policy names another rule', policyFor(`${foreign}-2`)],
    ['whose policy refuses the rule', policyFor(foreign, { Effect: 'Deny' })],
    ['whose policy lets every rule send', policyFor('*', { Condition: undefined })],
    [
      'whose policy has a pattern that fits',
      policyFor(foreign, { Condition: { ArnLike: { 'aws:SourceArn': 'arn:aws:events:*' } } }),
    ],
  ])('of a rule of another account is not delivered from a queue %s', async (_what, policy) => {
    targetsAre(ownBus);
    await refused(
      undeliveredEvent({ rule: foreign, target: ownBus }),
      "queue's policy does not name it",
      planFor(policy),
    );
    expect(eventBridge.calls()).toEqual([]);
  });

  it.each([functionArn, logGroupArn, queueArn])(
    'of a rule of another account is not delivered to %s, although queue and rule fit',
    async (other) => {
      targetsAre(other);
      await refused(
        undeliveredEvent({ rule: foreign, target: other }),
        'to a bus only',
        planFor(policyFor(foreign)),
      );
    },
  );
});
