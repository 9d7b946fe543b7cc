import { ArnFormat, Duration, Stack } from 'aws-cdk-lib';
import { TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { Archive, CfnEventBusPolicy, EventBus, type IEventBus, Rule } from 'aws-cdk-lib/aws-events';
import { PolicyDocument, PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { CfnLogGroup, LogGroup } from 'aws-cdk-lib/aws-logs';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { EventSource } from '../../contracts/events/catalogue.ts';
import { completionNotification } from '../../contracts/notification.ts';
import { ownMetric, Stats } from '../metrics.ts';
import { brokenBusAlarm, busArchive, busLog, everyEventRule } from '../names.ts';
import type { Settings } from '../settings.ts';
import { SchemaRegistry } from './schema-registry.ts';
import { ServiceAlarm } from './service-alarm.ts';

interface AuditBusProps {
  busName: string;
  source: EventSource;
  /** Where events go that could not be delivered. */
  deadLetterQueue: IQueue;
  /** Name of the function that looks at the bus from time to time: the service's sweep. */
  watchedBy: string;
  settings: Settings;
}

/**
 * A service's own bus for its audit events, with an archive to replay from and a log that receives every event.
 * PutEvents to a bus that does not exist is answered with success, so the log is the proof that events arrive.
 * docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html
 */
export class AuditBus extends Construct {
  readonly bus: IEventBus;
  readonly logGroup: LogGroup;
  /** Sends every event to the log. */
  readonly logRule: Rule;

  constructor(
    scope: Construct,
    id: string,
    { busName, source, deadLetterQueue, watchedBy, settings }: AuditBusProps,
  ) {
    super(scope, id);
    const eventPattern = { source: [source] };
    const bus = new EventBus(this, 'Bus', { eventBusName: busName });
    bus.applyRemovalPolicy(settings.removalPolicy);
    // Seen as any other bus: CDK's class does not fit CDK's interface under exactOptionalPropertyTypes.
    this.bus = EventBus.fromEventBusArn(this, 'Published', bus.eventBusArn);
    const archive = new Archive(this, 'Archive', {
      archiveName: busArchive(busName),
      sourceEventBus: bus,
      eventPattern,
      retention: Duration.days(settings.archiveDays),
    });
    archive.applyRemovalPolicy(settings.removalPolicy);

    this.logGroup = new LogGroup(this, 'Log', {
      logGroupName: busLog(busName),
      retention: settings.logRetention,
      removalPolicy: settings.removalPolicy,
    });
    this.#letEventBridgeWrite(busName);
    this.logRule = new Rule(this, 'EveryEvent', {
      ruleName: everyEventRule(busName),
      description: `Every event of ${source}, to its log group`,
      eventBus: this.bus,
      eventPattern,
    });
    this.logRule.addTarget({
      bind: () => ({
        arn: logGroupTargetArn(this, busLog(busName)),
        deadLetterConfig: { arn: deadLetterQueue.queueArn },
      }),
    });
    deadLetterQueue.addToResourcePolicy(
      new PolicyStatement({
        principals: [new ServicePrincipal('events.amazonaws.com')],
        actions: ['sqs:SendMessage'],
        resources: [deadLetterQueue.queueArn],
        conditions: { ArnEquals: { 'aws:SourceArn': this.logRule.ruleArn } },
      }),
    );
    this.logRule.node.addDependency(this.logGroup);
    new ServiceAlarm(this, 'Broken', {
      alarmName: brokenBusAlarm(busName),
      happened: `The bus of ${source}, or its rule to the log, is not there or is off.`,
      means: 'Provisionings go on as if nothing were wrong, but their audit events are lost, or not proved.',
      first: 'npx provision doctor',
      runbook: 'events-not-published',
      runbooks: settings.runbooks,
      // Each look is a fact, not a sample.
      metric: ownMetric('auditBusBroken', { service: watchedBy }, { statistic: Stats.MAXIMUM }),
      // While nobody looks, nobody knows: the alarm stays as it was.
      missing: TreatMissingData.IGNORE,
    });
    for (const account of settings.subscriberAccounts) this.#open(busName, source, account);
    if (settings.schemaRegistry) new SchemaRegistry(this, 'Schemas', { registryName: busName, source });
  }

  /**
   * Lets EventBridge write to the log, by a policy of the log group itself: of policies that are not about one log group an
   * account may have ten in a region, all services together.
   * docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html (CloudWatch Logs permissions)
   * docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutResourcePolicy.html (resourceArn)
   */
  #letEventBridgeWrite(busName: string): void {
    const { defaultChild } = this.logGroup.node;
    if (!(defaultChild instanceof CfnLogGroup)) throw new Error(`${this.node.path} has no log group.`);
    const principals = ['events', 'delivery.logs'].map(
      (name) => new ServicePrincipal(`${name}.amazonaws.com`),
    );
    // The group cannot refer to itself, but its name is known.
    const resources = [`${logGroupTargetArn(this, busLog(busName))}:*`];
    defaultChild.resourcePolicyDocument = new PolicyDocument({
      statements: [
        // An empty stream is all that this makes; AWS's page has no condition here.
        new PolicyStatement({ principals, actions: ['logs:CreateLogStream'], resources }),
        new PolicyStatement({
          principals,
          actions: ['logs:PutLogEvents'],
          resources,
          conditions: { ArnEquals: { 'aws:SourceArn': this.#ruleArn(busName) } },
        }),
      ],
    });
  }

  /** ARN of the rule to the log, which is made after the log group whose policy names it. */
  #ruleArn(busName: string): string {
    return Stack.of(this).formatArn({
      service: 'events',
      resource: 'rule',
      resourceName: `${busName}/${everyEventRule(busName)}`,
    });
  }

  /**
   * Lets another account have rules of its own on the bus, for events of this service and nobody else's rules.
   * docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-bus-example-policy-same-account-creator.html
   * docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-conditions.html
   */
  #open(busName: string, source: EventSource, account: string): void {
    const { region, account: owner } = Stack.of(this);
    // A variable of IAM's policies: the account of whoever asks.
    const ownRule = { 'events:creatorAccount': `\${aws:PrincipalAccount}` };
    const statements = {
      // A rule that is new has no creator yet, and its pattern has to name the source.
      make: {
        Action: ['events:PutRule'],
        Condition: {
          'ForAllValues:StringEquals': { 'events:source': [source, completionNotification.source] },
          Null: { 'events:source': 'false' },
          StringEqualsIfExists: ownRule,
        },
      },
      // Also asked for when a rule is made with tags.
      tag: { Action: ['events:TagResource'], Condition: { StringEqualsIfExists: ownRule } },
      manage: {
        Action: [
          'events:DeleteRule',
          'events:DescribeRule',
          'events:DisableRule',
          'events:EnableRule',
          'events:PutTargets',
          'events:RemoveTargets',
          // CloudFormation asks for these, too, when it makes and changes a rule.
          'events:ListTargetsByRule',
          'events:ListTagsForResource',
          'events:UntagResource',
        ],
        Condition: { StringEquals: ownRule },
      },
    };
    for (const [what, statement] of Object.entries(statements)) {
      const policy = new CfnEventBusPolicy(this, `Subscriber-${account}-${what}`, {
        eventBusName: busName,
        statementId: `${what}-rules-of-${account}`,
        statement: {
          Effect: 'Allow',
          Principal: { AWS: `arn:aws:iam::${account}:root` },
          Resource: `arn:aws:events:${region}:${owner}:rule/${busName}/*`,
          ...statement,
        },
      });
      policy.node.addDependency(this.node.findChild('Bus'));
      // cdk-nag looks at this deprecated property of every policy, and CDK warns of whoever does; ours has none.
      Object.defineProperty(policy, 'principal', { value: undefined });
    }
  }
}

/** EventBridge wants the ARN without the `:*` that CloudFormation's attribute ends with. */
function logGroupTargetArn(scope: Construct, name: string): string {
  return Stack.of(scope).formatArn({
    service: 'logs',
    resource: 'log-group',
    resourceName: name,
    arnFormat: ArnFormat.COLON_RESOURCE_NAME,
  });
}
