import { CustomResource, Duration, RemovalPolicy, type StackProps } from 'aws-cdk-lib';
import { AuthorizationType, TokenAuthorizer } from 'aws-cdk-lib/aws-apigateway';
import {
  AccountRecovery,
  CfnUserPoolClient,
  ClientAttributes,
  FeaturePlan,
  StringAttribute,
  UserPool,
  type UserPoolClient,
  UserPoolGroup,
} from 'aws-cdk-lib/aws-cognito';
import { AttributeType, BillingMode, Table } from 'aws-cdk-lib/aws-dynamodb';
import { type IEventBus, Rule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import { AccountPrincipal, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import { CfnPermission } from 'aws-cdk-lib/aws-lambda';
import { CfnRotationSchedule, Secret } from 'aws-cdk-lib/aws-secretsmanager';
import type { StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import type { Construct } from 'constructs';
import { groups, ownerGroups } from '../contracts/app2-api.ts';
import { type EventName, sourceOf } from '../contracts/events/catalogue.ts';
import { completionNotification, notificationSource } from '../contracts/notification.ts';
import { app2Routes } from '../contracts/routes.ts';
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
import { functionNamed } from './names.ts';
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
import { ServiceStack } from './service-stack.ts';
import { expressCreationsPerSecond, GROUP_CHANGES_PER_SECOND, names, type Settings } from './settings.ts';
import { addSignInAlarms, signInGraphs } from './sign-ins.ts';

/** Days between two rotations of App1's credentials. The previous credentials stay valid until the next rotation. */
const ROTATION_DAYS = 30;

/** The user pool with the app client of App1's machine user and that of the service users. */
interface Pool {
  pool: UserPool;
  machineClient: UserPoolClient;
  serviceClient: UserPoolClient;
}

/**
 * App2, the business service: its user pool, the key that encrypts passwords for it, the workflow that creates service
 * users, and the API through which App1 requests them. The stack knows only App1's account.
 */
export class App2Stack extends ServiceStack<'app2'> {
  constructor(scope: Construct, id: string, props: StackProps & { settings: Settings }) {
    super(scope, id, 'app2', props);
    const { settings } = props;
    checkOneConsumer(Object.values(ownerGroups));
    acknowledgeExecutionsOf(this, [names.createServiceUser, names.rollBackServiceUser]);

    const key = this.#crossServiceKey();
    const { pool, machineClient, serviceClient } = this.#userPool();
    const audit = new AuditBus(this, 'Audit', {
      busName: names.app2Bus,
      service: 'app2',
      deadLetterQueue: this.deadLetterQueue,
      checkedBy: functionNamed('app2', 'sweep-user-creations'),
      settings,
    });
    const secret = this.#issueMachineUser(pool, machineClient, audit.bus);

    const allowOnPool = (...actions: string[]) =>
      allow(
        actions.map((action) => `cognito-idp:${action}`),
        [pool.userPoolArn],
      );
    const decrypt = allow(['kms:Decrypt'], [key.keyArn], encryptedFor('app2'));

    const machines = {
      STATE_MACHINE_ARN: stateMachineArn(this, names.createServiceUser),
      ROLL_BACK_STATE_MACHINE_ARN: stateMachineArn(this, names.rollBackServiceUser),
    };
    const describeExecutions = describeExecutionsOf(this, names.createServiceUser, names.rollBackServiceUser);
    const startRollBack = startExecutionOf(this, names.rollBackServiceUser);

    const serviceUserGroup = settings.groupNames[groups.serviceUser];
    const rateLimits = this.#rateLimits();
    const creationRates = {
      RATE_LIMITS_TABLE: rateLimits.tableName,
      CREATIONS_PER_SECOND: String(settings.creationsPerSecond),
      EXPRESS_CREATIONS_PER_SECOND: String(expressCreationsPerSecond(settings.creationsPerSecond)),
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
              SERVICE: 'app2',
              KEY_ARN: key.keyArn,
              PASSWORD_POLICY: JSON.stringify(settings.passwordPolicy),
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
            environment: { SERVICE: 'app2', USER_POOL_ID: pool.userPoolId, KEY_ARN: key.keyArn },
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

    const api = this.#api({ pool, machineClient, serviceClient });
    new AuditEventMetrics(this, 'AuditEventMetrics', { log: audit.logGroup, service: 'app2' });
    new StateMachineMetrics(this, 'StateMachineMetrics', {
      logs: [creation.logGroup, rollBack.logGroup],
      service: 'app2',
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
        STATUS_POLLS_PER_SECOND: String(settings.statusPollsPerSecond),
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
        SERVICE: 'app2',
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
    api.addRoutes(app2Routes, {
      startUserCreation: start,
      getUserCreation: get,
      cancelUserCreation: cancel,
      sample: this.addFunction('Sample', { name: 'sample', environment: {}, permissions: [], timeout }),
    });

    this.addMonitoring({
      sweep: 'sweep-user-creations',
      workflow: creation,
      rollBack,
      compensationStep: 'DeleteUser',
      api,
      addAlarms: (alarms) => addSignInAlarms(alarms, { pool, machineClient, serviceClient }),
      graphs: signInGraphs({ pool, machineClient, serviceClient }),
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
        PasswordPolicy: JSON.stringify(settings.passwordPolicy),
        ServiceUserGroup: serviceUserGroup,
        CredentialsSecretArn: secret.secretArn,
        Target: formatTarget({
          name: 'app2',
          api_url: api.url,
          client_id: machineClient.userPoolClientId,
          key_arn: key.keyArn,
          secret_arn: secret.secretArn,
          bus_arn: audit.bus.eventBusArn,
          password_policy: formatPolicy(settings.passwordPolicy),
          creations_per_second: String(settings.creationsPerSecond),
        }),
      },
      [creation.logGroup, rollBack.logGroup, api.accessLog, audit.logGroup],
    );
  }

  /** State of the rate limiters; best effort. */
  #rateLimits(): Table {
    const table = new Table(this, 'RateLimits', {
      tableName: names.rateLimitsTable,
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
      environment: { SERVICE: 'app2', EVENT_BUS_NAME: bus.eventBusName },
      permissions: [
        putEventsOn(bus.eventBusArn, notificationSource('app2'), [completionNotification.detailType]),
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

  /** The key that encrypts passwords for App2: App1 may re-encrypt to it, and only App2 may decrypt. */
  #crossServiceKey(): Key {
    const { app1Account, removalPolicy } = this.settings;
    const key = new Key(this, 'CrossServiceKey', {
      alias: names.crossServiceKeyAlias,
      description: 'Encrypts the passwords that App1 sends to App2',
      enableKeyRotation: true,
      removalPolicy,
    });
    if (app1Account !== undefined)
      key.addToResourcePolicy(
        new PolicyStatement({
          principals: [new AccountPrincipal(app1Account)],
          actions: ['kms:ReEncryptTo'],
          resources: ['*'],
          conditions: encryptedFor('app2'),
        }),
      );
    return key;
  }

  #userPool(): Pool {
    const { deletionProtection, unnamedRemovalPolicy, passwordPolicy, groupNames } = this.settings;
    const pool = new UserPool(this, 'UserPool', {
      userPoolName: 'app2-service-users',
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
      customAttributes: {
        provisioning_id: new StringAttribute({ mutable: false, maxLen: 36 }),
        creation_id: new StringAttribute({ mutable: false, maxLen: 36 }),
        human_user_id: new StringAttribute({ mutable: false, maxLen: 512 }),
        owner: new StringAttribute({ mutable: false, maxLen: 255 }),
        on_behalf_of: new StringAttribute({ mutable: false, maxLen: 255 }),
      },
      deletionProtection,
      // Deletion protection blocks the deletion in a roll-back of the deployment.
      removalPolicy: unnamedRemovalPolicy,
    });
    acknowledge(pool, {
      'AwsSolutions-COG2': 'The users are services, which cannot provide a second factor.',
      'AwsSolutions-COG8':
        'Threat protection rates people by device and location. It would block machines, at a price per user.',
    });
    if (!Object.values(passwordPolicy).every(Boolean) || passwordPolicy.minimum_length < 8)
      acknowledge(pool, {
        'AwsSolutions-COG1':
          'The settings of this deployment require less. App1 and App2 both check the policy.',
      });
    for (const group of Object.values(groups))
      new UserPoolGroup(this, `Group-${group}`, { userPool: pool, groupName: groupNames[group] });
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
  #issueMachineUser(pool: UserPool, machineClient: UserPoolClient, bus: IEventBus): Secret {
    const { app1Account, removalPolicy } = this.settings;
    // An AWS managed key cannot be shared with another account.
    const encryptionKey =
      app1Account === undefined
        ? undefined
        : new Key(this, 'CredentialsKey', {
            description: 'Encrypts the credentials of the machine user of App1',
            enableKeyRotation: true,
            removalPolicy,
          });
    const secret = new Secret(this, 'MachineCredentials', {
      secretName: names.credentialsSecret,
      description: 'Username, password and client secret with which App1 signs in to App2',
      removalPolicy,
      ...(encryptionKey === undefined ? {} : { encryptionKey }),
    });
    if (app1Account !== undefined && encryptionKey !== undefined)
      this.#share(secret, encryptionKey, app1Account);
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
    const apiClientGroup = this.settings.groupNames[groups.apiClient];
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
      environment: { SERVICE: 'app2', ...environment, EVENT_BUS_NAME: bus.eventBusName },
      permissions: [
        createUsers,
        revokeUsers,
        putEventsOn(bus.eventBusArn, sourceOf('app2'), ['MachineCredentialsRotated' satisfies EventName]),
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
      sourceAccount: this.account,
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
          StringEquals: { 'kms:ViaService': `secretsmanager.${this.region}.${this.urlSuffix}` },
        },
      }),
    );
  }

  #api({ pool, machineClient, serviceClient }: Pool): ServiceApi {
    const authorizer = new TokenAuthorizer(this, 'TokenAuthorizer', {
      handler: this.addFunction('Authorizer', {
        name: 'authorizer',
        environment: {
          USER_POOL_ID: pool.userPoolId,
          MACHINE_CLIENT_ID: machineClient.userPoolClientId,
          SERVICE_CLIENT_ID: serviceClient.userPoolClientId,
          API_CLIENT_GROUP: this.settings.groupNames[groups.apiClient],
          SERVICE_USER_GROUP: this.settings.groupNames[groups.serviceUser],
          CHECK_USER_IN_POOL: this.settings.checkUserInPool,
        },
        permissions:
          this.settings.checkUserInPool === 'off'
            ? []
            : [allow(['cognito-idp:AdminGetUser'], [pool.userPoolArn])],
      }),
      resultsCacheTtl: Duration.minutes(1),
    });
    return new ServiceApi(this, 'ServiceApi', {
      apiName: 'app2-service-users',
      description: "App2: creation of service users for App1, and the service users' business endpoints",
      authorization: { authorizationType: AuthorizationType.CUSTOM, authorizer },
      settings: this.settings,
    });
  }
}
