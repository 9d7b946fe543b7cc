import { CustomResource, Duration, Lazy, RemovalPolicy, Stack, Token } from 'aws-cdk-lib';
import { AuthorizationType, TokenAuthorizer } from 'aws-cdk-lib/aws-apigateway';
import {
  AccountRecovery,
  CfnUserPoolClient,
  ClientAttributes,
  FeaturePlan,
  type IUserPool,
  StringAttribute,
  UserPool,
  type UserPoolClient,
  UserPoolGroup,
} from 'aws-cdk-lib/aws-cognito';
import { AttributeType, BillingMode, type ITable, Table } from 'aws-cdk-lib/aws-dynamodb';
import { type IEventBus, Rule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import { AccountPrincipal, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import { CfnPermission, type IFunction } from 'aws-cdk-lib/aws-lambda';
import type { ILogGroup } from 'aws-cdk-lib/aws-logs';
import { CfnRotationSchedule, Secret } from 'aws-cdk-lib/aws-secretsmanager';
import type { StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import type { Construct } from 'constructs';
import * as z from 'zod';
import { type BusinessRoute, businessRoute } from '../contracts/app2-access.ts';
import { type Group, groups, ownerGroups } from '../contracts/app2-api.ts';
import { type EventName, sourceOf } from '../contracts/events/catalogue.ts';
import { completionNotification, notificationSource } from '../contracts/notification.ts';
import type { PasswordPolicy } from '../contracts/password-policy.ts';
import { app2Routes } from '../contracts/routes.ts';
import { targetName } from '../contracts/services.ts';
import { formatPolicy, formatTarget } from '../contracts/targets.ts';
import { TOKEN_LIFE_SECONDS, timeLimits } from '../contracts/time-limits.ts';
import { createServiceUser } from '../workflows/app2/create-service-user.ts';
import { rollBackServiceUser } from '../workflows/app2/roll-back-service-user.ts';
import { acknowledge, acknowledgeExecutionsOf, checkOneConsumer } from './checks.ts';
import { AuditBus } from './constructs/audit-bus.ts';
import { AuditEventMetrics, StateMachineMetrics } from './constructs/log-metrics.ts';
import { RollBackWatch } from './constructs/roll-back-watch.ts';
import { ServiceApi } from './constructs/service-api.ts';
import { Workflow } from './constructs/workflow.ts';
import { functionNamed, targetNames } from './names.ts';
import {
  allow,
  describeExecutionsOf,
  encryptedFor,
  historiesOf,
  listExecutionsOf,
  putEventsOn,
  startExecutionOf,
  stateMachineArn,
  stopExecutionsOf,
} from './permissions.ts';
import { Service } from './service.ts';
import { isLocal, type ServiceOptions, serviceSettings } from './service-settings.ts';
import {
  DEFAULT_CREATIONS_PER_SECOND,
  defaultPasswordPolicy,
  defaultStatusPolls,
  expressCreationsPerSecond,
  GROUP_CHANGES_PER_SECOND,
} from './settings.ts';
import { addSignInAlarms, signInGraphs } from './sign-ins.ts';
import { checkUserPool, customAttributes } from './user-pool.ts';

/** Days between two rotations of App1's credentials. The previous credentials stay valid until the next rotation. */
const ROTATION_DAYS = 30;

/** The user pool with the app client of App1's machine user and that of the service users. */
interface Pool {
  pool: IUserPool;
  machineClient: UserPoolClient;
  serviceClient: UserPoolClient;
}

/** Table of rate limiters. */
type RateLimitsTable = Pick<ITable, 'tableArn' | 'tableName'>;

interface BusinessRouteOptions {
  /** Schema of the request body: API Gateway rejects a body of another JSON type. */
  readonly body?: z.ZodType;
  /** Log group of the function, for the output `LogGroups`. */
  readonly logGroup?: ILogGroup;
}

export interface ServiceUsersProps extends ServiceOptions {
  /**
   * Name of the service: 2 to 20 lower-case letters and digits, starting with a letter, and not `app1`. All names of its
   * resources begin with it, so it is unique in an account and region. It is also the name under which App1 registers the
   * target.
   */
  readonly service: string;
  /**
   * Account of App1, which may use the key, read the secret, and manage rules for the completion notifications on the bus. By
   * default App1 is in the account of this stack.
   */
  readonly consumer?: string | undefined;
  /**
   * The password policy; 12 characters with all four kinds by default. The service checks a password with it before Cognito
   * does. An adopted pool keeps its own policy, which must not require more than this one.
   */
  readonly passwordPolicy?: PasswordPolicy | undefined;
  /** Rates per second, in this account and region. */
  readonly rates?: {
    /** Creations that start per second; 23.5 by default (docs/limits.md). */
    readonly creationsPerSecond?: number | undefined;
    /** Creations whose status is polled, although their client accepts a notification; 1 by default. */
    readonly statusPollsPerSecond?: number | undefined;
    /** Quota of DescribeExecution; 10 by default. */
    readonly describeExecutionsPerSecond?: number | undefined;
  };
  /** Names of the groups in the user pool: of App1's machine user, and of the service users. */
  readonly groups?: {
    readonly apiClient?: string | undefined;
    readonly serviceUser?: string | undefined;
  };
  /** The tokens that are rejected when their user was removed or disabled: none (`off`, the default), App1's, or all. */
  readonly checkUserInPool?: 'off' | 'admin' | 'all' | undefined;
  /**
   * An existing user pool that gets the service users, with the groups and app clients of this construct. A pool of the same
   * app is checked at synthesis; one that is imported by its id, by the preflight of App1's repository. By default the construct
   * creates a pool.
   */
  readonly userPool?: IUserPool | undefined;
  /**
   * Table of the rate limiters, shared with another target of the account: `other.rateLimits`. Targets of one account share
   * Cognito's quotas, so without a shared table the sum of their rates has to stay below them. By default the construct
   * creates a table.
   */
  readonly rateLimits?: RateLimitsTable | undefined;
}

/**
 * Service users for a service: a user pool, the key that encrypts passwords for it, the workflows that create and remove
 * service users, the API through which App1 requests them, an event bus, alarms and a sweep. It knows only the account of
 * App1. Its output `Target` registers the service at App1.
 */
export class ServiceUsers extends Service<'app2'> {
  /** The user pool of the service users. */
  readonly userPool: IUserPool;
  /** App client with which service users sign in. */
  readonly serviceClient: UserPoolClient;
  /** The bus with the audit events of the service. */
  readonly eventBus: IEventBus;
  /** Table of the rate limiters, for other targets of the account. */
  readonly rateLimits: RateLimitsTable;
  readonly #names: ReturnType<typeof targetNames>;
  readonly #groupNames: Readonly<Record<Group, string>>;
  readonly #api: ServiceApi;
  readonly #businessRoutes: BusinessRoute[] = [];

  constructor(scope: Construct, id: string, props: ServiceUsersProps) {
    const rates = props.rates ?? {};
    const settings = serviceSettings(scope.node, {
      ...props,
      describeExecutionsPerSecond: rates.describeExecutionsPerSecond,
    });
    super(scope, id, { kind: 'app2', service: targetName.parse(props.service), settings });
    const { service } = this;
    const names = targetNames(service);
    this.#names = names;
    this.#groupNames = {
      [groups.apiClient]: props.groups?.apiClient ?? groups.apiClient,
      [groups.serviceUser]: props.groups?.serviceUser ?? groups.serviceUser,
    };
    const passwordPolicy = props.passwordPolicy ?? defaultPasswordPolicy;
    const creationsPerSecond = rates.creationsPerSecond ?? DEFAULT_CREATIONS_PER_SECOND;
    const consumer = this.#otherAccount(props.consumer);
    checkOneConsumer(Object.values(ownerGroups));
    acknowledgeExecutionsOf(this, [names.createServiceUser, names.rollBackServiceUser]);

    const key = this.#crossServiceKey(consumer);
    const pools = this.#addClients(this.#pool(props.userPool, passwordPolicy));
    const { pool, machineClient, serviceClient } = pools;
    this.userPool = pool;
    this.serviceClient = serviceClient;
    const audit = new AuditBus(this, 'Audit', {
      busName: names.bus,
      service,
      deadLetterQueue: this.deadLetterQueue,
      checkedBy: functionNamed(service, 'sweep-user-creations'),
      consumer,
      settings,
    });
    this.eventBus = audit.bus;
    const secret = this.#issueMachineUser(pool, machineClient, audit.bus, consumer);

    const allowOnPool = (...actions: string[]) =>
      allow(
        actions.map((action) => `cognito-idp:${action}`),
        [pool.userPoolArn],
      );
    const decrypt = allow(['kms:Decrypt'], [key.keyArn], encryptedFor(service));

    const machines = {
      STATE_MACHINE_ARN: stateMachineArn(this, names.createServiceUser),
      ROLL_BACK_STATE_MACHINE_ARN: stateMachineArn(this, names.rollBackServiceUser),
    };
    const describeExecutions = describeExecutionsOf(this, names.createServiceUser, names.rollBackServiceUser);
    const startRollBack = startExecutionOf(this, names.rollBackServiceUser);

    const serviceUserGroup = this.#groupNames[groups.serviceUser];
    const rateLimits = props.rateLimits ?? this.#addRateLimits();
    this.rateLimits = rateLimits;
    const creationRates = {
      SERVICE: service,
      RATE_LIMITS_TABLE: rateLimits.tableName,
      CREATIONS_PER_SECOND: String(creationsPerSecond),
      EXPRESS_CREATIONS_PER_SECOND: String(expressCreationsPerSecond(creationsPerSecond)),
    };
    const allowOnRateLimits = (...actions: string[]) =>
      allow(
        actions.map((action) => `dynamodb:${action}`),
        [rateLimits.tableArn],
      );
    const deleteUser = this.addFunction('DeleteUser', {
      name: 'delete-user',
      compensates: 'always',
      environment: { USER_POOL_ID: pool.userPoolId },
      permissions: [allowOnPool('AdminGetUser', 'AdminDeleteUser')],
    });
    const creation = new Workflow(this, 'CreateServiceUser', {
      stateMachineName: names.createServiceUser,
      comment: 'Creates a service user, and compensates when a step fails',
      timeout: timeLimits.userCreation,
      settings,
      definition: (within) =>
        createServiceUser(within, {
          decryptCredentials: this.addFunction('DecryptCredentials', {
            name: 'decrypt-credentials',
            environment: {
              KEY_ARN: key.keyArn,
              PASSWORD_POLICY: JSON.stringify(passwordPolicy),
              ...creationRates,
            },
            permissions: [decrypt, allowOnRateLimits('GetItem', 'PutItem', 'UpdateItem')],
          }),
          createUser: this.addFunction('CreateUser', {
            name: 'create-user',
            environment: { USER_POOL_ID: pool.userPoolId, ...machines },
            permissions: [allowOnPool('AdminCreateUser', 'AdminGetUser'), describeExecutions],
          }),
          setPassword: this.addFunction('SetPassword', {
            name: 'set-password',
            environment: { SERVICE: service, USER_POOL_ID: pool.userPoolId, KEY_ARN: key.keyArn },
            permissions: [allowOnPool('AdminSetUserPassword'), decrypt],
          }),
          addToGroup: this.addFunction('AddToGroup', {
            name: 'add-to-group',
            environment: {
              USER_POOL_ID: pool.userPoolId,
              SERVICE_USER_GROUP: serviceUserGroup,
              RATE_LIMITS_TABLE: rateLimits.tableName,
              GROUP_CHANGES_PER_SECOND: String(GROUP_CHANGES_PER_SECOND),
            },
            permissions: [allowOnPool('AdminAddUserToGroup'), allowOnRateLimits('UpdateItem')],
          }),
          deleteUser,
          bus: audit,
        }),
    });
    const rollBack = new Workflow(this, 'RollBackServiceUser', {
      stateMachineName: names.rollBackServiceUser,
      comment: 'Stops the creation of a service user and removes the user',
      timeout: timeLimits.userRollBack,
      settings,
      definition: (within) =>
        rollBackServiceUser(within, {
          stopUserCreation: this.addFunction('StopUserCreation', {
            name: 'stop-user-creation',
            compensates: 'always',
            environment: { ...machines, ...creationRates },
            permissions: [
              describeExecutionsOf(this, names.createServiceUser),
              stopExecutionsOf(this, names.createServiceUser),
              allowOnRateLimits('DeleteItem', 'UpdateItem'),
            ],
          }),
          deleteUser,
          bus: audit,
        }),
    });

    const api = this.#addApi(pools, props.checkUserInPool ?? 'off');
    this.#api = api;
    new AuditEventMetrics(this, 'AuditEventMetrics', { log: audit.logGroup, service });
    new StateMachineMetrics(this, 'StateMachineMetrics', {
      logs: [creation.logGroup, rollBack.logGroup],
      service,
    });
    new RollBackWatch(this, 'RollBackWatch', {
      deadLetterQueue: this.deadLetterQueue,
      stateMachine: creation.stateMachine,
      startRollBack: this.addFunction('StartRollBack', {
        name: 'start-roll-back',
        compensates: 'always',
        environment: { ...machines, ...this.cleanOutcomes.environment },
        permissions: [
          describeExecutionsOf(this, names.createServiceUser),
          startRollBack,
          ...this.cleanOutcomes.permissions,
        ],
        timeout: timeLimits.watchFunction,
        deadLetterQueue: this.deadLetterQueue,
      }),
      sweep: this.addSweep({
        name: 'sweep-user-creations',
        audit,
        environment: (own) => ({ ...machines, ...own }),
        permissions: [
          listExecutionsOf(this, names.createServiceUser, names.rollBackServiceUser),
          describeExecutions,
          startRollBack,
        ],
      }),
    });

    this.#notifyClients(creation.stateMachine, audit.bus);
    const timeout = timeLimits.apiFunction;
    const start = this.addFunction('StartUserCreation', {
      name: 'start-user-creation',
      environment: {
        ...machines,
        ...creationRates,
        STATUS_POLLS_PER_SECOND: String(
          rates.statusPollsPerSecond ??
            defaultStatusPolls(isLocal(this.node), settings.describeExecutionsPerSecond),
        ),
      },
      permissions: [
        startExecutionOf(this, names.createServiceUser),
        describeExecutions,
        allowOnRateLimits('GetItem', 'UpdateItem'),
      ],
      timeout,
    });
    const get = this.addFunction('GetUserCreation', {
      name: 'get-user-creation',
      environment: {
        SERVICE: service,
        ...machines,
        USER_POOL_ID: pool.userPoolId,
        SERVICE_USER_GROUP: serviceUserGroup,
      },
      permissions: [
        allowOnPool('AdminGetUser', 'AdminListGroupsForUser'),
        describeExecutions,
        historiesOf(this, names.createServiceUser, names.rollBackServiceUser),
      ],
      timeout,
    });
    const cancel = this.addFunction('CancelUserCreation', {
      name: 'cancel-user-creation',
      compensates: 'always',
      environment: { USER_POOL_ID: pool.userPoolId, ...machines },
      permissions: [
        startExecutionOf(this, names.createServiceUser),
        startRollBack,
        describeExecutions,
        allowOnPool('AdminGetUser'),
      ],
      timeout,
    });
    const { sample: _example, ...adminRoutes } = app2Routes;
    api.addRoutes(adminRoutes, {
      startUserCreation: start,
      getUserCreation: get,
      cancelUserCreation: cancel,
    });

    this.addMonitoring({
      sweep: 'sweep-user-creations',
      workflow: creation,
      rollBack,
      compensationStep: 'DeleteUser',
      api,
      addAlarms: (alarms) => addSignInAlarms(alarms, { service, ...pools }),
      graphs: signInGraphs({ service, ...pools }),
    });
    this.addOutputs(
      {
        ApiUrl: api.url,
        StateMachineArn: creation.stateMachine.stateMachineArn,
        RollBackStateMachineArn: rollBack.stateMachine.stateMachineArn,
        UserPoolId: pool.userPoolId,
        MachineClientId: machineClient.userPoolClientId,
        ServiceClientId: serviceClient.userPoolClientId,
        EventBusName: audit.bus.eventBusName,
        EventBusArn: audit.bus.eventBusArn,
        KeyArn: key.keyArn,
        PasswordPolicy: JSON.stringify(passwordPolicy),
        ServiceUserGroup: serviceUserGroup,
        CredentialsSecretArn: secret.secretArn,
        Target: formatTarget({
          name: service,
          api_url: api.url,
          client_id: machineClient.userPoolClientId,
          key_arn: key.keyArn,
          secret_arn: secret.secretArn,
          bus_arn: audit.bus.eventBusArn,
          password_policy: formatPolicy(passwordPolicy),
          creations_per_second: String(creationsPerSecond),
        }),
      },
      [creation.logGroup, rollBack.logGroup, api.accessLog, audit.logGroup],
    );
  }

  /**
   * Adds a business endpoint, which only service users may call. The function reads the caller from
   * `event.requestContext.authorizer`: `username` and `client_id`.
   * @param path without a leading slash; `{name}` stands for one segment. Its first segment is fixed, and not `admin`
   * @throws Error if the path is not allowed
   */
  addBusinessRoute(
    method: BusinessRoute['method'],
    path: string,
    handler: IFunction,
    { body, logGroup }: BusinessRouteOptions = {},
  ): void {
    const route = businessRoute.safeParse({ method, path });
    if (!route.success)
      throw new Error(
        `${this.node.path}: ${method} /${path} is not allowed. ${z.prettifyError(route.error)}`,
      );
    this.#businessRoutes.push(route.data);
    this.#api.addRoute({ ...route.data, ...(body === undefined ? {} : { body }) }, handler);
    if (logGroup !== undefined) this.addLogGroup(logGroup);
  }

  /** The account of App1, unless it is known to be the account of this stack. */
  #otherAccount(consumer: string | undefined): string | undefined {
    const { account } = Stack.of(this);
    return !Token.isUnresolved(account) && consumer === account ? undefined : consumer;
  }

  /** State of the rate limiters; best effort. */
  #addRateLimits(): Table {
    const table = new Table(this, 'RateLimits', {
      tableName: this.#names.rateLimitsTable,
      partitionKey: { name: 'name', type: AttributeType.STRING },
      billingMode: BillingMode.PAY_PER_REQUEST,
      timeToLiveAttribute: 'expires_at',
      removalPolicy: RemovalPolicy.DESTROY,
    });
    acknowledge(table, {
      'AwsSolutions-DDB3': 'Best effort: without its items the limiters start from now.',
    });
    return table;
  }

  /**
   * Publishes a completion notification for each creation whose client accepts one. The rule matches only executions whose
   * input has `"notify": true`, so that the others cost nothing.
   * docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html#eb-filtering-wildcard-matching
   */
  #notifyClients({ stateMachineArn }: StateMachine, bus: IEventBus): void {
    const notify = this.addFunction('NotifyCompletion', {
      name: 'notify-completion',
      environment: { SERVICE: this.service, EVENT_BUS_NAME: bus.eventBusName },
      permissions: [
        putEventsOn(bus.eventBusArn, notificationSource(this.service), [completionNotification.detailType]),
      ],
      timeout: timeLimits.watchFunction,
      deadLetterQueue: this.deadLetterQueue,
    });
    new Rule(this, 'FinishedCreations', {
      description: 'Finished creations whose client accepts a completion notification',
      eventPattern: {
        source: ['aws.states'],
        detailType: ['Step Functions Execution Status Change'],
        detail: {
          stateMachineArn: [stateMachineArn],
          status: ['SUCCEEDED', 'FAILED', 'TIMED_OUT', 'ABORTED'],
          input: [{ wildcard: '*"notify":true*' }],
        },
      },
      targets: [new LambdaFunction(notify, { deadLetterQueue: this.deadLetterQueue })],
    });
  }

  /** The key that encrypts passwords for the service: App1 may re-encrypt to it, and only the service may decrypt. */
  #crossServiceKey(consumer: string | undefined): Key {
    const key = new Key(this, 'CrossServiceKey', {
      alias: this.#names.crossServiceKeyAlias,
      description: `Encrypts the passwords that App1 sends to ${this.service}`,
      enableKeyRotation: true,
      removalPolicy: this.settings.removalPolicy,
    });
    if (consumer !== undefined)
      key.addToResourcePolicy(
        new PolicyStatement({
          principals: [new AccountPrincipal(consumer)],
          actions: ['kms:ReEncryptTo'],
          resources: ['*'],
          conditions: encryptedFor(this.service),
        }),
      );
    return key;
  }

  /** The adopted user pool, or a new one. */
  #pool(adopted: IUserPool | undefined, passwordPolicy: PasswordPolicy): IUserPool {
    if (adopted !== undefined) {
      checkUserPool(this, adopted, passwordPolicy);
      return adopted;
    }
    const pool = new UserPool(this, 'UserPool', {
      userPoolName: this.#names.userPool,
      featurePlan: FeaturePlan.ESSENTIALS,
      selfSignUpEnabled: false,
      signInAliases: { username: true },
      signInCaseSensitive: false,
      accountRecovery: AccountRecovery.NONE,
      passwordPolicy: {
        minLength: passwordPolicy.minimum_length,
        requireLowercase: passwordPolicy.require_lowercase,
        requireUppercase: passwordPolicy.require_uppercase,
        requireDigits: passwordPolicy.require_numbers,
        requireSymbols: passwordPolicy.require_symbols,
      },
      customAttributes: Object.fromEntries(
        Object.entries(customAttributes).map(([name, maxLen]) => [
          name,
          new StringAttribute({ mutable: false, maxLen }),
        ]),
      ),
      deletionProtection: this.settings.deletionProtection,
      // Deletion protection blocks the deletion in a roll-back of the deployment.
      removalPolicy: this.settings.unnamedRemovalPolicy,
    });
    acknowledge(pool, {
      'AwsSolutions-COG2': 'The users are services, which cannot provide a second factor.',
      'AwsSolutions-COG8':
        'Threat protection rates people by device and location. It would block machines, at a price per user.',
    });
    if (!Object.values(passwordPolicy).every(Boolean) || passwordPolicy.minimum_length < 8)
      acknowledge(pool, {
        'AwsSolutions-COG1':
          'The settings of this deployment require less. App1 and the service both check the policy.',
      });
    return pool;
  }

  /** Adds the groups and the app clients to the pool. */
  #addClients(pool: IUserPool): Pool {
    for (const group of Object.values(groups))
      new UserPoolGroup(this, `Group-${group}`, { userPool: pool, groupName: this.#groupNames[group] });
    for (const groupName of Object.values(ownerGroups))
      new UserPoolGroup(this, `Group-${groupName}`, { userPool: pool, groupName });

    const client = (id: string, generateSecret: boolean): UserPoolClient => {
      const appClient = pool.addClient(id, {
        generateSecret,
        authFlows: { userPassword: true },
        disableOAuth: true,
        preventUserExistenceErrors: true,
        enableTokenRevocation: true,
        accessTokenValidity: Duration.seconds(TOKEN_LIFE_SECONDS),
        idTokenValidity: Duration.seconds(TOKEN_LIFE_SECONDS),
        // The client may write this attribute only. An empty list would allow all, including the stamps.
        writeAttributes: new ClientAttributes().withStandardAttributes({ locale: true }),
      });
      // CDK adds the refresh token flow, whose tokens are valid for a month.
      const { defaultChild } = appClient.node;
      if (!(defaultChild instanceof CfnUserPoolClient)) throw new Error(`${id} is no app client.`);
      defaultChild.explicitAuthFlows = ['ALLOW_USER_PASSWORD_AUTH'];
      return appClient;
    };
    return {
      pool,
      machineClient: client('MachineClient', true),
      serviceClient: client('ServiceClient', false),
    };
  }

  /** The machine user of App1. A custom resource creates it at deployment and writes its credentials into the secret. */
  #issueMachineUser(
    pool: IUserPool,
    machineClient: UserPoolClient,
    bus: IEventBus,
    consumer: string | undefined,
  ): Secret {
    const { removalPolicy } = this.settings;
    // An AWS managed key cannot be shared with another account.
    const encryptionKey =
      consumer === undefined
        ? undefined
        : new Key(this, 'CredentialsKey', {
            description: 'Encrypts the credentials of the machine user of App1',
            enableKeyRotation: true,
            removalPolicy,
          });
    const secret = new Secret(this, 'MachineCredentials', {
      secretName: this.#names.credentialsSecret,
      description: `Username, password and client secret with which App1 signs in to ${this.service}`,
      removalPolicy,
      ...(encryptionKey === undefined ? {} : { encryptionKey }),
    });
    if (consumer !== undefined && encryptionKey !== undefined) this.#share(secret, encryptionKey, consumer);
    const keyPermissions =
      encryptionKey === undefined
        ? []
        : [allow(['kms:Decrypt', 'kms:GenerateDataKey'], [encryptionKey.keyArn])];
    const createUsers = allow(
      [
        'cognito-idp:AdminAddUserToGroup',
        'cognito-idp:AdminCreateUser',
        'cognito-idp:AdminSetUserPassword',
        'cognito-idp:DescribeUserPoolClient',
      ],
      [pool.userPoolArn],
    );
    const revokeUsers = allow(
      ['cognito-idp:AdminDeleteUser', 'cognito-idp:AdminDisableUser', 'cognito-idp:ListUsersInGroup'],
      [pool.userPoolArn],
    );
    const apiClientGroup = this.#groupNames[groups.apiClient];
    const environment = {
      USER_POOL_ID: pool.userPoolId,
      MACHINE_CLIENT_ID: machineClient.userPoolClientId,
      API_CLIENT_GROUP: apiClientGroup,
    };

    const issue = this.addFunction('IssueMachineUser', {
      name: 'issue-machine-user',
      environment: { ...environment, SECRET_ARN: secret.secretArn },
      permissions: [
        createUsers,
        allow(['cognito-idp:AdminDeleteUser', 'cognito-idp:AdminGetUser'], [pool.userPoolArn]),
        allow(['secretsmanager:GetSecretValue', 'secretsmanager:PutSecretValue'], [secret.secretArn]),
        ...keyPermissions,
      ],
      timeout: timeLimits.customResourceFunction,
    });
    const machineUser = new CustomResource(this, 'MachineUser', {
      resourceType: 'Custom::MachineUser',
      serviceToken: issue.functionArn,
      // If the function crashes without a response, the default blocks the stack for an hour.
      serviceTimeout: Duration.seconds(timeLimits.customResource),
      properties: {
        UserPoolId: pool.userPoolId,
        ClientId: machineClient.userPoolClientId,
        // Another name, and the machine user joins that group.
        Group: apiClientGroup,
        RetrySeconds: timeLimits.customResourceRetries,
      },
    });
    for (const group of [groups.apiClient, ownerGroups.app1])
      machineUser.node.addDependency(this.node.findChild(`Group-${group}`));

    const rotate = this.addFunction('RotateMachineUser', {
      name: 'rotate-machine-user',
      environment: { SERVICE: this.service, ...environment, EVENT_BUS_NAME: bus.eventBusName },
      permissions: [
        createUsers,
        revokeUsers,
        putEventsOn(bus.eventBusArn, sourceOf(this.service), [
          'MachineCredentialsRotated' satisfies EventName,
        ]),
        allow(
          [
            'secretsmanager:DescribeSecret',
            'secretsmanager:GetSecretValue',
            'secretsmanager:PutSecretValue',
            'secretsmanager:UpdateSecretVersionStage',
          ],
          [secret.secretArn],
        ),
        ...keyPermissions,
      ],
      timeout: 60,
    });
    const rotationPermission = new CfnPermission(this, 'RotationCall', {
      action: 'lambda:InvokeFunction',
      functionName: rotate.functionArn,
      principal: 'secretsmanager.amazonaws.com',
      sourceArn: secret.secretArn,
      sourceAccount: Stack.of(this).account,
    });
    const schedule = new CfnRotationSchedule(this, 'Rotation', {
      secretId: secret.secretArn,
      rotationLambdaArn: rotate.functionArn,
      rotationRules: { automaticallyAfterDays: ROTATION_DAYS },
      rotateImmediatelyOnUpdate: false,
    });
    schedule.node.addDependency(rotationPermission, machineUser);
    this.addFunction('RevokeMachineCredentials', {
      name: 'revoke-machine-credentials',
      environment: { USER_POOL_ID: pool.userPoolId, SECRET_ARN: secret.secretArn },
      permissions: [
        revokeUsers,
        allow(
          [
            'secretsmanager:DescribeSecret',
            'secretsmanager:GetSecretValue',
            'secretsmanager:RotateSecret',
            'secretsmanager:UpdateSecretVersionStage',
          ],
          [secret.secretArn],
        ),
        // RotateSecret requires permission to invoke the rotation function.
        allow(['lambda:InvokeFunction'], [rotate.functionArn]),
        ...(encryptionKey === undefined ? [] : [allow(['kms:Decrypt'], [encryptionKey.keyArn])]),
      ],
      timeout: timeLimits.revocationFunction,
    });
    return secret;
  }

  /** Lets another account read the secret. The principal is the account, because AWS rejects a role that does not exist yet. */
  #share(secret: Secret, key: Key, account: string): void {
    const { region, urlSuffix } = Stack.of(this);
    const principals = [new AccountPrincipal(account)];
    secret.addToResourcePolicy(
      new PolicyStatement({
        principals,
        actions: ['secretsmanager:GetSecretValue'],
        resources: [secret.secretArn],
      }),
    );
    key.addToResourcePolicy(
      new PolicyStatement({
        principals,
        actions: ['kms:Decrypt'],
        resources: ['*'],
        conditions: {
          StringEquals: { 'kms:ViaService': `secretsmanager.${region}.${urlSuffix}` },
        },
      }),
    );
  }

  #addApi(
    { pool, machineClient, serviceClient }: Pool,
    checkUserInPool: 'off' | 'admin' | 'all',
  ): ServiceApi {
    const authorizer = new TokenAuthorizer(this, 'TokenAuthorizer', {
      handler: this.addFunction('Authorizer', {
        name: 'authorizer',
        environment: {
          USER_POOL_ID: pool.userPoolId,
          MACHINE_CLIENT_ID: machineClient.userPoolClientId,
          SERVICE_CLIENT_ID: serviceClient.userPoolClientId,
          API_CLIENT_GROUP: this.#groupNames[groups.apiClient],
          SERVICE_USER_GROUP: this.#groupNames[groups.serviceUser],
          CHECK_USER_IN_POOL: checkUserInPool,
          // The routes are added after the authorizer.
          BUSINESS_ROUTES: Lazy.string({ produce: () => JSON.stringify(this.#businessRoutes) }),
        },
        permissions:
          checkUserInPool === 'off' ? [] : [allow(['cognito-idp:AdminGetUser'], [pool.userPoolArn])],
      }),
      resultsCacheTtl: Duration.minutes(1),
    });
    return new ServiceApi(this, 'ServiceApi', {
      apiName: this.#names.api,
      description: `${this.service}: creation of service users for App1, and the service users' business endpoints`,
      authorization: { authorizationType: AuthorizationType.CUSTOM, authorizer },
      settings: this.settings,
    });
  }
}
