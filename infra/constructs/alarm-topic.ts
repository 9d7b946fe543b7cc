import { Stack } from 'aws-cdk-lib';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import { type ITopic, Topic } from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import { Construct } from 'constructs';
import { acknowledge } from '../checks.ts';
import type { ServiceSettings } from '../service-settings.ts';
import { ServiceAlarm } from './service-alarm.ts';

interface AlarmTopicProps {
  topicName: string;
  settings: ServiceSettings;
}

/**
 * The topic to which all alarms of a service send their state changes: the topic of the setting `alarm_topic`, or one of the
 * service's own. CloudWatch cannot use an AWS managed key, so the encrypted topic needs a customer managed one.
 * docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
 */
export class AlarmTopic extends Construct {
  readonly topic: ITopic;

  constructor(scope: Construct, id: string, { topicName, settings }: AlarmTopicProps) {
    super(scope, id);
    this.topic =
      settings.alarmTopic === undefined
        ? this.#own(topicName, settings)
        : Topic.fromTopicArn(this, 'Given', settings.alarmTopic);
    if (settings.alarmEmail !== undefined)
      acknowledge(this.topic.addSubscription(new EmailSubscription(settings.alarmEmail)), {
        'Serverless-SNSRedrivePolicy':
          'SNS retries an email for hours, and the history of the alarm contains every state change.',
      });
  }

  /** Sends the states ALARM and OK of every alarm below a construct to the topic. */
  subscribe(scope: Construct): void {
    const action = new SnsAction(this.topic);
    for (const alarm of scope.node.findAll())
      if (alarm instanceof ServiceAlarm) {
        alarm.addAlarmAction(action);
        alarm.addOkAction(action);
      }
  }

  #own(topicName: string, settings: ServiceSettings): Topic {
    const { account, region, partition } = Stack.of(this);
    const alarms = `arn:${partition}:cloudwatch:${region}:${account}:alarm:*`;
    const key = new Key(this, 'Key', {
      description: `Encrypts the messages of the topic ${topicName}`,
      enableKeyRotation: true,
      removalPolicy: settings.removalPolicy,
    });
    const cloudWatch = new ServicePrincipal('cloudwatch.amazonaws.com');
    key.addToResourcePolicy(
      new PolicyStatement({
        principals: [cloudWatch],
        actions: ['kms:Decrypt', 'kms:GenerateDataKey'],
        resources: ['*'],
        conditions: { StringEquals: { 'aws:SourceAccount': account } },
      }),
    );
    const topic = new Topic(this, 'Topic', { topicName, masterKey: key, enforceSSL: true });
    topic.addToResourcePolicy(
      new PolicyStatement({
        sid: 'AlarmsOfThisAccount',
        principals: [cloudWatch],
        actions: ['sns:Publish'],
        resources: [topic.topicArn],
        conditions: { ArnLike: { 'aws:SourceArn': alarms }, StringEquals: { 'aws:SourceAccount': account } },
      }),
    );
    return topic;
  }
}
