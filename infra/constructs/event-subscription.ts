import { Duration } from 'aws-cdk-lib';
import { Alarm, ComparisonOperator, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { type IEventBus, Rule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import { EventInvokeConfig, type IFunction } from 'aws-cdk-lib/aws-lambda';
import { SqsDestination } from 'aws-cdk-lib/aws-lambda-destinations';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { EventName } from '../../contracts/events/catalogue.ts';
import { eventPattern, type Where } from '../../contracts/events/subscriber.ts';
import { acknowledge } from '../checks.ts';

export interface EventSubscriptionProps {
  /** Bus of App1 or App2: `EventBus.fromEventBusArn`. A rule stands on the bus, so it is made in the bus's region. */
  bus: IEventBus;
  /** Events of the catalogue, all of the bus's service. */
  events: readonly [EventName, ...EventName[]];
  /** Values that fields of an event must have. */
  where?: Where;
  /** What is called with each event; it reads it by `readEvent` and may be called more than once. */
  handler: IFunction;
}

/**
 * A subscription to audit events, for the stack of another team: a rule with a pattern from the catalogue, the function
 * that it calls, and one queue for all that did not arrive, whether EventBridge could not deliver it or the function
 * could not handle it. An alarm tells when something lies there.
 * docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html
 * docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
 */
export class EventSubscription extends Construct {
  readonly rule: Rule;
  /** What did not arrive. */
  readonly undelivered: Queue;
  /** In alarm while something lies in the queue; give it an action. */
  readonly alarm: Alarm;

  constructor(scope: Construct, id: string, { bus, events, where, handler }: EventSubscriptionProps) {
    super(scope, id);
    this.undelivered = new Queue(this, 'Undelivered', {
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      retentionPeriod: Duration.days(14),
    });
    acknowledge(this.undelivered, {
      'Serverless-SQSRedrivePolicy': 'It is the dead-letter queue; what lies there waits for an operator.',
    });
    const { source, 'detail-type': detailType, detail } = eventPattern(events, where);
    this.rule = new Rule(this, 'Rule', {
      eventBus: bus,
      description: `Audit events, to ${handler.node.path}`,
      eventPattern: { source, detailType, detail },
      targets: [new LambdaFunction(handler, { deadLetterQueue: this.undelivered })],
    });
    new EventInvokeConfig(this, 'OnFailure', {
      function: handler,
      onFailure: new SqsDestination(this.undelivered),
    });
    this.alarm = new Alarm(this, 'SomethingUndelivered', {
      alarmDescription: 'An audit event could not be delivered or handled.',
      metric: this.undelivered.metricApproximateNumberOfMessagesVisible({
        period: Duration.minutes(1),
        statistic: 'Maximum',
      }),
      threshold: 1,
      evaluationPeriods: 1,
      comparisonOperator: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      treatMissingData: TreatMissingData.NOT_BREACHING,
    });
  }
}
