import { Duration, type RemovalPolicy } from 'aws-cdk-lib';
import { Alarm, ComparisonOperator, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { acknowledge } from '../checks.ts';

interface DeadLetterQueueProps {
  /** Says what lies in the queue, with its runbook; the text of the alarm. */
  description: string;
  /** Fixed names; AWS makes some up otherwise. */
  queueName?: string;
  alarmName?: string;
  removalPolicy?: RemovalPolicy;
}

/**
 * A queue for what could not be delivered, and an alarm while something lies there. SQS keeps it for 14 days, its limit.
 * docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
 */
export class DeadLetterQueue extends Construct {
  readonly queue: Queue;
  /** In alarm while something lies in the queue; give it an action. */
  readonly alarm: Alarm;

  constructor(scope: Construct, id: string, { description, alarmName, ...queue }: DeadLetterQueueProps) {
    super(scope, id);
    // `Default` leaves no trace in logical ids: a queue that had this construct's id stays the same resource.
    this.queue = new Queue(this, 'Default', {
      ...queue,
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      retentionPeriod: Duration.days(14),
    });
    const last = 'It is the dead-letter queue; what lies there waits for an operator.';
    acknowledge(this.queue, { 'Serverless-SQSRedrivePolicy': last, 'AwsSolutions-SQS3': last });
    this.alarm = new Alarm(this, 'NotEmpty', {
      ...(alarmName === undefined ? {} : { alarmName }),
      alarmDescription: description,
      metric: this.queue.metricApproximateNumberOfMessagesVisible({
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
