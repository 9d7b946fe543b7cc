import {
  CloudWatchLogsClient,
  CreateLogGroupCommand,
  FilterLogEventsCommand,
  PutResourcePolicyCommand,
} from '@aws-sdk/client-cloudwatch-logs';
import {
  CreateArchiveCommand,
  DescribeArchiveCommand,
  DescribeEventBusCommand,
  EventBridgeClient,
  PutEventsCommand,
  PutPermissionCommand,
} from '@aws-sdk/client-eventbridge';
import { AddPermissionCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { CreateStateMachineCommand, ListExecutionsCommand, SFNClient } from '@aws-sdk/client-sfn';
import {
  CreateQueueCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { describe, expect, it } from '@jest/globals';
import { account, type Credentials, client, region } from './support/clients.ts';
import { eventually } from './support/eventually.ts';
import { createFunction } from './support/functions.ts';
import { invocationLogs } from './support/logs.ts';
import { present } from './support/present.ts';
import { anyPrincipalInTheAccount, assume, callerWho, createRole, policy } from './support/roles.ts';
import { connect, createBus, entry, letRulesSend } from './support/rules.ts';
import { unique } from './support/unique.ts';

const events = client(EventBridgeClient);
const sqs = client(SQSClient);
const sfn = client(SFNClient);
const logs = client(CloudWatchLogsClient);

describe('unchanged: EventBridge', () => {
  // eventbridge/latest/userguide/eb-putevents: each entry has its own result
  // recorded: events test_put_events_without_source
  it('returns 200 with an error for each rejected entry', async () => {
    const { EventBusName } = await createBus();
    const good = entry(EventBusName);
    const result = await events.send(new PutEventsCommand({ Entries: [good, { ...good, Source: 'aws.x' }] }));

    expect(result).toMatchObject({
      FailedEntryCount: 1,
      Entries: [{ EventId: expect.any(String) }, { ErrorCode: expect.any(String) }],
    });
  });

  // eventbridge/latest/userguide/eb-putevents: an event for no bus is dropped, not refused
  // recorded: events test_put_events_nonexistent_event_bus
  it('returns 200 also for a missing bus', async () => {
    const result = await events.send(new PutEventsCommand({ Entries: [entry(unique('none'))] }));

    expect(result).toMatchObject({ FailedEntryCount: 0 });
  });

  // eventbridge/latest/userguide/eb-archive (event pattern)
  // recorded: events test_list_archive_with_events
  it('archives the events that match the pattern', async () => {
    const { EventBusName, EventBusArn } = await createBus();
    const ArchiveName = unique('archive');
    await events.send(
      new CreateArchiveCommand({
        ArchiveName,
        EventSourceArn: EventBusArn,
        EventPattern: JSON.stringify({ source: ['test.wanted'] }),
      }),
    );
    const Entries = ['test.wanted', 'test.other', 'test.wanted'].map((Source) => ({
      ...entry(EventBusName),
      Source,
    }));
    await events.send(new PutEventsCommand({ Entries }));

    await eventually(async () => {
      expect(await events.send(new DescribeArchiveCommand({ ArchiveName }))).toMatchObject({ EventCount: 2 });
    });
  });

  // eventbridge/latest/userguide/eb-event-patterns-content-based-filtering
  // recorded: events test_event_pattern
  it('matches by prefix, by list and by nested fields of the detail', async () => {
    const { EventBusName } = await createBus();
    const queue = await createQueue();
    await letRulesSend(queue);
    const EventPattern = JSON.stringify({
      source: [{ prefix: 'test.' }],
      detail: { metadata: { kind: ['a', 'b'] } },
    });
    await connect(EventBusName, { Arn: queue.arn }, EventPattern);
    const of = (kind: string) => ({ ...entry(EventBusName), Detail: JSON.stringify({ metadata: { kind } }) });

    await events.send(new PutEventsCommand({ Entries: [of('c'), of('b')] }));

    expect(await received(queue)).toMatchObject({ detail: { metadata: { kind: 'b' } } });
  });

  // eventbridge/latest/userguide/eb-events-structure
  // recorded: events test_put_events_with_target_sqs
  it('delivers the event in the documented envelope', async () => {
    const { EventBusName } = await createBus();
    const queue = await createQueue();
    await letRulesSend(queue);
    await connect(EventBusName, { Arn: queue.arn });
    const { Entries } = await events.send(new PutEventsCommand({ Entries: [entry(EventBusName)] }));

    expect(await received(queue)).toEqual({
      version: '0',
      id: Entries?.[0]?.EventId,
      'detail-type': 'Thing Done',
      source: 'test.source',
      account,
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
      region,
      resources: [],
      detail: { n: 1 },
    });
  });
});

describe('corrected: EventBridge permissions on targets', () => {
  // eventbridge/latest/userguide/eb-use-resource-based#eb-sqs-permissions
  it('sends to a queue only if its policy allows the rule', async () => {
    const { EventBusName } = await createBus();
    const [open, closed, otherRule] = await Promise.all([createQueue(), createQueue(), createQueue()]);
    for (const queue of [open, closed, otherRule]) await connect(EventBusName, { Arn: queue.arn });
    await letRulesSend(open);
    await letRulesSend(otherRule, 'arn:aws:events:*:*:rule/another-rule');

    await events.send(new PutEventsCommand({ Entries: [entry(EventBusName)] }));
    await received(open);

    expect([await waiting(closed), await waiting(otherRule)]).toEqual(['0', '0']);
  });

  // eventbridge/latest/userguide/eb-use-resource-based#eb-lambda-permissions
  it('invokes a function only if its policy allows the rule', async () => {
    const { EventBusName } = await createBus();
    const source = 'exports.handler = async (event) => console.log(event.detail.n)';
    const [open, closed] = await Promise.all([createFunction(source), createFunction(source)]);
    const ruleArn = await connect(EventBusName, { Arn: open });
    const deadLetterQueue = await createQueue();
    await letRulesSend(deadLetterQueue);
    await connect(EventBusName, { Arn: closed, DeadLetterConfig: { Arn: deadLetterQueue.arn } });
    await client(LambdaClient).send(
      new AddPermissionCommand({
        FunctionName: open,
        StatementId: 'rule',
        Action: 'lambda:InvokeFunction',
        Principal: 'events.amazonaws.com',
        SourceArn: ruleArn,
      }),
    );

    await events.send(new PutEventsCommand({ Entries: [entry(EventBusName)] }));

    await eventually(async () => expect(await invocationLogs(open)).toHaveLength(1));

    // The refused delivery has finished when its event is in the dead-letter queue.
    await received(deadLetterQueue);

    await expect(invocationLogs(closed)).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
  });

  // lambda/latest/dg/invocation-async-error-handling
  // recorded: lambda_ test_request_id_async_invoke_with_retry
  it('retries a failing function twice', async () => {
    const { EventBusName } = await createBus();
    const failing = await createFunction(
      `exports.handler = async () => { console.log('called'); throw new Error('wanted'); };`,
    );
    const SourceArn = await connect(EventBusName, { Arn: failing });
    await client(LambdaClient).send(
      new AddPermissionCommand({
        FunctionName: failing,
        StatementId: 'rule',
        Action: 'lambda:InvokeFunction',
        Principal: 'events.amazonaws.com',
        SourceArn,
      }),
    );
    await events.send(new PutEventsCommand({ Entries: [entry(EventBusName)] }));

    await eventually(async () => expect(await invocationLogs(failing)).toHaveLength(3), 15_000);
  }, 20_000);

  // eventbridge/latest/userguide/eb-use-identity-based (target permissions)
  // recorded: events test_put_events_with_target_statefunction_machine
  it('starts a state machine only with a role that has permission', async () => {
    const { EventBusName } = await createBus();
    const machines = await Promise.all([createMachine(), createMachine(), createMachine()]);
    const [open, closed, untrusting] = machines;
    const mayStart = { Effect: 'Allow', Action: 'states:StartExecution', Resource: machines } as const;
    const rule = { Service: 'events.amazonaws.com' };
    await connect(EventBusName, { Arn: open, RoleArn: await createRole(rule, [mayStart]) });
    await connect(EventBusName, { Arn: closed, RoleArn: await createRole(rule, []) });
    const otherTrust = await createRole({ Service: 'lambda.amazonaws.com' }, [mayStart]);
    await connect(EventBusName, { Arn: untrusting, RoleArn: otherTrust });

    await events.send(new PutEventsCommand({ Entries: [entry(EventBusName)] }));

    await eventually(async () => expect(await executions(open)).toHaveLength(1));
    expect([await executions(closed), await executions(untrusting)]).toEqual([[], []]);
  });
});

describe('corrected: EventBridge to CloudWatch Logs', () => {
  // eventbridge/latest/userguide/eb-use-resource-based#eb-cloudwatchlogs-permissions
  // AmazonCloudWatchLogs/latest/APIReference/API_PutResourcePolicy (resourceArn)
  // recorded: events test_put_events_with_target_cloudwatch_logs
  it.each([
    ['a policy of the account', () => ({ policyName: unique('policy') })],
    ['a policy of its own', ({ arn }: { arn: string }) => ({ resourceArn: arn })],
  ])('writes events to a log group with permission by %s', async (_whose, scope) => {
    const { EventBusName } = await createBus();
    const [open, closed] = await Promise.all([createLogGroup(), createLogGroup()]);
    for (const group of [open, closed]) await connect(EventBusName, { Arn: group.arn });
    await logs.send(
      new PutResourcePolicyCommand({
        ...scope(open),
        policyDocument: policy({
          Effect: 'Allow',
          Principal: { Service: 'events.amazonaws.com' },
          Action: ['logs:CreateLogStream', 'logs:PutLogEvents'],
          Resource: `${open.arn}:*`,
        }),
      }),
    );

    await events.send(new PutEventsCommand({ Entries: [entry(EventBusName)] }));
    const [message] = await eventually(async () => {
      const found = await messages(open.name);
      expect(found).toHaveLength(1);
      return found;
    });

    expect(JSON.parse(present(message))).toMatchObject({ source: 'test.source', detail: { n: 1 } });
    expect(await messages(closed.name)).toEqual([]);
  });
});

describe('corrected: EventBridge bus policies', () => {
  // eventbridge/latest/userguide/eb-event-bus-permissions
  it("accepts events only from principals that the bus's policy allows", async () => {
    const { EventBusName, EventBusArn } = await createBus();
    const [guest, stranger] = await Promise.all([createRole(anyPrincipalInTheAccount, []), callerWho()]);
    const allow = {
      Effect: 'Allow',
      Principal: { AWS: guest },
      Action: 'events:PutEvents',
      Resource: EventBusArn,
    };
    await events.send(new PutPermissionCommand({ EventBusName, Policy: policy({ Sid: 'guest', ...allow }) }));
    const put = (caller: Credentials) =>
      client(EventBridgeClient, caller).send(new PutEventsCommand({ Entries: [entry(EventBusName)] }));

    await expect(put(await assume(guest))).resolves.toMatchObject({ FailedEntryCount: 0 });
    await expect(put(stranger)).rejects.toMatchObject({ name: 'AccessDeniedException' });
  });

  // eventbridge/latest/userguide/eb-use-conditions
  it("accepts only events of the sources and types in the caller's policy", async () => {
    const { EventBusName, EventBusArn } = await createBus();
    const caller = client(
      EventBridgeClient,
      await callerWho({
        Effect: 'Allow',
        Action: 'events:PutEvents',
        Resource: EventBusArn,
        Condition: {
          'ForAllValues:StringEquals': {
            'events:source': ['test.source'],
            'events:detail-type': ['Thing Done', 'Thing Removed'],
          },
          Null: { 'events:source': 'false', 'events:detail-type': 'false' },
        },
      }),
    );
    const good = entry(EventBusName);
    const put = (...Entries: Partial<typeof good>[]) => caller.send(new PutEventsCommand({ Entries }));

    await expect(put(good)).resolves.toMatchObject({ FailedEntryCount: 0 });
    await expect(put(good, { ...good, DetailType: 'Thing Removed' })).resolves.toBeDefined();

    const { Source, ...noSource } = good;
    const { DetailType, ...noType } = good;

    for (const bad of [
      [{ ...good, Source: `${Source}.more` }],
      [{ ...good, DetailType: `${DetailType} Again` }],
      [good, { ...good, Source: 'another' }],
      [{ ...good, DetailType: 'Another' }, good],
      [noSource],
      [noType],
    ])
      await expect(put(...bad)).rejects.toMatchObject({ name: 'AccessDeniedException' });
  });

  // eventbridge/latest/userguide/eb-use-conditions (eventBusInvocation)
  it('forwards to a bus only with a role that allows its events', async () => {
    /** The queue that receives the event: that of the second bus, or the dead-letter queue. */
    const forwarded = async (keys: Record<string, string>) => {
      const [from, to] = await Promise.all([createBus(), createBus()]);
      const [queue, deadLetterQueue] = await Promise.all([createQueue(), createQueue()]);
      await Promise.all([letRulesSend(queue), letRulesSend(deadLetterQueue)]);
      await connect(to.EventBusName, { Arn: queue.arn });
      const RoleArn = await createRole({ Service: 'events.amazonaws.com' }, [
        {
          Effect: 'Allow',
          Action: 'events:PutEvents',
          Resource: to.EventBusArn,
          Condition: { 'ForAllValues:StringEquals': keys },
        },
      ]);
      const DeadLetterConfig = { Arn: deadLetterQueue.arn };
      await connect(from.EventBusName, { Arn: to.EventBusArn, RoleArn, DeadLetterConfig });
      await events.send(new PutEventsCommand({ Entries: [entry(from.EventBusName)] }));
      await eventually(async () =>
        expect([await waiting(queue), await waiting(deadLetterQueue)].sort()).toEqual(['0', '1']),
      );
      return (await waiting(queue)) === '1';
    };
    const decided = await Promise.all([
      forwarded({ 'events:source': 'test.source', 'events:detail-type': 'Thing Done' }),
      forwarded({ 'events:eventBusInvocation': 'true' }),
      forwarded({ 'events:source': 'another' }),
      forwarded({ 'events:detail-type': 'Another' }),
      forwarded({ 'events:eventBusInvocation': 'false' }),
    ]);

    expect(decided).toEqual([true, true, false, false, false]);
  });

  // service-authorization/latest/reference/list_amazoneventbridge
  it('lets a caller describe only the bus in its policy', async () => {
    const [mine, other] = await Promise.all([createBus(), createBus()]);
    const caller = await callerWho({
      Effect: 'Allow',
      Action: 'events:DescribeEventBus',
      Resource: mine.EventBusArn,
    });
    const describeBus = ({ EventBusName }: { EventBusName: string }) =>
      client(EventBridgeClient, caller).send(new DescribeEventBusCommand({ Name: EventBusName }));

    await expect(describeBus(mine)).resolves.toMatchObject({ Arn: mine.EventBusArn });
    await expect(describeBus({ EventBusName: mine.EventBusArn })).resolves.toMatchObject({
      Name: mine.EventBusName,
    });
    await expect(describeBus(other)).rejects.toMatchObject({ name: 'AccessDeniedException' });
  });

  // eventbridge/latest/APIReference/API_PutPermission (Policy)
  it('replaces the whole policy', async () => {
    const { EventBusName, EventBusArn } = await createBus();
    const statement = (Sid: string) => ({
      Sid,
      Effect: 'Allow',
      Principal: '*',
      Action: 'events:PutEvents',
      Resource: EventBusArn,
    });
    for (const Sid of ['one', 'two']) {
      await events.send(new PutPermissionCommand({ EventBusName, Policy: policy(statement(Sid)) }));
    }
    const { Policy } = await events.send(new DescribeEventBusCommand({ Name: EventBusName }));

    expect(JSON.parse(present(Policy))).toMatchObject({ Statement: [{ Sid: 'two' }] });
  });
});

interface Queue {
  url: string;
  arn: string;
}

async function createQueue(): Promise<Queue> {
  const url = present((await sqs.send(new CreateQueueCommand({ QueueName: unique('queue') }))).QueueUrl);
  return { url, arn: present(await attribute(url, 'QueueArn')) };
}

async function received({ url }: Queue): Promise<unknown> {
  const { Messages } = await sqs.send(new ReceiveMessageCommand({ QueueUrl: url, WaitTimeSeconds: 10 }));
  return JSON.parse(present(Messages?.[0]?.Body));
}

function waiting({ url }: Queue): Promise<string | undefined> {
  return attribute(url, 'ApproximateNumberOfMessages');
}

async function attribute(QueueUrl: string, name: 'QueueArn' | 'ApproximateNumberOfMessages') {
  const { Attributes } = await sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: [name] }));
  return Attributes?.[name];
}

async function createMachine(): Promise<string> {
  const { stateMachineArn } = await sfn.send(
    new CreateStateMachineCommand({
      name: unique('machine'),
      roleArn: await createRole({ Service: 'states.amazonaws.com' }, []),
      definition: JSON.stringify({ StartAt: 'Done', States: { Done: { Type: 'Succeed' } } }),
    }),
  );
  return present(stateMachineArn);
}

async function executions(stateMachineArn: string) {
  return (await sfn.send(new ListExecutionsCommand({ stateMachineArn }))).executions;
}

async function createLogGroup(): Promise<{ name: string; arn: string }> {
  const name = `/aws/events/${unique('group')}`;
  await logs.send(new CreateLogGroupCommand({ logGroupName: name }));
  return { name, arn: `arn:aws:logs:${region}:${account}:log-group:${name}` };
}

async function messages(logGroupName: string) {
  const { events: found = [] } = await logs.send(new FilterLogEventsCommand({ logGroupName }));
  return found.map(({ message }) => message);
}
