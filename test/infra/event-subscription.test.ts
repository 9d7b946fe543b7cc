import { describe, expect, it } from '@jest/globals';
import { App, Stack } from 'aws-cdk-lib';
import { Template as Assertions, Match } from 'aws-cdk-lib/assertions';
import { EventBus } from 'aws-cdk-lib/aws-events';
import { Code, Function as LambdaFunction, Runtime } from 'aws-cdk-lib/aws-lambda';
import { EventSubscription } from '../../infra/constructs/event-subscription.ts';
import { publishConditions } from '../../workflows/publish-conditions.ts';

const OWNER = '111122223333';
const busArn = (name: string) => `arn:aws:events:eu-central-1:${OWNER}:event-bus/${name}`;

function subscriber(account: string | undefined = OWNER, region: string | undefined = 'eu-central-1') {
  return subscriberIn({ account, region });
}

function subscriberIn(env: { account?: string; region?: string }) {
  const stack = new Stack(new App({ analyticsReporting: false }), 'Subscriber', { env });
  const handler = new LambdaFunction(stack, 'Handler', {
    runtime: Runtime.NODEJS_24_X,
    handler: 'index.handler',
    code: Code.fromInline('exports.handler = async () => undefined'),
  });
  const bus = EventBus.fromEventBusArn(stack, 'Bus', busArn('app2-service-users'));
  const otherBus = EventBus.fromEventBusArn(stack, 'OtherBus', busArn('app1-provisioning'));
  return { stack, handler, bus, otherBus };
}

describe('a subscription', () => {
  const { stack, handler, bus, otherBus } = subscriber();
  new EventSubscription(stack, 'Access', {
    service: 'app2',
    bus,
    events: ['ServiceUserCreated', 'ServiceUserRemoved'],
    where: { human_user_id: ['h-1'] },
    handler,
  });
  new EventSubscription(stack, 'Provisionings', {
    service: 'app1',
    bus: otherBus,
    events: ['ServiceUserProvisioned'],
    handler,
  });
  const template = Assertions.fromStack(stack);
  const queue = { 'Fn::GetAtt': [Match.stringLikeRegexp('^HandlerDeadLetterQueue'), 'Arn'] };

  it('receives only the named events, in the version of the catalogue', () => {
    template.hasResourceProperties('AWS::Events::Rule', {
      EventBusName: 'app2-service-users',
      EventPattern: {
        source: ['app2.service-users'],
        'detail-type': ['ServiceUserCreated', 'ServiceUserRemoved'],
        detail: { metadata: { schema_version: ['1'] }, data: { human_user_id: ['h-1'] } },
      },
      State: 'ENABLED',
    });
  });

  it('sends undeliverable and unprocessed events to one queue', () => {
    template.allResourcesProperties('AWS::Events::Rule', {
      Targets: [Match.objectLike({ DeadLetterConfig: { Arn: queue } })],
    });
    template.hasResourceProperties('AWS::Lambda::EventInvokeConfig', {
      DestinationConfig: { OnFailure: { Destination: queue } },
    });
  });

  it('shares queue and alarm with the other subscriptions of its function', () => {
    for (const type of ['SQS::Queue', 'Lambda::EventInvokeConfig', 'CloudWatch::Alarm'])
      template.resourceCountIs(`AWS::${type}`, 1);
    template.resourceCountIs('AWS::Events::Rule', 2);
  });

  it('raises an alarm when the queue contains a message', () => {
    template.hasResourceProperties('AWS::CloudWatch::Alarm', {
      MetricName: 'ApproximateNumberOfMessagesVisible',
      Threshold: 1,
      TreatMissingData: 'notBreaching',
    });
  });
});

describe('synthesis rejects a subscription', () => {
  it('to events that the service does not publish', () => {
    const { stack, bus, handler } = subscriber();
    const subscribe = () =>
      new EventSubscription(stack, 'All', {
        service: 'app2',
        bus,
        events: ['ServiceUserCreated', 'ServiceUserProvisioned'],
        handler,
      });

    expect(subscribe).toThrow('app2 does not publish ServiceUserProvisioned.');
  });

  it('to a bus of another account without a bus of the subscriber', () => {
    const { stack, bus, handler } = subscriber('999999999999');
    const subscribe = () =>
      new EventSubscription(stack, 'Access', {
        service: 'app2',
        bus,
        events: ['ServiceUserCreated'],
        handler,
      });

    expect(subscribe).toThrow(
      'Subscriber/Access: `bus` is a bus of account 111122223333, and this stack is in 999999999999: give a bus of your own as `through`.',
    );
  });

  const elsewhere = 'arn:aws:events:us-east-1:999999999999:event-bus/own';

  it('to a bus of another region', () => {
    const { stack, bus, handler } = subscriber(OWNER, 'eu-west-1');
    const subscribe = () =>
      new EventSubscription(stack, 'Access', {
        service: 'app2',
        bus,
        events: ['ServiceUserCreated'],
        handler,
      });

    expect(subscribe).toThrow(
      'Subscriber/Access: `bus` is a bus of eu-central-1, and this stack is in eu-west-1: subscribe from a stack in eu-central-1.',
    );
  });

  it('to a bus of another region and account, and reports both', () => {
    const { stack, bus, handler } = subscriber('999999999999', 'eu-west-1');
    const subscribe = () =>
      new EventSubscription(stack, 'Access', {
        service: 'app2',
        bus,
        events: ['ServiceUserCreated'],
        handler,
      });

    expect(subscribe).toThrow(/of eu-central-1.*of account 111122223333/);
  });

  it.each([
    ['of another region', elsewhere, /`through` is a bus of us-east-1/],
    ['of another account', busArn('own'), /`through` is a bus of account 111122223333/],
  ])('through a bus %s', (_what, arn, message) => {
    const { stack, bus, handler } = subscriber('999999999999');
    const through = EventBus.fromEventBusArn(stack, 'Through', arn);
    const subscribe = () =>
      new EventSubscription(stack, 'Access', {
        service: 'app2',
        bus,
        through,
        events: ['ServiceUserCreated'],
        handler,
      });

    expect(subscribe).toThrow(message);
  });
});

describe('a subscription with an unresolved region and account', () => {
  it('is not checked at synthesis', () => {
    const { stack, bus, handler } = subscriberIn({});
    new EventSubscription(stack, 'Access', { service: 'app2', bus, events: ['ServiceUserCreated'], handler });
    Assertions.fromStack(stack).resourceCountIs('AWS::Events::Rule', 1);
  });
});

describe('a subscription from another account', () => {
  const { stack, bus, handler } = subscriber('999999999999');
  const own = new EventBus(stack, 'AuditEvents');
  new EventSubscription(stack, 'Access', {
    service: 'app2',
    bus,
    through: EventBus.fromEventBusArn(stack, 'Own', own.eventBusArn),
    events: ['ServiceUserCreated'],
    handler,
  });
  const template = Assertions.fromStack(stack);
  const queue = { 'Fn::GetAtt': [Match.stringLikeRegexp('^HandlerDeadLetterQueue'), 'Arn'] };
  const ownBus = { 'Fn::GetAtt': [Match.stringLikeRegexp('^AuditEvents'), 'Arn'] };
  const forward = { 'Fn::GetAtt': [Match.stringLikeRegexp('^AccessForward'), 'Arn'] };

  it("has a rule on the owner's bus that forwards to a bus of the subscriber with a role", () => {
    template.hasResourceProperties('AWS::Events::Rule', {
      EventBusName: busArn('app2-service-users'),
      EventPattern: Match.objectLike({ 'detail-type': ['ServiceUserCreated'] }),
      Targets: [
        {
          Id: 'Through',
          Arn: ownBus,
          RoleArn: { 'Fn::GetAtt': [Match.stringLikeRegexp('^AccessForwarding'), 'Arn'] },
          DeadLetterConfig: { Arn: queue },
        },
      ],
    });
  });

  it('allows that role only to put events on that bus', () => {
    template.hasResourceProperties('AWS::IAM::Role', {
      AssumeRolePolicyDocument: Match.objectLike({
        Statement: [
          { Action: 'sts:AssumeRole', Effect: 'Allow', Principal: { Service: 'events.amazonaws.com' } },
        ],
      }),
      Policies: [
        Match.objectLike({
          PolicyDocument: Match.objectLike({
            Statement: [
              {
                Action: 'events:PutEvents',
                Effect: 'Allow',
                Resource: ownBus,
                Condition: publishConditions('app2.service-users', ['ServiceUserCreated']),
              },
            ],
          }),
        }),
      ],
    });
  });

  it('allows that rule to send undeliverable events to the queue', () => {
    template.hasResourceProperties('AWS::SQS::QueuePolicy', {
      PolicyDocument: Match.objectLike({
        Statement: Match.arrayWith([
          Match.objectLike({
            Action: 'sqs:SendMessage',
            Principal: { Service: 'events.amazonaws.com' },
            Condition: { ArnEquals: { 'aws:SourceArn': forward } },
          }),
        ]),
      }),
    });
  });

  it("invokes the function by a rule on the subscriber's bus", () => {
    template.hasResourceProperties('AWS::Events::Rule', {
      Targets: [Match.objectLike({ Arn: { 'Fn::GetAtt': [Match.stringLikeRegexp('^Handler'), 'Arn'] } })],
      EventPattern: Match.objectLike({ 'detail-type': ['ServiceUserCreated'] }),
    });
  });
});
