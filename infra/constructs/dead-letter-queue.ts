import { Duration, type RemovalPolicy } from 'aws-cdk-lib';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { acknowledge } from '../checks.ts';
import { Stats } from '../metrics.ts';
import { ServiceAlarm, type ServiceAlarmProps } from './service-alarm.ts';

interface DeadLetterQueueProps
  extends Pick<ServiceAlarmProps, 'condition' | 'firstCommand' | 'alarmName' | 'runbooks'> {
  /** A fixed name; CloudFormation generates one by default. */
  queueName?: string;
  removalPolicy?: RemovalPolicy;
}

/**
 * A dead-letter queue, and an alarm while it contains messages. SQS keeps them for 14 days, its maximum.
 * docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
 */
export class DeadLetterQueue extends Construct {
  readonly queue: Queue;
  /** Raised while the queue contains messages. The owner adds an action. */
  readonly alarm: ServiceAlarm;

  constructor(scope: Construct, id: string, { queueName, removalPolicy, ...alarm }: DeadLetterQueueProps) {
    super(scope, id);
    // `Default` adds nothing to the logical id: a queue that had this construct's id stays the same resource.
    this.queue = new Queue(this, 'Default', {
      ...(queueName === undefined ? {} : { queueName }),
      ...(removalPolicy === undefined ? {} : { removalPolicy }),
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      retentionPeriod: Duration.days(14),
    });
    const reason = 'It is the dead-letter queue itself; an operator redrives its messages.';
    acknowledge(this.queue, { 'Serverless-SQSRedrivePolicy': reason, 'AwsSolutions-SQS3': reason });
    this.alarm = new ServiceAlarm(this, 'NotEmpty', {
      ...alarm,
      impact: 'SQS deletes the message after 14 days. Until it is redriven, its target has not received it.',
      runbook: 'dead-letter-queue',
      metric: this.queue.metricApproximateNumberOfMessagesVisible({
        period: Duration.minutes(1),
        statistic: Stats.MAXIMUM,
      }),
    });
  }
}
