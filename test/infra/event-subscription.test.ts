import { describe, it } from '@jest/globals';
import { App, Stack } from 'aws-cdk-lib';
import { Template as Assertions, Match } from 'aws-cdk-lib/assertions';
import { EventBus } from 'aws-cdk-lib/aws-events';
import { Code, Function as LambdaFunction, Runtime } from 'aws-cdk-lib/aws-lambda';
import { EventSubscription } from '../../infra/constructs/event-subscription.ts';

const BUS = 'arn:aws:events:eu-central-1:111122223333:event-bus/app2-service-users';

function subscriber(): Assertions {
  const stack = new Stack(new App({ analyticsReporting: false }), 'Subscriber');
  const handler = new LambdaFunction(stack, 'Handler', {
    runtime: Runtime.NODEJS_24_X,
    handler: 'index.handler',
    code: Code.fromInline('exports.handler = async () => undefined'),
  });
  new EventSubscription(stack, 'Access', {
    bus: EventBus.fromEventBusArn(stack, 'Bus', BUS),
    events: ['ServiceUserCreated', 'ServiceUserRemoved'],
    where: { human_user_id: ['h-1'] },
    handler,
  });
  return Assertions.fromStack(stack);
}

describe('a subscription', () => {
  const template = subscriber();

  it('hears of the events that it names, in the version that the catalogue has, and of no others', () => {
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

  it('loses nothing: what is not delivered and what is not handled go to one queue', () => {
    const queue = { 'Fn::GetAtt': [Match.stringLikeRegexp('^AccessUndelivered'), 'Arn'] };
    template.hasResourceProperties('AWS::Events::Rule', {
      Targets: [Match.objectLike({ DeadLetterConfig: { Arn: queue } })],
    });
    template.hasResourceProperties('AWS::Lambda::EventInvokeConfig', {
      DestinationConfig: { OnFailure: { Destination: queue } },
    });
    template.resourceCountIs('AWS::SQS::Queue', 1);
  });

  it('tells when something lies there', () => {
    template.hasResourceProperties('AWS::CloudWatch::Alarm', {
      MetricName: 'ApproximateNumberOfMessagesVisible',
      Threshold: 1,
      TreatMissingData: 'notBreaching',
    });
  });
});
