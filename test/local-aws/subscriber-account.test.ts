import { beforeAll, describe, expect, it } from '@jest/globals';
import { App, Stack } from 'aws-cdk-lib';
import { EventBus } from 'aws-cdk-lib/aws-events';
import { Code, Function as LambdaFunction, Runtime } from 'aws-cdk-lib/aws-lambda';
import * as z from 'zod';
import { EventSubscription } from '../../infra/constructs/event-subscription.ts';
import { type Template, template, templates } from '../../infra/templates.ts';
import { resources } from '../support/resources.ts';
import { decide } from './support/decisions.ts';

/**
 * A subscriber in an account of its own: what the bus of the owner lets it do, and what its own resources let
 * EventBridge do for it, decided by the local AWS's evaluation of policies.
 */

const region = 'eu-central-1';
const [OWNER, SUBSCRIBER, STRANGER] = ['111122223333', '777788889999', '999999999999'];
const arn = (service: string, account: string, rest: string) =>
  `arn:aws:${service}:${region}:${account}:${rest}`;
const SOURCE = 'app2.service-users';
const BUS = 'app2-service-users';
const arns = {
  bus: arn('events', OWNER, `event-bus/${BUS}`),
  forward: arn('events', OWNER, `rule/${BUS}/Subscriber-Forward`),
  ownBus: arn('events', SUBSCRIBER, 'event-bus/AuditEvents'),
  ownRule: arn('events', SUBSCRIBER, 'rule/AuditEvents/Subscriber-Rule'),
  queue: arn('sqs', SUBSCRIBER, 'dead-letter-queue'),
  handler: arn('lambda', SUBSCRIBER, 'function:handler'),
};

const owners = templates({ subscriber_accounts: SUBSCRIBER }).app2;
const subscribers = subscriberTemplate();

function subscriberTemplate(): Template {
  const app = new App({ analyticsReporting: false });
  const stack = new Stack(app, 'Subscriber', { env: { account: SUBSCRIBER, region } });
  const handler = new LambdaFunction(stack, 'Handler', {
    runtime: Runtime.NODEJS_24_X,
    handler: 'index.handler',
    code: Code.fromInline('exports.handler = async () => undefined'),
  });
  const own = new EventBus(stack, 'AuditEvents');
  new EventSubscription(stack, 'Access', {
    service: 'app2',
    bus: EventBus.fromEventBusArn(stack, 'Bus', arns.bus),
    through: EventBus.fromEventBusArn(stack, 'Own', own.eventBusArn),
    events: ['ServiceUserCreated'],
    handler,
  });
  return template.parse({ Outputs: {}, ...app.synth().getStackByName('Subscriber').template });
}

/** Evaluates CloudFormation's intrinsic functions; `made` are the ARNs of resources by the prefix of their ids. */
function resolve(value: unknown, account: string, made: Record<string, string> = {}): unknown {
  const inner = (one: unknown) => resolve(one, account, made);
  if (Array.isArray(value)) return value.map(inner);
  if (typeof value !== 'object' || value === null) return value;
  const [[name, argument] = ['', undefined], ...more] = Object.entries(value);
  if (more.length === 0 && name === 'Ref')
    return (
      { 'AWS::Partition': 'aws', 'AWS::Region': region, 'AWS::AccountId': account }[String(argument)] ??
      argument
    );
  if (more.length === 0 && name === 'Fn::Join') {
    const [glue, parts] = z.tuple([z.string(), z.array(z.unknown())]).parse(argument);
    return parts.map((part) => String(inner(part))).join(glue);
  }
  if (more.length === 0 && name === 'Fn::GetAtt') {
    const [id] = z.array(z.string()).parse(argument);
    return Object.entries(made).find(([prefix]) => id?.startsWith(prefix))?.[1] ?? `arn:of:${id}`;
  }
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, inner(one)]));
}

const made = {
  AccessForwarding: 'arn:of:the-role',
  AccessForward: arns.forward,
  AccessRule: arns.ownRule,
  AuditEvents: arns.ownBus,
  HandlerDeadLetterQueue: arns.queue,
  Handler: arns.handler,
};
const only = (from: Template, type: string) => {
  const [found, ...others] = resources(from, type).map(([, { Properties }]) => Properties);
  if (found === undefined || others.length > 0) throw new Error(`There is not one ${type}.`);
  return found;
};
const permission = z
  .object({ Action: z.string(), Principal: z.string(), SourceArn: z.unknown() })
  .parse(only(subscribers, 'AWS::Lambda::Permission'));
const forwarding = z
  .looseObject({
    AssumeRolePolicyDocument: z.unknown(),
    Policies: z.tuple([z.looseObject({ PolicyDocument: z.unknown() })]),
  })
  .parse(
    resources(subscribers, 'AWS::IAM::Role').find(([id]) => id.startsWith('AccessForwarding'))?.[1]
      .Properties,
  );

const policies = {
  /** The policy of the bus, which covers its rules. */
  bus: resolve(
    {
      Statement: resources(owners, 'AWS::Events::EventBusPolicy').map(
        ([, { Properties }]) => Properties['Statement'],
      ),
    },
    OWNER,
  ),
  queue: resolve(only(subscribers, 'AWS::SQS::QueuePolicy')['PolicyDocument'], SUBSCRIBER, made),
  // lambda/latest/dg/access-control-resource-based: what AddPermission makes of a permission
  handler: {
    Statement: [
      {
        Effect: 'Allow',
        Principal: { Service: permission.Principal },
        Action: permission.Action,
        Resource: arns.handler,
        Condition: { ArnLike: { 'AWS:SourceArn': resolve(permission.SourceArn, SUBSCRIBER, made) } },
      },
    ],
  },
  trust: resolve(forwarding.AssumeRolePolicyDocument, SUBSCRIBER, made),
  role: resolve(forwarding.Policies[0].PolicyDocument, SUBSCRIBER, made),
};
const everything = { Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }] };

type Request = Record<string, unknown>;
/** An administrator who deploys in an account. */
const deployer = (
  account: string,
  action: string,
  resource: string,
  context: Record<string, string> = {},
): Request => ({
  principal: `arn:aws:sts::${account}:assumed-role/deployer/session`,
  identity_policy: everything,
  resource_policy: policies.bus,
  action,
  resource,
  context,
});
const forwarder = (
  resource: string,
  action = 'events:PutEvents',
  keys: Record<string, string> = {},
): Request => ({
  principal: `arn:aws:sts::${SUBSCRIBER}:assumed-role/forwarding/session`,
  identity_policy: policies.role,
  resource_policy: null,
  action,
  resource,
  // eventbridge/latest/userguide/eb-use-conditions: the keys of the event that a rule sends on
  context: {
    'events:source': SOURCE,
    'events:detail-type': 'ServiceUserCreated',
    'events:eventBusInvocation': 'true',
    ...keys,
  },
});
const forSource = (
  policy: 'queue' | 'handler' | 'trust',
  action: string,
  source: string,
  service = 'events.amazonaws.com',
): Request => ({
  service,
  resource_policy: policies[policy],
  action,
  resource: policy === 'trust' ? '*' : arns[policy],
  context: { 'aws:SourceArn': source },
});

const ownRule = { 'events:creatorAccount': SUBSCRIBER };
const MANAGED = [
  'DescribeRule',
  'ListTargetsByRule',
  'PutTargets',
  'RemoveTargets',
  'EnableRule',
  'DisableRule',
  'DeleteRule',
];
const elsewhere = arn('events', OWNER, `rule/${BUS}/another-rule`);

const allowed: [string, Request][] = [
  [
    'creates a rule for its events',
    deployer(SUBSCRIBER, 'events:PutRule', arns.forward, { 'events:source': SOURCE }),
  ],
  ...MANAGED.map((action): [string, Request] => [
    `manages its rule by ${action}`,
    deployer(SUBSCRIBER, `events:${action}`, arns.forward, ownRule),
  ]),
  ['lets EventBridge assume its role', forSource('trust', 'sts:AssumeRole', arns.forward)],
  ['sends to its own bus with its role', forwarder(arns.ownBus)],
  ['lets its rule invoke its function', forSource('handler', 'lambda:InvokeFunction', arns.ownRule)],
  [
    "lets the owner's bus send undeliverable events to its queue",
    forSource('queue', 'sqs:SendMessage', arns.forward),
  ],
  [
    'lets its own bus send undeliverable events to its queue',
    forSource('queue', 'sqs:SendMessage', arns.ownRule),
  ],
];
const denied: [string, Request][] = [
  [
    'creates a rule for other events',
    deployer(SUBSCRIBER, 'events:PutRule', arns.forward, { 'events:source': 'app1.provisioning' }),
  ],
  ...['PutRule', ...MANAGED].map((action): [string, Request] => [
    `changes a rule of the owner by ${action}`,
    deployer(SUBSCRIBER, `events:${action}`, elsewhere, {
      'events:creatorAccount': OWNER,
      'events:source': SOURCE,
    }),
  ]),
  ['makes a rule for whatever is sent', deployer(SUBSCRIBER, 'events:PutRule', arns.forward)],
  ...MANAGED.map((action): [string, Request] => [
    `has ${action} of a rule whose creator is not known`,
    deployer(SUBSCRIBER, `events:${action}`, arns.forward, { 'events:source': SOURCE }),
  ]),
  [
    'forwards events of another source with its role',
    forwarder(arns.ownBus, 'events:PutEvents', { 'events:source': 'app1.provisioning' }),
  ],
  [
    'forwards events without a subscription with its role',
    forwarder(arns.ownBus, 'events:PutEvents', { 'events:detail-type': 'ServiceUserRemoved' }),
  ],
  [
    'creates a rule on another bus',
    deployer(SUBSCRIBER, 'events:PutRule', arn('events', OWNER, 'rule/other/mine')),
  ],
  [
    'creates a rule on the default bus',
    deployer(SUBSCRIBER, 'events:PutRule', arn('events', OWNER, 'rule/mine')),
  ],
  ...[
    'PutEvents',
    'PutPermission',
    'RemovePermission',
    'DeleteEventBus',
    'UpdateEventBus',
    'CreateArchive',
  ].map((action): [string, Request] => [
    `calls ${action} on the bus`,
    deployer(SUBSCRIBER, `events:${action}`, arns.bus),
  ]),
  ["sends to the owner's bus with its role", forwarder(arns.bus)],
  ['sends to another bus with its role', forwarder(arn('events', SUBSCRIBER, 'event-bus/default'))],
  ['creates rules with its role', forwarder(arns.ownRule, 'events:PutRule')],
  [
    'lets another service assume its role',
    forSource('trust', 'sts:AssumeRole', arns.forward, 'lambda.amazonaws.com'),
  ],
  ["lets the owner's rules invoke its function", forSource('handler', 'lambda:InvokeFunction', elsewhere)],
  ['lets another rule invoke its function', forSource('handler', 'lambda:InvokeFunction', arns.forward)],
  ['lets other rules of the owner send to its queue', forSource('queue', 'sqs:SendMessage', elsewhere)],
  ['lets EventBridge read its queue', forSource('queue', 'sqs:ReceiveMessage', arns.forward)],
];
/** An account without permission to subscribe. */
const stranger: [string, Request][] = ['PutRule', ...MANAGED].map((action) => [
  action,
  deployer(STRANGER, `events:${action}`, arns.forward, { 'events:source': SOURCE }),
]);

const all = [...allowed, ...denied, ...stranger];
let decisions: Map<Request, string>;
beforeAll(() => {
  decisions = decide(all.map(([, request]) => [request, request] as const));
});

describe('a subscriber in an account of its own', () => {
  it.each(allowed)('%s', (_what, request) => {
    expect(decisions.get(request)).toBe('Allow');
  });

  it.each(denied)('never %s', (_what, request) => {
    expect(decisions.get(request)).not.toBe('Allow');
  });
});

describe('an account without permission to subscribe', () => {
  it.each(stranger)('cannot call %s', (_what, request) => {
    expect(decisions.get(request)).not.toBe('Allow');
  });
});
