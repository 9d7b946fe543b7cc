import { Stack, Token } from 'aws-cdk-lib';
import type { Alarm } from 'aws-cdk-lib/aws-cloudwatch';
import { CfnRule, type IEventBus, Rule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import { PolicyDocument, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { EventInvokeConfig, type IFunction } from 'aws-cdk-lib/aws-lambda';
import { SqsDestination } from 'aws-cdk-lib/aws-lambda-destinations';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { EventName } from '../../contracts/events/catalogue.ts';
import { type DataFilter, eventPattern } from '../../contracts/events/subscriber.ts';
import { putEventsOn } from '../permissions.ts';
import { DeadLetterQueue } from './dead-letter-queue.ts';
import type { ServiceAlarm } from './service-alarm.ts';

export interface EventSubscriptionProps<Name extends EventName> {
  /** Name of the service that publishes the events: `app1`, or a target. */
  service: string;
  /** The bus of this service: `EventBus.fromEventBusArn`. A rule belongs to its bus, so it is created in the bus's region. */
  bus: IEventBus;
  /** Events of the catalogue that the service publishes. */
  events: readonly [Name, ...Name[]];
  /** Required values of event fields; only fields that all of the events have. */
  where?: DataFilter<Name>;
  /** The function that is invoked with each event. It parses the event with `readEvent` and can be invoked more than once. */
  handler: IFunction;
  /**
   * For a bus of another account: a bus of the subscriber, through which the events pass. The owner of the other bus has to
   * allow this account to subscribe (setting `subscriber_accounts`).
   */
  through?: IEventBus;
}

/**
 * A subscription to audit events, for the stack of another team: a rule with a pattern from the catalogue, the target
 * function, and a dead-letter queue with an alarm. The queue receives events that EventBridge could not deliver and events
 * that the function failed to process. All subscriptions of a function share one queue.
 *
 * A rule on the bus of another account can have only a bus as its target. So the rule forwards the events to a bus of the
 * subscriber, with a role, and a rule on that bus invokes the function.
 * docs.aws.amazon.com/eventbridge/latest/userguide/eb-service-cross-account.html (targets that are not buses)
 * docs.aws.amazon.com/eventbridge/latest/userguide/eb-cross-account.html
 */
export class EventSubscription<Name extends EventName = EventName> extends Construct {
  /** The rule that invokes the function. */
  readonly rule: Rule;
  /** The events that could not be delivered or processed. */
  readonly deadLetterQueue: Queue;
  /** Raised while the queue contains messages. The subscriber adds an action. */
  readonly alarm: Alarm;

  /**
   * @throws Error when the service does not publish one of the events, when a bus is in another region than the stack (EventBridge
   * would use a bus of the same name in this region), when the bus belongs to another account and `through` is missing, or
   * when `through` belongs to another account. Values that are known only at deployment (tokens) are not checked.
   */
  constructor(scope: Construct, id: string, props: EventSubscriptionProps<Name>) {
    super(scope, id);
    const { service, bus, events, where, handler, through } = props;
    const faults = [
      regionFault('bus', bus, this),
      ...(through === undefined
        ? [accountFault('bus', bus, this, 'give a bus of your own as `through`')]
        : [
            regionFault('through', through, this),
            accountFault('through', through, this, 'it has to be one of your own'),
          ]),
    ].filter((fault) => fault !== undefined);
    if (faults.length > 0) throw new Error(`${this.node.path}: ${faults.join(' ')}`);

    const { queue, alarm } = SubscriptionDeadLetters.of(handler);
    this.deadLetterQueue = queue;
    this.alarm = alarm;
    const { source, 'detail-type': detailType, detail } = eventPattern(service, events, where);
    this.rule = new Rule(this, 'Rule', {
      eventBus: through ?? bus,
      description: `Sends audit events to ${handler.node.path}`,
      eventPattern: { source, detailType, detail },
      targets: [new LambdaFunction(handler, { deadLetterQueue: queue })],
    });
    if (through !== undefined) this.#forward(bus, through, { source, 'detail-type': detailType, detail });
  }

  /**
   * A rule on the bus of another account, as an L1 resource: CDK's Rule passes only the name of the bus, which would mean a
   * bus of this account. Another account cannot use the role, because that requires `iam:PassRole` in this account.
   */
  #forward(bus: IEventBus, through: IEventBus, pattern: ReturnType<typeof eventPattern>): void {
    const role = new Role(this, 'Forwarding', {
      description: 'Forwards audit events of another account to a bus of this one',
      assumedBy: new ServicePrincipal('events.amazonaws.com'),
      inlinePolicies: {
        Forwarding: new PolicyDocument({
          statements: [putEventsOn(through.eventBusArn, pattern.source, pattern['detail-type'])],
        }),
      },
    });
    const forward = new CfnRule(this, 'Forward', {
      eventBusName: bus.eventBusArn,
      description: `Sends audit events to ${this.node.path}`,
      eventPattern: pattern,
      state: 'ENABLED',
      targets: [
        {
          id: 'Through',
          arn: through.eventBusArn,
          roleArn: role.roleArn,
          deadLetterConfig: { arn: this.deadLetterQueue.queueArn },
        },
      ],
    });
    this.deadLetterQueue.addToResourcePolicy(
      new PolicyStatement({
        principals: [new ServicePrincipal('events.amazonaws.com')],
        actions: ['sqs:SendMessage'],
        resources: [this.deadLetterQueue.queueArn],
        conditions: { ArnEquals: { 'aws:SourceArn': forward.attrArn } },
      }),
    );
  }
}

/**
 * The error when a bus is in another region than the stack. A rule refers to its bus by name, so in another region it would
 * use a bus that happens to have the same name.
 * docs.aws.amazon.com/eventbridge/latest/userguide/eb-cross-region.html
 */
function regionFault(what: string, bus: IEventBus, scope: Construct): string | undefined {
  const { region } = Stack.of(scope);
  if (!differ(bus.env.region, region)) return undefined;
  return `\`${what}\` is a bus of ${bus.env.region}, and this stack is in ${region}: subscribe from a stack in ${bus.env.region}.`;
}

function accountFault(what: string, bus: IEventBus, scope: Construct, remedy: string): string | undefined {
  const { account } = Stack.of(scope);
  if (!differ(bus.env.account, account)) return undefined;
  return `\`${what}\` is a bus of account ${bus.env.account}, and this stack is in ${account}: ${remedy}.`;
}

/** Whether two values are known and different. */
const differ = (one: string, other: string): boolean =>
  !Token.isUnresolved(one) && !Token.isUnresolved(other) && one !== other;

/**
 * The dead-letter queue of a function. A function has one on-failure destination, so all of its subscriptions share the
 * queue.
 * docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html
 * docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
 */
class SubscriptionDeadLetters extends Construct {
  readonly queue: Queue;
  readonly alarm: ServiceAlarm;

  static of(handler: IFunction): SubscriptionDeadLetters {
    const known = handler.node.tryFindChild('DeadLetterQueue');
    return known instanceof SubscriptionDeadLetters
      ? known
      : new SubscriptionDeadLetters(handler, 'DeadLetterQueue');
  }

  private constructor(handler: IFunction, id: string) {
    super(handler, id);
    const { queue, alarm } = new DeadLetterQueue(this, 'Queue', {
      condition: `An audit event could not be delivered to ${handler.node.path}, or the function failed to process it.`,
      firstCommand: 'npm run redrive -- NAME-OF-THE-QUEUE --dry-run',
    });
    this.queue = queue;
    this.alarm = alarm;
    new EventInvokeConfig(this, 'OnFailure', {
      function: handler,
      onFailure: new SqsDestination(queue),
    });
  }
}
