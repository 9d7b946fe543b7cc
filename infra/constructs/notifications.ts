import { Fn, Stack } from 'aws-cdk-lib';
import { CfnRule, EventBus, EventField, Rule, RuleTargetInput } from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import { PolicyDocument, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { completionNotification, notificationSource } from '../../contracts/notification.ts';
import { pascalCase } from '../../contracts/services.ts';
import type { ResumeProvisioningInput } from '../../handlers/app1/lib/resume-provisioning.ts';
import { putEventsOn } from '../permissions.ts';
import type { PresentTarget } from '../registry.ts';

interface NotificationsProps {
  targets: readonly PresentTarget[];
  /** The function that is invoked with each notification, as `ResumeProvisioningInput`. */
  handler: IFunction;
  /** Receives notifications that could not be delivered. */
  deadLetterQueue: Queue;
}

const NAME = 'app1-notifications';

/**
 * Delivers the completion notifications of targets. A rule on the bus of each target forwards them to a bus of App1, because
 * such a rule can have only a bus as its target if the account is another one. A rule there for each target invokes the
 * function and states the name of the target, so that no target can report under the name of another one.
 * docs.aws.amazon.com/eventbridge/latest/userguide/eb-cross-account.html
 */
export class Notifications extends Construct {
  constructor(scope: Construct, id: string, { targets, handler, deadLetterQueue }: NotificationsProps) {
    super(scope, id);
    const bus = new EventBus(this, 'Bus', { eventBusName: NAME });
    const role = new Role(this, 'Forwarding', {
      description: "Forwards the targets' notifications to a bus of App1",
      assumedBy: new ServicePrincipal('events.amazonaws.com'),
      inlinePolicies: {
        Forwarding: new PolicyDocument({
          statements: [
            putEventsOn(
              bus.eventBusArn,
              targets.map(({ name }) => notificationSource(name)),
              [completionNotification.detailType],
            ),
          ],
        }),
      },
    });
    const own = EventBus.fromEventBusArn(this, 'Own', bus.eventBusArn);
    for (const target of targets) {
      const busArn = target.field('bus_arn');
      const rule = new CfnRule(this, `${pascalCase(target.name)}Rule`, {
        name: NAME,
        eventBusName: busArn,
        description: `Forwards the notifications of ${target.name} to App1`,
        eventPattern: {
          source: [notificationSource(target.name)],
          'detail-type': [completionNotification.detailType],
        },
        state: 'ENABLED',
        targets: [
          {
            id: 'App1',
            arn: bus.eventBusArn,
            roleArn: role.roleArn,
            deadLetterConfig: { arn: deadLetterQueue.queueArn },
          },
        ],
      });
      rule.node.addDependency(role);
      allowDeadLetters(deadLetterQueue, ruleArnOn(this, target));
      new Rule(this, `${pascalCase(target.name)}Notified`, {
        eventBus: own,
        description: `Sends the notifications of ${target.name} to the function that resumes the provisioning`,
        eventPattern: {
          source: [notificationSource(target.name)],
          detailType: [completionNotification.detailType],
          account: [target.account],
        },
        targets: [
          new LambdaFunction(handler, {
            deadLetterQueue,
            event: RuleTargetInput.fromObject({
              action: 'ResumeProvisioning',
              target: target.name,
              provisioning_id: EventField.fromPath('$.detail.provisioning_id'),
            } satisfies ResumeProvisioningInput),
          }),
        ],
      });
    }
  }
}

/** ARN of the rule on the bus of a target. */
function ruleArnOn(scope: Construct, target: PresentTarget): string {
  const { region, partition } = Stack.of(scope);
  const busName = Fn.select(1, Fn.split('/', target.field('bus_arn')));
  return `arn:${partition}:events:${region}:${target.account}:rule/${busName}/${NAME}`;
}

/** Allows a rule to send what it cannot deliver to the queue. */
function allowDeadLetters(queue: Queue, ruleArn: string): void {
  queue.addToResourcePolicy(
    new PolicyStatement({
      principals: [new ServicePrincipal('events.amazonaws.com')],
      actions: ['sqs:SendMessage'],
      resources: [queue.queueArn],
      conditions: { ArnEquals: { 'aws:SourceArn': ruleArn } },
    }),
  );
}
