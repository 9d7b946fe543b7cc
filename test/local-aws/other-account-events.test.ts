import {
  DeleteRuleCommand,
  DescribeRuleCommand,
  DisableRuleCommand,
  EventBridgeClient,
  ListRulesCommand,
  ListTargetsByRuleCommand,
  PutEventsCommand,
  PutPermissionCommand,
  PutRuleCommand,
  RemoveTargetsCommand,
} from '@aws-sdk/client-eventbridge';
import { ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { describe, expect, it } from '@jest/globals';
import { account, client, region } from './support/clients.ts';
import { allowCaller, otherAccount, otherRoot } from './support/other-account.ts';
import { createQueue, lengthOf, nextEvent } from './support/queues.ts';
import { callerWho, createRole, policy, type Statement } from './support/roles.ts';
import { connect, createBus, entry, letRulesSend } from './support/rules.ts';
import { createStack, deleteStack, type Template } from './support/stacks.ts';
import { unique } from './support/unique.ts';

/** Buses of another account: the policy of the bus has to allow what others do there. */

const events = client(EventBridgeClient);
const owner = client(EventBridgeClient, otherRoot);
const allow = (Action: string, Resource = '*'): Statement => ({ Effect: 'Allow', Action, Resource });

/** The policy variable of the account of the caller. */
const CALLER = `\${aws:PrincipalAccount}`;

/** As infra/constructs/audit-bus.ts: rules of the caller's own, for events of one source. */
const ownRules = [
  allowCaller('events:PutRule', {
    'ForAllValues:StringEquals': { 'events:source': ['test.source'] },
    Null: { 'events:source': 'false' },
    StringEqualsIfExists: { 'events:creatorAccount': CALLER },
  }),
  allowCaller(
    ['DeleteRule', 'DescribeRule', 'ListTargetsByRule', 'PutTargets', 'RemoveTargets'].map(
      (operation) => `events:${operation}`,
    ),
    { StringEquals: { 'events:creatorAccount': CALLER } },
  ),
];

/** Creates a bus of the other account with a policy of these statements, or without a policy. */
async function createOtherBus(statements: object[]): Promise<{ name: string; arn: string }> {
  const { EventBusName, EventBusArn } = await createBus(otherRoot);
  const Resource = [EventBusArn, `${EventBusArn.replace(':event-bus/', ':rule/')}/*`];
  if (statements.length > 0)
    await owner.send(
      new PutPermissionCommand({
        EventBusName,
        Policy: policy(...statements.map((statement) => ({ ...statement, Resource }))),
      }),
    );
  return { name: EventBusName, arn: EventBusArn };
}

/** Creates a bus of the own account, a queue that its events reach, and a role that may send events to it. */
async function createOwnBus() {
  const { EventBusName, EventBusArn } = await createBus();
  const queue = await createQueue();
  await letRulesSend(queue);
  await connect(EventBusName, { Arn: queue.arn });
  const sender = await createRole({ Service: 'events.amazonaws.com' }, [
    allow('events:PutEvents', EventBusArn),
  ]);
  return { arn: EventBusArn, queue, sender };
}

describe('corrected: rules on a bus of another account', () => {
  // eventbridge/latest/userguide/eb-event-bus-perms and eb-cross-account
  it('forward events to a bus of the account that has created them', async () => {
    const bus = await createOtherBus(ownRules);
    const own = await createOwnBus();

    const rule = await connect(bus.arn, { Arn: own.arn, RoleArn: own.sender });
    await owner.send(new PutEventsCommand({ Entries: [entry(bus.name)] }));

    expect(rule).toMatch(`arn:aws:events:${region}:${otherAccount}:rule/${bus.name}/rule-`);
    expect(await nextEvent(own.queue.url)).toMatchObject({ account: otherAccount, detail: { n: 1 } });
  });

  // eventbridge/latest/userguide/eb-event-bus-perms; eb-use-conditions (events:source)
  it.each([
    ['the bus has no policy', { statements: [] }],
    ['the policy allows rules for another source', { pattern: { source: ['test.other'] } }],
    ['the policy requires a source and the pattern has none', { pattern: { 'detail-type': ['Thing Done'] } }],
    ["the caller's policy does not allow it", { own: [allow('events:PutTargets')] }],
  ])('are created, but not if %s', async (_, changed) => {
    const allowing = {
      statements: ownRules,
      pattern: { source: ['test.source'] },
      own: [allow('events:PutRule')],
    };
    const put = async (different: object) => {
      const { statements, pattern, own } = { ...allowing, ...different };
      const { arn } = await createOtherBus(statements);
      return client(EventBridgeClient, await callerWho(...own)).send(
        new PutRuleCommand({
          Name: unique('rule'),
          EventBusName: arn,
          EventPattern: JSON.stringify(pattern),
        }),
      );
    };

    const [allowed, denied] = await Promise.allSettled([put({}), put(changed)]);

    expect([allowed, denied]).toMatchObject([
      { value: { RuleArn: expect.any(String) } },
      { reason: { name: 'AccessDeniedException' } },
    ]);
  });

  // eventbridge/latest/userguide/eb-event-bus-example-policy-same-account-creator (events:creatorAccount)
  it('are managed by their creator, which manages no rule of the owner', async () => {
    const { name, arn: EventBusName } = await createOtherBus(ownRules);
    const own = await createOwnBus();
    const [, , Name = ''] = (await connect(EventBusName, { Arn: own.arn, RoleArn: own.sender })).split('/');
    await owner.send(
      new PutRuleCommand({
        Name: 'of-the-owner',
        EventBusName: name,
        EventPattern: '{"source":["test.source"]}',
      }),
    );

    const described = await events.send(new DescribeRuleCommand({ Name, EventBusName }));
    const { Targets } = await events.send(new ListTargetsByRuleCommand({ Rule: Name, EventBusName }));
    await events.send(new RemoveTargetsCommand({ Rule: Name, EventBusName, Ids: ['target'] }));
    await events.send(new DeleteRuleCommand({ Name, EventBusName }));

    expect(described).toMatchObject({ Name, CreatedBy: account });
    expect(Targets).toMatchObject([{ Arn: own.arn }]);
    await expect(owner.send(new DescribeRuleCommand({ Name, EventBusName: name }))).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
    });
    const ofTheOwner = { Name: 'of-the-owner', EventBusName };
    const denied = await Promise.allSettled([
      events.send(new DescribeRuleCommand(ofTheOwner)),
      events.send(new DisableRuleCommand(ofTheOwner)),
      events.send(new DeleteRuleCommand(ofTheOwner)),
    ]);
    expect(denied).toMatchObject(denied.map(() => ({ reason: { name: 'AccessDeniedException' } })));
  });

  // eventbridge/latest/userguide/eb-rule-dlq
  it('send what they cannot deliver to a queue of the account that has created them', async () => {
    const bus = await createOtherBus(ownRules);
    const own = await createOwnBus();
    const undelivered = await createQueue();
    await letRulesSend(undelivered, `arn:aws:events:${region}:${otherAccount}:rule/${bus.name}/*`);
    const powerless = await createRole({ Service: 'events.amazonaws.com' }, []);

    await connect(bus.arn, {
      Arn: own.arn,
      RoleArn: powerless,
      DeadLetterConfig: { Arn: undelivered.arn },
    });
    await owner.send(new PutEventsCommand({ Entries: [entry(bus.name)] }));

    expect(await nextEvent(undelivered.url)).toMatchObject({ account: otherAccount, detail: { n: 1 } });
    expect(await lengthOf(own.queue.url)).toBe(0);
  });
});

describe('corrected: events for a bus of another account', () => {
  // eventbridge/latest/apireference/API_PutEventsRequestEntry (EventBusName); eb-events-structure (account)
  it('are sent if both policies allow it, with the account of the sender', async () => {
    const [open, closed] = [await createBus(), await createBus()];
    const queue = await createQueue();
    await letRulesSend(queue);
    await connect(open.EventBusName, { Arn: queue.arn });
    await events.send(
      new PutPermissionCommand({
        EventBusName: open.EventBusName,
        StatementId: 'sender',
        Action: 'events:PutEvents',
        Principal: otherAccount,
      }),
    );
    const send = (bus: string) => owner.send(new PutEventsCommand({ Entries: [entry(bus)] }));

    const [sent, denied] = await Promise.allSettled([send(open.EventBusArn), send(closed.EventBusArn)]);

    expect([sent, denied]).toMatchObject([
      { value: { FailedEntryCount: 0 } },
      { reason: { name: 'AccessDeniedException' } },
    ]);
    expect(await nextEvent(queue.url)).toMatchObject({ account: otherAccount });
  });

  // eventbridge/latest/userguide/eb-cross-account: the account of the target allows it by the policy of its bus
  it('are forwarded by a rule of the sender only if the policy of the bus allows its role', async () => {
    const source = await createBus();
    const [open, closed] = [
      await createOtherBus([allowCaller('events:PutEvents')]),
      await createOtherBus([]),
    ];
    const undelivered = await createQueue();
    await letRulesSend(undelivered);
    const RoleArn = await createRole({ Service: 'events.amazonaws.com' }, [allow('events:PutEvents')]);
    for (const { arn } of [open, closed])
      await connect(source.EventBusName, { Arn: arn, RoleArn, DeadLetterConfig: { Arn: undelivered.arn } });

    await events.send(new PutEventsCommand({ Entries: [entry(source.EventBusName)] }));

    const { Messages = [] } = await client(SQSClient).send(
      new ReceiveMessageCommand({
        QueueUrl: undelivered.url,
        MessageAttributeNames: ['All'],
        MaxNumberOfMessages: 10,
        WaitTimeSeconds: 5,
      }),
    );
    expect(Messages).toMatchObject([{ MessageAttributes: { TARGET_ARN: { StringValue: closed.arn } } }]);
  });
});

describe('corrected: a rule of a stack on a bus of another account', () => {
  const templateFor = (EventBusName: string, source = 'test.source'): Template => ({
    Resources: {
      Rule: {
        Type: 'AWS::Events::Rule',
        Properties: { Name: 'forward', EventBusName, EventPattern: { source: [source] } },
      },
    },
    Outputs: { Arn: { Value: { 'Fn::GetAtt': ['Rule', 'Arn'] } } },
  });

  // AWSCloudFormation/latest/UserGuide/aws-resource-events-rule (EventBusName)
  it('is created and deleted on that bus', async () => {
    const bus = await createOtherBus(ownRules);
    const find = () => owner.send(new DescribeRuleCommand({ Name: 'forward', EventBusName: bus.name }));

    const stack = await createStack(templateFor(bus.arn));

    expect(await find()).toMatchObject({ Arn: stack.outputs['Arn'], CreatedBy: account });
    await deleteStack(stack);
    await expect(find()).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
  });

  // eventbridge/latest/apireference/API_Rule: only DescribeRule names the creator
  it('is listed without its creator', async () => {
    const bus = await createOtherBus(ownRules);
    const stack = await createStack(templateFor(bus.arn));

    const { Rules } = await owner.send(new ListRulesCommand({ EventBusName: bus.name }));

    await deleteStack(stack);
    expect(Rules).toEqual([expect.objectContaining({ Name: 'forward' })]);
    expect(Rules?.[0]).not.toHaveProperty('CreatedBy');
  });

  // eventbridge/latest/userguide/eb-event-bus-perms
  it.each([
    ['the policy of the bus does not allow it', [], 'test.source'],
    ['the policy of the bus allows another source', ownRules, 'test.other'],
  ])('makes the stack fail if %s', async (_, statements, source) => {
    const bus = await createOtherBus(statements);

    const attempt = createStack(templateFor(bus.arn, source));

    await expect(attempt).rejects.toThrow('is not authorized to perform: events:PutRule');
  });
});
