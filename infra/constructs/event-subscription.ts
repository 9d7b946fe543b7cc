import { Stack, Token } from 'aws-cdk-lib';
import { CfnRule, type IEventBus, Rule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import { PolicyDocument, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { EventInvokeConfig, type IFunction } from 'aws-cdk-lib/aws-lambda';
import { SqsDestination } from 'aws-cdk-lib/aws-lambda-destinations';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { events as catalogue, type EventName } from '../../contracts/events/catalogue.ts';
import { type DataFilter, eventPattern } from '../../contracts/events/subscriber.ts';
import { putEventsOn } from '../permissions.ts';
import { DeadLetterQueue } from './dead-letter-queue.ts';
import type { ServiceAlarm } from './service-alarm.ts';

export interface EventSubscriptionProps<Name extends EventName> {
  /** Bus of App1 or App2: `EventBus.fromEventBusArn`. A rule stands on the bus, so it is made in the bus's region. */
  bus: IEventBus;
  /** Events of the catalogue, all of the bus's service. */
  events: readonly [Name, ...Name[]];
  /** Values that fields of an event must have; only fields that each of the events has. */
  where?: DataFilter<Name>;
  /** What is called with each event; it reads it by `readEvent` and may be called more than once. */
  handler: IFunction;
  /**
   * For a bus of another account: a bus of the subscriber's own, which the events pass. Its owner must have let this
   * account subscribe (setting `subscriber_accounts`).
   */
  through?: IEventBus;
}

/**
 * A subscription to audit events, for the stack of another team: a rule with a pattern from the catalogue, the function
 * that it calls, and one queue for all that did not arrive, whether EventBridge could not deliver it or the function
 * could not handle it. An alarm tells when something lies there. A function has one queue, however often it subscribes.
 *
 * From another account a rule of the subscriber's on the owner's bus may have no other target than a bus, so the events
 * go to a bus of the subscriber's own first, by a role of its own, and a rule there calls the function.
 * docs.aws.amazon.com/eventbridge/latest/userguide/eb-service-cross-account.html (targets that are not buses)
 * docs.aws.amazon.com/eventbridge/latest/userguide/eb-cross-account.html
 */
export class EventSubscription<Name extends EventName = EventName> extends Construct {
  /** The rule that calls the function. */
  readonly rule: Rule;
  /** What did not arrive. */
  readonly deadLetterQueue: Queue;
  /** In alarm while something lies in the queue; give it an action. */
  readonly alarm: ServiceAlarm;

  /**
   * @throws Error when the events are of both services, when a bus is of another region than the stack (EventBridge
   * would look for one of the same name here), when the bus is another account's and `through` is missing, or when
   * `through` is not the stack's own. What is known only at deployment (a token) is not judged.
   */
  constructor(scope: Construct, id: string, props: EventSubscriptionProps<Name>) {
    super(scope, id);
    const { bus, events, where, handler, through } = props;
    if (new Set(events.map((name) => catalogue[name].source)).size > 1)
      throw new Error(`${this.node.path}: ${events.join(', ')} are sent on two buses; subscribe to each.`);
    const wrong = [
      regionFault('bus', bus, this),
      ...(through === undefined
        ? [accountFault('bus', bus, this, 'give a bus of your own as `through`')]
        : [
            regionFault('through', through, this),
            accountFault('through', through, this, 'it has to be one of your own'),
          ]),
    ].filter((fault) => fault !== undefined);
    if (wrong.length > 0) throw new Error(`${this.node.path}: ${wrong.join(' ')}`);

    const { queue, alarm } = SubscriptionDeadLetters.of(handler);
    this.deadLetterQueue = queue;
    this.alarm = alarm;
    const { source, 'detail-type': detailType, detail } = eventPattern(events, where);
    this.rule = new Rule(this, 'Rule', {
      eventBus: through ?? bus,
      description: `Audit events, to ${handler.node.path}`,
      eventPattern: { source, detailType, detail },
      targets: [new LambdaFunction(handler, { deadLetterQueue: queue })],
    });
    if (through !== undefined) this.#forward(bus, through, { source, 'detail-type': detailType, detail });
  }

  /**
   * A rule on the bus of another account. The plain resource: CDK's rule takes the bus's name only, and would look for
   * it here. Nobody else can use the role, because it takes `iam:PassRole` in this account to name it in a rule.
   */
  #forward(bus: IEventBus, through: IEventBus, pattern: ReturnType<typeof eventPattern>): void {
    const role = new Role(this, 'Forwarding', {
      description: 'Sends audit events of another account on to a bus of this one',
      assumedBy: new ServicePrincipal('events.amazonaws.com'),
      inlinePolicies: {
        Forwarding: new PolicyDocument({
          statements: [putEventsOn(through.eventBusArn, pattern.source, pattern['detail-type'])],
        }),
      },
    });
    const forward = new CfnRule(this, 'Forward', {
      eventBusName: bus.eventBusArn,
      description: `Audit events, to ${this.node.path}`,
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
 * What is wrong with the region of a bus. A rule stands on its bus, in the bus's region; a rule takes the bus's name, so
 * that in another region it would listen to a bus that happens to have the same one.
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

/** Whether two names are known, and not the same. */
const differ = (one: string, other: string): boolean =>
  !Token.isUnresolved(one) && !Token.isUnresolved(other) && one !== other;

/**
 * What did not arrive at a function. Lambda has one destination for what a function could not handle, so all of its
 * subscriptions share it.
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
      happened: `An audit event could not be delivered to ${handler.node.path}, or not be handled.`,
      first: 'npm run redrive -- NAME-OF-THE-QUEUE --dry-run',
    });
    this.queue = queue;
    this.alarm = alarm;
    new EventInvokeConfig(this, 'OnFailure', {
      function: handler,
      onFailure: new SqsDestination(queue),
    });
  }
}
