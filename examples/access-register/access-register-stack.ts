import { CfnOutput, Duration, Stack, type StackProps } from 'aws-cdk-lib';
import { AttributeType, BillingMode, ProjectionType, Table } from 'aws-cdk-lib/aws-dynamodb';
import { EventBus, type IEventBus } from 'aws-cdk-lib/aws-events';
import { Architecture, type Code, Function as LambdaFunction, Runtime } from 'aws-cdk-lib/aws-lambda';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import { EventSubscription } from 'cross-service-provisioning/constructs';
import { app1Expectation, app2Expectation } from './expectations.ts';
import { ACCESS_INDEX } from './register.ts';

interface AccessRegisterProps extends StackProps {
  /** Bundle of handler.ts. */
  code: Code;
  /** ARNs of the services' buses; default: those of this account and region. */
  app1BusArn?: string | undefined;
  app2BusArn?: string | undefined;
}

/** A register of the users with access, updated by one function that subscribes to the buses of both services. */
export class AccessRegisterStack extends Stack {
  constructor(scope: Construct, id: string, { code, app1BusArn, app2BusArn, ...props }: AccessRegisterProps) {
    super(scope, id, props);
    const register = new Table(this, 'Register', {
      partitionKey: { name: 'creation_id', type: AttributeType.STRING },
      sortKey: { name: 'source', type: AttributeType.STRING },
      billingMode: BillingMode.PAY_PER_REQUEST,
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
    });
    register.addGlobalSecondaryIndex({
      indexName: ACCESS_INDEX.name,
      partitionKey: { name: ACCESS_INDEX.service, type: AttributeType.STRING },
      sortKey: { name: ACCESS_INDEX.username, type: AttributeType.STRING },
      projectionType: ProjectionType.ALL,
    });
    const handledEvents = new Table(this, 'HandledEvents', {
      partitionKey: { name: 'event_id', type: AttributeType.STRING },
      billingMode: BillingMode.PAY_PER_REQUEST,
      timeToLiveAttribute: 'expires_at',
    });

    const handler = new LambdaFunction(this, 'UpdateRegister', {
      description: 'Updates the access register',
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      handler: 'index.handler',
      code,
      memorySize: 256,
      timeout: Duration.seconds(10),
      logGroup: new LogGroup(this, 'Log', { retention: RetentionDays.THREE_MONTHS }),
      environment: { REGISTER_TABLE: register.tableName, HANDLED_EVENTS_TABLE: handledEvents.tableName },
    });
    for (const table of [register, handledEvents]) table.grant(handler, 'dynamodb:PutItem');

    const bus = (name: string, arn: string | undefined): IEventBus =>
      arn === undefined
        ? EventBus.fromEventBusName(this, name, name)
        : EventBus.fromEventBusArn(this, name, arn);
    const app1Bus = bus('app1-provisioning', app1BusArn);
    const app2Bus = bus('app2-service-users', app2BusArn);
    const through = this.#ownBusFor(app1Bus, app2Bus);
    new EventSubscription(this, 'App1Events', {
      service: 'app1',
      bus: app1Bus,
      events: app1Expectation.events,
      handler,
      ...through,
    });
    const { deadLetterQueue } = new EventSubscription(this, 'App2Events', {
      service: 'app2',
      bus: app2Bus,
      events: app2Expectation.events,
      handler,
      ...through,
    });

    new CfnOutput(this, 'RegisterTable', { value: register.tableName });
    new CfnOutput(this, 'FunctionName', { value: handler.functionName });
    new CfnOutput(this, 'DeadLetterQueueUrl', { value: deadLetterQueue.queueUrl });
  }

  /** A bus of this account that receives the events when the services are in another account. */
  #ownBusFor(...buses: IEventBus[]): { through?: IEventBus } {
    if (buses.every(({ env }) => env.account === this.account)) return {};
    const own = new EventBus(this, 'AuditEvents', { description: 'Audit events of App1 and App2' });
    return { through: EventBus.fromEventBusArn(this, 'OwnBus', own.eventBusArn) };
  }
}
