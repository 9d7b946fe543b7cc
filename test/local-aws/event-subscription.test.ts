import {
  CreateEventBusCommand,
  DescribeEventBusCommand,
  EventBridgeClient,
  PutEventsCommand,
} from '@aws-sdk/client-eventbridge';
import { describe, expect, it } from '@jest/globals';
import { App, CfnOutput, Stack } from 'aws-cdk-lib';
import { EventBus } from 'aws-cdk-lib/aws-events';
import { Code, Function as LambdaFunction, Runtime } from 'aws-cdk-lib/aws-lambda';
import * as z from 'zod';
import type { EventName } from '../../contracts/events/catalogue.ts';
import { exampleOf } from '../../docs/generate/events.ts';
import { EventSubscription } from '../../infra/constructs/event-subscription.ts';
import { client } from './support/clients.ts';
import { eventually } from './support/eventually.ts';
import { invocationLogs } from './support/logs.ts';
import { present } from './support/present.ts';
import { createStack } from './support/stacks.ts';
import { unique } from './support/unique.ts';

/**
 * The construct by which others subscribe, deployed. The local AWS has one account, so the way from another one is
 * gone inside it; what its policies let through between two accounts, two-accounts.test.ts decides.
 */

const events = client(EventBridgeClient);
/** Without CDK's bootstrap rule: there are no assets. */
const template = z.object({
  Resources: z.record(z.string(), z.looseObject({ Type: z.string() })),
  Outputs: z.record(z.string(), z.object({ Value: z.unknown() })),
});

/** A bus, and a function that subscribes to two of its events, directly or through a bus of its own. */
async function subscribed(throughOwnBus: boolean) {
  const name = unique('bus');
  await events.send(new CreateEventBusCommand({ Name: name }));
  const { Arn } = await events.send(new DescribeEventBusCommand({ Name: name }));
  const app = new App({ analyticsReporting: false });
  const stack = new Stack(app, 'Subscriber');
  const handler = new LambdaFunction(stack, 'Handler', {
    runtime: Runtime.NODEJS_24_X,
    handler: 'index.handler',
    code: Code.fromInline("exports.handler = async (event) => console.log(event['detail-type'])"),
  });
  const own = new EventBus(stack, 'AuditEvents', { eventBusName: unique('own') });
  new EventSubscription(stack, 'Access', {
    service: 'app2',
    bus: EventBus.fromEventBusArn(stack, 'Bus', present(Arn)),
    events: ['ServiceUserCreated', 'ServiceUserRemoved'],
    handler,
    ...(throughOwnBus ? { through: EventBus.fromEventBusArn(stack, 'Own', own.eventBusArn) } : {}),
  });
  new CfnOutput(stack, 'FunctionName', { value: handler.functionName });
  const { outputs } = await createStack(template.parse(app.synth().getStackByName('Subscriber').template));
  return { bus: name, functionName: present(outputs['FunctionName']) };
}

const publish = (EventBusName: string, name: EventName) => {
  const { source, detail } = exampleOf(name);
  const entry = { EventBusName, Source: source, DetailType: name, Detail: JSON.stringify(detail) };
  return events.send(new PutEventsCommand({ Entries: [entry] }));
};

describe('a subscription', () => {
  it.each([
    ['of the same account', false],
    ['over a bus of its own', true],
  ])(
    '%s is invoked with its events',
    async (_how, throughOwnBus) => {
      const { bus, functionName } = await subscribed(throughOwnBus);
      for (const name of ['ServiceUserCreationRejected', 'ServiceUserCreated', 'ServiceUserRemoved'] as const)
        await publish(bus, name);

      await eventually(async () => {
        const logs = (await invocationLogs(functionName)).join('\n');
        expect(logs).toContain('ServiceUserCreated');
        expect(logs).toContain('ServiceUserRemoved');
        expect(logs).not.toContain('ServiceUserCreationRejected');
      });
    },
    30_000,
  );
});
