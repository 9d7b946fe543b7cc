import { ArnFormat, Duration, Stack } from 'aws-cdk-lib';
import { TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { Archive, CfnEventBusPolicy, EventBus, type IEventBus, Rule } from 'aws-cdk-lib/aws-events';
import { PolicyDocument, PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { CfnLogGroup, LogGroup } from 'aws-cdk-lib/aws-logs';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { sourceOf } from '../../contracts/events/catalogue.ts';
import { notificationSource } from '../../contracts/notification.ts';
import { kindOf } from '../../contracts/services.ts';
import type { ServiceBus } from '../../workflows/states.ts';
import { ownMetric, Stats } from '../metrics.ts';
import { brokenBusAlarm, busArchive, busLog, everyEventRule } from '../names.ts';
import type { ServiceSettings } from '../service-settings.ts';
import { SchemaRegistry } from './schema-registry.ts';
import { ServiceAlarm } from './service-alarm.ts';

interface AuditBusProps {
  /** Name of the service. */
  service: string;
  busName: string;
  /** Receives events that could not be delivered. */
  deadLetterQueue: IQueue;
  /** Name of the function that checks the bus: the service's sweep. */
  checkedBy: string;
  /** Account of App1 if it is another one: it creates the rule that forwards the completion notifications. */
  consumer?: string | undefined;
  settings: ServiceSettings;
}

/**
 * A service's event bus for its audit events, with an archive for replays and a log of every event.
 * PutEvents succeeds for a bus that does not exist, so only the log proves that events arrive.
 * docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html
 */
export class AuditBus extends Construct implements ServiceBus {
  readonly service: string;
  readonly bus: IEventBus;
  readonly logGroup: LogGroup;
  /** Sends every event to the log. */
  readonly logRule: Rule;

  constructor(
    scope: Construct,
    id: string,
    { service, busName, deadLetterQueue, checkedBy, consumer, settings }: AuditBusProps,
  ) {
    super(scope, id);
    this.service = service;
    const source = sourceOf(service);
    const eventPattern = { source: [source] };
    const bus = new EventBus(this, 'Bus', { eventBusName: busName });
    bus.applyRemovalPolicy(settings.removalPolicy);
    // CDK's class EventBus is not assignable to its interface IEventBus under exactOptionalPropertyTypes.
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
    this.#grantLogWrite(busName);
    this.logRule = new Rule(this, 'EveryEvent', {
      ruleName: everyEventRule(busName),
      description: `Sends every event of ${source} to its log group`,
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
      condition: `The event bus of ${source} does not exist, or its rule to the log does not exist or is disabled.`,
      impact:
        'Provisionings continue without an error, but their audit events are lost or do not reach the log.',
      firstCommand: 'npx provision doctor',
      runbook: 'events-not-published',
      runbooks: settings.runbooks,
      // The sweep reports the state of the bus with each run.
      metric: ownMetric('auditBusBroken', { service: checkedBy }, { statistic: Stats.MAXIMUM }),
      // Without a run of the sweep the state is unknown: the alarm keeps its state.
      treatMissingData: TreatMissingData.IGNORE,
    });
    for (const account of settings.subscriberAccounts)
      this.#grantRuleManagement(busName, account, this.#sources);
    if (consumer !== undefined && !settings.subscriberAccounts.includes(consumer))
      this.#grantRuleManagement(busName, consumer, [notificationSource(service)]);
    if (settings.schemaRegistry) new SchemaRegistry(this, 'Schemas', { registryName: busName, service });
  }

  /**
   * Lets EventBridge write to the log by a policy of the log group itself: an account may have only ten policies per region
   * that do not belong to a log group.
   * docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html (CloudWatch Logs permissions)
   * docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutResourcePolicy.html (resourceArn)
   */
  #grantLogWrite(busName: string): void {
    const { defaultChild } = this.logGroup.node;
    if (!(defaultChild instanceof CfnLogGroup)) throw new Error(`${this.node.path} has no log group.`);
    const principals = ['events', 'delivery.logs'].map(
      (name) => new ServicePrincipal(`${name}.amazonaws.com`),
    );
    // A log group cannot reference itself in its policy, but its name is fixed.
    const resources = [`${logGroupTargetArn(this, busLog(busName))}:*`];
    defaultChild.resourcePolicyDocument = new PolicyDocument({
      statements: [
        // This action only creates an empty stream; AWS documents no condition for it.
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

  /** The sources of the service's events. Only targets publish completion notifications. */
  get #sources(): string[] {
    const audit = sourceOf(this.service);
    return kindOf(this.service) === 'app1' ? [audit] : [audit, notificationSource(this.service)];
  }

  /** ARN of the rule to the log, from its name: the rule is created after the log group whose policy contains the ARN. */
  #ruleArn(busName: string): string {
    return Stack.of(this).formatArn({
      service: 'events',
      resource: 'rule',
      resourceName: `${busName}/${everyEventRule(busName)}`,
    });
  }

  /**
   * Lets another account create and manage its own rules on the bus, for events of these sources. It cannot change the rules
   * of other accounts.
   * docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-bus-example-policy-same-account-creator.html
   * docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-conditions.html
   */
  #grantRuleManagement(busName: string, account: string, sources: readonly string[]): void {
    const { region, account: owner } = Stack.of(this);
    // The IAM policy variable of the calling account.
    const ownRule = { 'events:creatorAccount': `\${aws:PrincipalAccount}` };
    const statements = {
      // A new rule has no creator yet, and its pattern has to name the source.
      make: {
        Action: ['events:PutRule'],
        Condition: {
          'ForAllValues:StringEquals': { 'events:source': sources },
          Null: { 'events:source': 'false' },
          StringEqualsIfExists: ownRule,
        },
      },
      // PutRule with tags requires this, too.
      tag: { Action: ['events:TagResource'], Condition: { StringEqualsIfExists: ownRule } },
      manage: {
        Action: [
          'events:DeleteRule',
          'events:DescribeRule',
          'events:DisableRule',
          'events:EnableRule',
          'events:PutTargets',
          'events:RemoveTargets',
          // CloudFormation requires these, too, when it creates or updates a rule.
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
      // cdk-nag reads this deprecated property of every policy, for which CDK prints a warning.
      Object.defineProperty(policy, 'principal', { value: undefined });
    }
  }
}

/** EventBridge requires the ARN without the `:*` at the end of CloudFormation's attribute. */
function logGroupTargetArn(scope: Construct, name: string): string {
  return Stack.of(scope).formatArn({
    service: 'logs',
    resource: 'log-group',
    resourceName: name,
    arnFormat: ArnFormat.COLON_RESOURCE_NAME,
  });
}
