import { Stack, type StackProps } from 'aws-cdk-lib';
import { type IUserPool, UserPool } from 'aws-cdk-lib/aws-cognito';
import type { Construct } from 'constructs';
import { groups } from '../contracts/app2-api.ts';
import { app2Routes } from '../contracts/routes.ts';
import { APP2 } from '../contracts/services.ts';
import { timeLimits } from '../contracts/time-limits.ts';
import { ServiceFunction } from './constructs/service-function.ts';
import { ServiceUsers, type ServiceUsersProps } from './service-users.ts';
import type { Settings } from './settings.ts';

/** App2, the example of a target: service users, and one business endpoint. */
export class App2Stack extends Stack {
  constructor(scope: Construct, id: string, { settings, ...props }: StackProps & { settings: Settings }) {
    super(scope, id, props);
    const users = new ServiceUsers(this, 'Default', {
      service: APP2,
      ...propsOf(settings),
      userPool: this.#adoptedPool(settings.userPoolId),
    });
    const sample = new ServiceFunction(this, 'Sample', {
      kind: 'app2',
      service: APP2,
      name: 'sample',
      environment: {},
      permissions: [],
      timeout: timeLimits.apiFunction,
      settings,
    });
    const { method, path, body } = app2Routes.sample;
    users.addBusinessRoute(method, path, sample.function, { body, logGroup: sample.logGroup });
  }

  #adoptedPool(id: string | undefined): IUserPool | undefined {
    return id === undefined ? undefined : UserPool.fromUserPoolId(this, 'AdoptedPool', id);
  }
}

/** The settings of App2 as the properties of its construct. */
const propsOf = (settings: Settings) =>
  ({
    consumer: settings.app1Account,
    passwordPolicy: settings.passwordPolicy,
    rates: {
      creationsPerSecond: settings.creationsPerSecond,
      statusPollsPerSecond: settings.statusPollsPerSecond,
      describeExecutionsPerSecond: settings.describeExecutionsPerSecond,
    },
    groups: {
      apiClient: settings.groupNames[groups.apiClient],
      serviceUser: settings.groupNames[groups.serviceUser],
    },
    checkUserInPool: settings.checkUserInPool,
    retention: {
      logs: settings.logRetention,
      archiveDays: settings.archiveDays,
      removalPolicy: settings.removalPolicy,
    },
    alarms: { email: settings.alarmEmail, topic: settings.alarmTopic, runbooksUrl: settings.runbooks },
    subscribers: settings.subscriberAccounts,
    compensationConcurrency: settings.compensationConcurrency,
    schemaRegistry: settings.schemaRegistry,
    apiGatewayLogRole: settings.setsApiGatewayLogRole ? 'set' : 'keep',
  }) satisfies Omit<ServiceUsersProps, 'service'>;
