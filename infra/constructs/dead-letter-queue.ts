import { Duration, type RemovalPolicy } from 'aws-cdk-lib';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { acknowledge } from '../checks.ts';
import { Stats } from '../metrics.ts';
import { ServiceAlarm, type ServiceAlarmProps } from './service-alarm.ts';

interface DeadLetterQueueProps
  extends Pick<ServiceAlarmProps, 'happened' | 'first' | 'alarmName' | 'runbooks'> {
  /** A fixed name; AWS makes one up otherwise. */
  queueName?: string;
  removalPolicy?: RemovalPolicy;
}

/**
 * A queue for what could not be delivered, and an alarm while something lies there. SQS keeps it for 14 days, its limit.
 * docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
 */
export class DeadLetterQueue extends Construct {
  readonly queue: Queue;
  /** In alarm while something lies in the queue; give it an action. */
  readonly alarm: ServiceAlarm;

  constructor(scope: Construct, id: string, { queueName, removalPolicy, ...alarm }: DeadLetterQueueProps) {
    super(scope, id);
    // `Default` leaves no trace in logical ids: a queue that had this construct's id stays the same resource.
    this.queue = new Queue(this, 'Default', {
      ...(queueName === undefined ? {} : { queueName }),
      ...(removalPolicy === undefined ? {} : { removalPolicy }),
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      retentionPeriod: Duration.days(14),
    });
    const last = 'It is the dead-letter queue; what lies there waits for an operator.';
    acknowledge(this.queue, { 'Serverless-SQSRedrivePolicy': last, 'AwsSolutions-SQS3': last });
    this.alarm = new ServiceAlarm(this, 'NotEmpty', {
      ...alarm,
      means:
        'It waits for 14 days, then it is lost. Until it is redriven, whoever it was for does not know of it.',
      runbook: 'dead-letter-queue',
      metric: this.queue.metricApproximateNumberOfMessagesVisible({
        period: Duration.minutes(1),
        statistic: Stats.MAXIMUM,
      }),
    });
  }
}
