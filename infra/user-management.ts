import { Fn, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { AuthorizationType } from 'aws-cdk-lib/aws-apigateway';
import { AttributeType, BillingMode, Table } from 'aws-cdk-lib/aws-dynamodb';
import type { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Key, KeySpec, KeyUsage } from 'aws-cdk-lib/aws-kms';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { Construct } from 'constructs';
import { sourceOf } from '../contracts/events/catalogue.ts';
import { describeExecutionQuota } from '../contracts/quotas.ts';
import { app1Routes } from '../contracts/routes.ts';
import { APP1 } from '../contracts/services.ts';
import { timeLimits } from '../contracts/time-limits.ts';
import { provisionServiceUser } from '../workflows/app1/provision-service-user.ts';
import { rollBackProvisioning } from '../workflows/app1/roll-back-provisioning.ts';
import { acknowledge, acknowledgeExecutionsOf } from './checks.ts';
import { AuditBus } from './constructs/audit-bus.ts';
import { AuditEventMetrics, StateMachineMetrics } from './constructs/log-metrics.ts';
import { Notifications } from './constructs/notifications.ts';
import { RollBackWatch } from './constructs/roll-back-watch.ts';
import { ServiceApi } from './constructs/service-api.ts';
import type { ServiceFunctionProps } from './constructs/service-function.ts';
import { Workflow } from './constructs/workflow.ts';
import { everyMetric, ownMetric, Stats } from './metrics.ts';
import { Migration } from './migration/migration.ts';
import { functionNamed, app1Names as names } from './names.ts';
import {
  allow,
  decryptSecret,
  describeExecutionsOf,
  encryptedFor,
  historiesOf,
  listExecutionsOf,
  resumeTasksOf,
  startExecutionOf,
  stateMachineArn,
  stopExecutionsOf,
} from './permissions.ts';
import { type PresentTarget, Registry } from './registry.ts';
import { Service } from './service.ts';
import type { MigrationSettings, Settings } from './settings.ts';

/**
 * App1, user management: the API, to which callers sign their requests, and the workflow that provisions a service user at
 * targets. A parameter for each target contains its addresses; the value is an output of the target's stack.
 */
export class UserManagement extends Service<'app1'> {
  protected override readonly settings: Settings;

  constructor(scope: Construct, id: string, { settings }: { settings: Settings }) {
    super(scope, id, { kind: 'app1', service: APP1, settings });
    this.settings = settings;
    acknowledgeExecutionsOf(this, [names.provisionServiceUser, names.rollBackProvisioning]);
    const registry = new Registry(this, settings.targets);

    const intakeKey = new Key(this, 'IntakeKey', {
      alias: names.intakeKeyAlias,
      description: 'Encrypts passwords at App1 from the request until they are re-encrypted for a target',
      enableKeyRotation: true,
      removalPolicy: settings.removalPolicy,
    });
    const macKey = new Key(this, 'RequestMacKey', {
      description: 'Computes the MACs that identify a repeated request',
      keySpec: KeySpec.HMAC_256,
      keyUsage: KeyUsage.GENERATE_VERIFY_MAC,
      removalPolicy: settings.removalPolicy,
    });
    const audit = new AuditBus(this, 'Audit', {
      busName: names.bus,
      service: APP1,
      deadLetterQueue: this.deadLetterQueue,
      checkedBy: functionNamed('app1', 'sweep-provisionings'),
      settings,
    });

    const machines = {
      STATE_MACHINE_ARN: stateMachineArn(this, names.provisionServiceUser),
      ROLL_BACK_STATE_MACHINE_ARN: stateMachineArn(this, names.rollBackProvisioning),
    };
    const describeExecutions = describeExecutionsOf(
      this,
      names.provisionServiceUser,
      names.rollBackProvisioning,
    );
    const startRollBack = startExecutionOf(this, names.rollBackProvisioning);

    const callbacks = this.#callbacks();
    const callTarget = this.addFunction('CallTarget', {
      name: 'call-target',
      environment: {
        CALLBACKS_TABLE: callbacks.tableName,
        INTAKE_KEY_ARN: intakeKey.keyArn,
        ...registry.environment('api_url', 'client_id', 'secret_arn'),
      },
      permissions: [
        ...registry.targets.flatMap((target) => this.#credentialsOf(target)),
        allow(['dynamodb:UpdateItem'], [callbacks.tableArn]),
        allow(['kms:Decrypt', 'kms:Encrypt'], [intakeKey.keyArn], encryptedFor('task-token')),
        ...resumeTasksOf(this, names.provisionServiceUser),
      ],
      timeout: timeLimits.targetFunction,
      deadLetterQueue: this.deadLetterQueue,
    });
    new Notifications(this, 'Notifications', {
      targets: registry.targets,
      handler: callTarget,
      deadLetterQueue: this.deadLetterQueue,
    });
    const provisioning = new Workflow(this, 'ProvisionServiceUser', {
      stateMachineName: names.provisionServiceUser,
      comment: 'Provisions a service user at each target of a request, and compensates when a step fails',
      timeout: timeLimits.provisioning,
      settings,
      definition: (within) =>
        provisionServiceUser(within, {
          callTarget,
          encryptCredentials: this.addFunction('EncryptCredentials', {
            name: 'encrypt-credentials',
            environment: { INTAKE_KEY_ARN: intakeKey.keyArn, ...registry.environment('key_arn') },
            permissions: [
              allow(['kms:ReEncryptFrom'], [intakeKey.keyArn], encryptedFor('app1')),
              ...registry.targets.map((target) =>
                allow(['kms:ReEncryptTo'], [target.field('key_arn')], encryptedFor(target.name)),
              ),
            ],
          }),
          bus: audit,
        }),
    });

    const rollBack = new Workflow(this, 'RollBackProvisioning', {
      stateMachineName: names.rollBackProvisioning,
      comment: 'Stops a provisioning and removes its user at each target',
      timeout: timeLimits.provisioningRollBack,
      settings,
      definition: (within) =>
        rollBackProvisioning(within, {
          stopProvisioning: this.addFunction('StopProvisioning', {
            name: 'stop-provisioning',
            compensates: 'always',
            environment: machines,
            permissions: [
              describeExecutionsOf(this, names.provisionServiceUser),
              historiesOf(this, names.provisionServiceUser),
              stopExecutionsOf(this, names.provisionServiceUser),
            ],
          }),
          callTarget,
          bus: audit,
        }),
    });
    new AuditEventMetrics(this, 'AuditEventMetrics', { log: audit.logGroup, service: APP1 });
    new StateMachineMetrics(this, 'StateMachineMetrics', {
      logs: [provisioning.logGroup, rollBack.logGroup],
      service: APP1,
    });
    new RollBackWatch(this, 'RollBackWatch', {
      deadLetterQueue: this.deadLetterQueue,
      stateMachine: provisioning.stateMachine,
      startRollBack: this.addFunction('StartRollBack', {
        name: 'start-roll-back',
        compensates: 'always',
        environment: { ...machines, ...this.cleanOutcomes.environment },
        permissions: [
          describeExecutionsOf(this, names.provisionServiceUser),
          startRollBack,
          ...this.cleanOutcomes.permissions,
        ],
        timeout: timeLimits.watchFunction,
        deadLetterQueue: this.deadLetterQueue,
      }),
      sweep: this.addSweep({
        name: 'sweep-provisionings',
        audit,
        environment: (own) => ({ ...machines, ...own }),
        permissions: [
          listExecutionsOf(this, names.provisionServiceUser, names.rollBackProvisioning),
          describeExecutions,
          startRollBack,
        ],
      }),
    });

    const api = new ServiceApi(this, 'ServiceApi', {
      apiName: 'app1-provisioning',
      description: 'App1: provisioning of service users at targets',
      authorization: { authorizationType: AuthorizationType.IAM },
      callers: settings.app1Callers,
      settings,
    });
    const limits = this.#callerLimits();
    const readEstimates = allow(['dynamodb:GetItem'], [callbacks.tableArn]);
    const starting = {
      environment: {
        ...machines,
        ...limits.environment,
        CALLBACKS_TABLE: callbacks.tableName,
        INTAKE_KEY_ARN: intakeKey.keyArn,
        MAC_KEY_ARN: macKey.keyArn,
        API_SCHEME: settings.apiScheme,
      },
      permissions: [
        startExecutionOf(this, names.provisionServiceUser),
        describeExecutions,
        readEstimates,
        limits.permission,
        allow(['kms:Encrypt'], [intakeKey.keyArn], encryptedFor('app1')),
        allow(['kms:GenerateMac'], [macKey.keyArn]),
      ],
      timeout: timeLimits.apiFunction,
    };
    const judging = {
      ...starting,
      environment: {
        ...starting.environment,
        ...registry.environment('password_policy'),
        DEFAULT_TARGETS: settings.defaultTargets.join(),
      },
    };
    const start = this.addFunction('StartProvisioning', { name: 'start-provisioning', ...judging });
    const retry = this.addFunction('RetryProvisioning', {
      name: 'retry-provisioning',
      environment: { ...starting.environment, ...registry.environment() },
      permissions: [
        startExecutionOf(this, names.provisionServiceUser),
        describeExecutions,
        readEstimates,
        limits.permission,
        allow(['kms:ReEncryptFrom'], [intakeKey.keyArn], encryptedFor('app1')),
        allow(['kms:ReEncryptTo'], [intakeKey.keyArn], encryptedFor('app1')),
        allow(['kms:GenerateMac'], [macKey.keyArn]),
      ],
      timeout: timeLimits.apiFunction,
    });
    const get = this.addFunction('GetProvisioning', {
      name: 'get-provisioning',
      environment: {
        ...machines,
        CALLBACKS_TABLE: callbacks.tableName,
        ...limits.environment,
        CALL_TARGET_FUNCTION: callTarget.functionName,
        ...registry.environment(),
      },
      permissions: [
        describeExecutions,
        readEstimates,
        limits.permission,
        historiesOf(this, names.provisionServiceUser, names.rollBackProvisioning),
        allow(['lambda:InvokeFunction'], [callTarget.functionArn]),
      ],
      timeout: timeLimits.apiFunction,
    });
    const cancel = this.addFunction('CancelProvisioning', {
      name: 'cancel-provisioning',
      environment: { ...machines, ...limits.environment, ...registry.environment() },
      permissions: [describeExecutions, startRollBack, limits.permission],
      timeout: timeLimits.apiFunction,
    });
    api.addRoutes(app1Routes, {
      startProvisioning: settings.migration === undefined ? start : this.#route(settings.migration, judging),
      getProvisioning: get,
      cancelProvisioning: cancel,
      retryProvisioning: retry,
    });

    const callsTarget = { service: functionNamed('app1', 'call-target') };
    this.addMonitoring({
      sweep: 'sweep-provisionings',
      workflow: provisioning,
      rollBack,
      compensationStep: 'CancelUserCreation',
      api,
      addAlarms: () => undefined,
      graphs: [
        {
          title: 'Failures by target',
          metrics: [
            everyMetric('provisioningsFailedAtTarget', 'source', [sourceOf('app1')], {
              statistic: Stats.SUM,
            }),
          ],
        },
        {
          title: 'Tokens for targets',
          metrics: [
            ownMetric('targetTokenHits', callsTarget, { statistic: Stats.SUM, label: 'cached token' }),
            ownMetric('targetTokenMisses', callsTarget, { statistic: Stats.SUM, label: 'new sign-in' }),
          ],
        },
      ],
    });
    this.addOutputs(
      {
        ApiUrl: api.url,
        StateMachineArn: provisioning.stateMachine.stateMachineArn,
        RollBackStateMachineArn: rollBack.stateMachine.stateMachineArn,
        EventBusName: audit.bus.eventBusName,
        Targets: registry.output,
      },
      [provisioning.logGroup, rollBack.logGroup, api.accessLog, audit.logGroup],
    );
  }

  /** The function that serves POST instead of `start-provisioning` during a migration, with its resources. */
  #route(
    { phase, legacyEndpoint, legacySecretArn, legacySecretKeyArn }: MigrationSettings,
    starting: Omit<
      ServiceFunctionProps<'app1', 'start-provisioning'>,
      'kind' | 'service' | 'name' | 'settings'
    >,
  ): IFunction {
    const migration = new Migration(this, 'Migration', { phase });
    return this.addFunction('RouteProvisioning', {
      ...starting,
      name: 'route-provisioning',
      environment: {
        ...starting.environment,
        ...migration.environment,
        LEGACY_ENDPOINT: legacyEndpoint,
        LEGACY_SECRET_ARN: legacySecretArn,
      },
      permissions: [
        ...starting.permissions,
        ...migration.permissions,
        allow(['secretsmanager:GetSecretValue'], [legacySecretArn]),
        ...(legacySecretKeyArn === undefined
          ? []
          : [decryptSecret(this, legacySecretArn, legacySecretKeyArn)]),
      ],
      // The function exists only during a migration. A log that remained would block the name of the next one.
      logRemoval: RemovalPolicy.DESTROY,
    });
  }

  /** The callback registry: the task that waits for each creation. */
  #callbacks(): Table {
    const table = new Table(this, 'Callbacks', {
      tableName: names.callbacksTable,
      partitionKey: { name: 'provisioning_id', type: AttributeType.STRING },
      sortKey: { name: 'target', type: AttributeType.STRING },
      billingMode: BillingMode.PAY_PER_REQUEST,
      timeToLiveAttribute: 'expires_at',
      removalPolicy: RemovalPolicy.DESTROY,
    });
    acknowledge(table, {
      'AwsSolutions-DDB3':
        'Best effort: a task that is not resumed times out, and then App1 polls the target.',
    });
    return table;
  }

  /** The rate limiters of the callers' DescribeExecution calls: their table, and their rates per second. */
  #callerLimits() {
    const { describeExecutionsPerSecond, describesPerCaller } = this.settings;
    const table = new Table(this, 'RateLimits', {
      tableName: names.callerLimitsTable,
      partitionKey: { name: 'name', type: AttributeType.STRING },
      billingMode: BillingMode.PAY_PER_REQUEST,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    acknowledge(table, {
      'AwsSolutions-DDB3': 'Best effort: without its items the limiters start from now.',
    });
    const allCallers = describeExecutionsPerSecond * describeExecutionQuota.shares.callers;
    return {
      environment: {
        RATE_LIMITS_TABLE: table.tableName,
        DESCRIBES_PER_SECOND: String(allCallers),
        DESCRIBES_PER_SECOND_AND_CALLER: String(Math.min(describesPerCaller, allCallers)),
      },
      permission: allow(['dynamodb:UpdateItem'], [table.tableArn]),
    };
  }

  /**
   * Permissions to read the credentials of App1 at a target. Within one account, an AWS managed key encrypts the secret and
   * needs no permission. Across accounts, a customer managed key does.
   */
  #credentialsOf(target: PresentTarget): PolicyStatement[] {
    const secretArn = target.field('secret_arn');
    const { partition, region } = Stack.of(this);
    const account = Fn.select(4, Fn.split(':', secretArn));
    const keys = `arn:${partition}:kms:${region}:${account}:key/*`;
    // cdk-nag writes the account as CloudFormation does.
    const inTemplate = JSON.stringify(Stack.of(this).resolve(account));
    acknowledge(this, {
      [`AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:kms:<AWS::Region>:${inTemplate}:key/*]`]:
        'App1 does not know the key that encrypts the secret. The conditions restrict the permission to that secret.',
    });
    return [allow(['secretsmanager:GetSecretValue'], [secretArn]), decryptSecret(this, secretArn, keys)];
  }
}
