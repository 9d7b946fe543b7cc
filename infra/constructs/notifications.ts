import { CfnCondition, CfnParameter, Fn, Stack } from 'aws-cdk-lib';
import { CfnRule, EventBus, Rule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import { PolicyDocument, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { CfnPermission, type IFunction } from 'aws-cdk-lib/aws-lambda';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { completionNotification, notificationSource } from '../../contracts/notification.ts';
import { putEventsOn } from '../permissions.ts';

interface Delivery {
  /** The function that is invoked with each notification. */
  handler: IFunction;
  /** Receives notifications that could not be delivered. */
  deadLetterQueue: Queue;
  /** Account of the bus if it is another one. */
  otherAccount: string | undefined;
}

const RULE_NAME = 'app1-notifications';

const SOURCE = notificationSource('app2');

const pattern = {
  source: [SOURCE],
  'detail-type': [completionNotification.detailType],
};

/**
 * Delivers App2's completion notifications by a rule on App2's bus. The bus is an optional parameter: without it no
 * notification arrives, and App1 polls.
 *
 * A rule on the bus of another account can have only a bus as its target. So it forwards to a bus of App1.
 * docs.aws.amazon.com/eventbridge/latest/userguide/eb-cross-account.html
 */
export class Notifications extends Construct {
  /** Whether App2's bus is known. */
  readonly arrive: CfnCondition;
  readonly #busArn: string;

  constructor(scope: Construct, id: string) {
    super(scope, id);
    this.#busArn = new CfnParameter(Stack.of(this), 'App2EventBusArn', {
      default: 'none',
      description: "App2's event bus (its output EventBusArn); none: App1 polls instead of being notified",
    }).valueAsString;
    this.arrive = new CfnCondition(this, 'Arrive', {
      expression: Fn.conditionNot(Fn.conditionEquals(this.#busArn, 'none')),
    });
  }

  deliverTo({ handler, deadLetterQueue, otherAccount }: Delivery): void {
    if (otherAccount === undefined) this.#invokeFromBus(handler, deadLetterQueue);
    else this.#invokeThroughOwnBus(handler, deadLetterQueue, otherAccount);
  }

  /** Name of App2's bus; `none` without one, because the template needs a string. */
  get #busName(): string {
    return Fn.select(1, Fn.split('/', Fn.join('', [this.#busArn, '/none'])));
  }

  #invokeFromBus(handler: IFunction, deadLetterQueue: Queue): void {
    const ruleArn = this.#ruleOn(this.#busArn, deadLetterQueue, { arn: handler.functionArn });
    const permission = new CfnPermission(this, 'Call', {
      action: 'lambda:InvokeFunction',
      functionName: handler.functionArn,
      principal: 'events.amazonaws.com',
      sourceArn: ruleArn,
    });
    permission.cfnOptions.condition = this.arrive;
  }

  #invokeThroughOwnBus(handler: IFunction, deadLetterQueue: Queue, account: string): void {
    const bus = new EventBus(this, 'Bus', { eventBusName: RULE_NAME });
    const role = new Role(this, 'Forwarding', {
      description: "Forwards App2's notifications to a bus of this account",
      assumedBy: new ServicePrincipal('events.amazonaws.com'),
      inlinePolicies: {
        Forwarding: new PolicyDocument({
          statements: [putEventsOn(bus.eventBusArn, SOURCE, [completionNotification.detailType])],
        }),
      },
    });
    this.#ruleOn(this.#busArn, deadLetterQueue, { arn: bus.eventBusArn, roleArn: role.roleArn }, account);
    new Rule(this, 'Notified', {
      eventBus: EventBus.fromEventBusArn(this, 'Own', bus.eventBusArn),
      description: "Sends App2's notifications to the function that resumes the provisioning",
      eventPattern: { source: pattern.source, detailType: pattern['detail-type'] },
      targets: [new LambdaFunction(handler, { deadLetterQueue })],
    });
  }

  /** An L1 resource, because the condition could not apply to the permissions that CDK's Rule adds. */
  #ruleOn(
    busArn: string,
    deadLetterQueue: Queue,
    target: { arn: string; roleArn?: string },
    account = Stack.of(this).account,
  ): string {
    const rule = new CfnRule(this, 'Rule', {
      name: RULE_NAME,
      eventBusName: busArn,
      description: "Sends App2's notifications to App1",
      eventPattern: pattern,
      state: 'ENABLED',
      targets: [{ id: 'App1', ...target, deadLetterConfig: { arn: deadLetterQueue.queueArn } }],
    });
    rule.cfnOptions.condition = this.arrive;
    const { region, partition } = Stack.of(this);
    const ruleArn = `arn:${partition}:events:${region}:${account}:rule/${this.#busName}/${RULE_NAME}`;
    deadLetterQueue.addToResourcePolicy(
      new PolicyStatement({
        principals: [new ServicePrincipal('events.amazonaws.com')],
        actions: ['sqs:SendMessage'],
        resources: [deadLetterQueue.queueArn],
        conditions: { ArnEquals: { 'aws:SourceArn': ruleArn } },
      }),
    );
    return ruleArn;
  }
}
