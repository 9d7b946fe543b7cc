import {
  type CfnCondition,
  CfnParameter,
  Fn,
  RemovalPolicy,
  type StackProps,
  Validations,
} from 'aws-cdk-lib';
import { AuthorizationType } from 'aws-cdk-lib/aws-apigateway';
import { AttributeType, BillingMode, Table } from 'aws-cdk-lib/aws-dynamodb';
import type { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Key, KeySpec, KeyUsage } from 'aws-cdk-lib/aws-kms';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { Construct } from 'constructs';
import { eventSources } from '../contracts/events/catalogue.ts';
import { describeExecutionQuota } from '../contracts/quotas.ts';
import { app1Routes } from '../contracts/routes.ts';
import { timeLimits } from '../contracts/time-limits.ts';
import { provisionServiceUser } from '../workflows/app1/provision-service-user.ts';
import { rollBackProvisioning } from '../workflows/app1/roll-back-provisioning.ts';
import { acknowledge, acknowledgeExecutionsOf } from './checks.ts';
import { AuditBus } from './constructs/audit-bus.ts';
import { FactMetrics, MachineMetrics } from './constructs/log-metrics.ts';
import { Notifications } from './constructs/notifications.ts';
import { RollBackWatch } from './constructs/roll-back-watch.ts';
import { ServiceApi } from './constructs/service-api.ts';
import type { ServiceFunctionProps } from './constructs/service-function.ts';
import { Workflow } from './constructs/workflow.ts';
import { ownMetric, Stats } from './metrics.ts';
import { Migration } from './migration/migration.ts';
import { functionNamed } from './names.ts';
import {
  allow,
  decryptSecret,
  describeExecutionsOf,
  historiesOf,
  listExecutionsOf,
  resumeTasksOf,
  sealedFor,
  startExecutionOf,
  stateMachineArn,
  stopExecutionsOf,
} from './permissions.ts';
import { ServiceStack } from './service-stack.ts';
import { type MigrationSettings, names, type Settings } from './settings.ts';

/** A switch of a function that a condition of the template turns. */
const onIf = ({ logicalId }: CfnCondition) => Fn.conditionIf(logicalId, 'on', 'off').toString() as 'on'; // a token that becomes one of the two

/**
 * App1, user management: the API that callers sign requests to, and the workflow that has a service user made at
 * App2. What it knows of App2 are parameters, whose values App2's team hands over.
 */
export class App1Stack extends ServiceStack<'app1'> {
  constructor(scope: Construct, id: string, props: StackProps & { settings: Settings }) {
    super(scope, id, 'app1', props);
    const { settings } = props;
    acknowledgeExecutionsOf(this, [names.provisionServiceUser, names.rollBackProvisioning]);
    const app2 = this.#app2();

    const intakeKey = new Key(this, 'IntakeKey', {
      alias: names.intakeKeyAlias,
      description: 'Seals passwords from their arrival at App1 until they are moved to the key of App2',
      enableKeyRotation: true,
      removalPolicy: settings.removalPolicy,
    });
    const macKey = new Key(this, 'RequestMacKey', {
      description: 'Makes the MACs by which a repeated request is recognised',
      keySpec: KeySpec.HMAC_256,
      keyUsage: KeyUsage.GENERATE_VERIFY_MAC,
      removalPolicy: settings.removalPolicy,
    });
    const audit = new AuditBus(this, 'Audit', {
      busName: names.app1Bus,
      source: eventSources.app1,
      deadLetterQueue: this.deadLetterQueue,
      watchedBy: functionNamed('app1', 'sweep-provisionings'),
      settings,
    });

    const machines = {
      STATE_MACHINE_ARN: stateMachineArn(this, names.provisionServiceUser),
      ROLL_BACK_STATE_MACHINE_ARN: stateMachineArn(this, names.rollBackProvisioning),
    };
    const look = describeExecutionsOf(this, names.provisionServiceUser, names.rollBackProvisioning);
    const startRollBack = startExecutionOf(this, names.rollBackProvisioning);

    const callbacks = this.#callbacks();
    const notifications = new Notifications(this, 'Notifications');
    const callApp2 = this.addFunction('CallApp2', {
      name: 'call-app2',
      environment: {
        APP2_NOTIFICATIONS: onIf(notifications.arrive),
        CALLBACKS_TABLE: callbacks.tableName,
        INTAKE_KEY_ARN: intakeKey.keyArn,
        APP2_API_URL: app2.apiUrl,
        APP2_CLIENT_ID: app2.clientId,
        APP2_SECRET_ARN: app2.secretArn,
      },
      permissions: [
        allow(['secretsmanager:GetSecretValue'], [app2.secretArn]),
        allow(['dynamodb:UpdateItem'], [callbacks.tableArn]),
        allow(['kms:Decrypt', 'kms:Encrypt'], [intakeKey.keyArn], sealedFor('task-token')),
        ...resumeTasksOf(this, names.provisionServiceUser),
        ...this.#rightsOnSecretKey(app2.secretArn),
      ],
      timeout: timeLimits.app2Function,
      deadLetterQueue: this.deadLetterQueue,
    });
    notifications.deliverTo({
      handler: callApp2,
      deadLetterQueue: this.deadLetterQueue,
      otherAccount: settings.app2Account,
    });
    const provisioning = new Workflow(this, 'ProvisionServiceUser', {
      stateMachineName: names.provisionServiceUser,
      comment: 'Has a service user made at App2 and undoes it there when a step fails',
      timeout: timeLimits.provisioning,
      settings,
      definition: (within) =>
        provisionServiceUser(within, {
          callApp2,
          encryptCredentials: this.addFunction('EncryptCredentials', {
            name: 'encrypt-credentials',
            environment: { INTAKE_KEY_ARN: intakeKey.keyArn, APP2_KEY_ARN: app2.keyArn },
            permissions: [
              allow(['kms:ReEncryptFrom'], [intakeKey.keyArn], sealedFor('app1')),
              allow(['kms:ReEncryptTo'], [app2.keyArn], sealedFor('app2')),
            ],
          }),
          bus: audit.bus,
        }),
    });

    const rollBack = new Workflow(this, 'RollBackProvisioning', {
      stateMachineName: names.rollBackProvisioning,
      comment: 'Stops a provisioning and has its user removed at App2',
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
          callApp2,
          bus: audit.bus,
        }),
    });
    new FactMetrics(this, 'FactMetrics', { log: audit.logGroup, source: eventSources.app1 });
    new MachineMetrics(this, 'MachineMetrics', {
      logs: [provisioning.logGroup, rollBack.logGroup],
      eventsNotPublished: 'app1EventsNotPublished',
    });
    new RollBackWatch(this, 'RollBackWatch', {
      deadLetterQueue: this.deadLetterQueue,
      stateMachine: provisioning.stateMachine,
      rollBackFailed: this.addFunction('StartRollBack', {
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
          look,
          startRollBack,
        ],
      }),
    });

    const api = new ServiceApi(this, 'ServiceApi', {
      apiName: 'app1-provisioning',
      description: 'App1: provisioning of service users at App2',
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
        look,
        readEstimates,
        limits.right,
        allow(['kms:Encrypt'], [intakeKey.keyArn], sealedFor('app1')),
        allow(['kms:GenerateMac'], [macKey.keyArn]),
      ],
      timeout: timeLimits.apiFunction,
    };
    const judging = {
      ...starting,
      environment: { ...starting.environment, PASSWORD_POLICY: app2.passwordPolicy },
    };
    const start = this.addFunction('StartProvisioning', { name: 'start-provisioning', ...judging });
    const retry = this.addFunction('RetryProvisioning', {
      name: 'retry-provisioning',
      environment: starting.environment,
      permissions: [
        startExecutionOf(this, names.provisionServiceUser),
        look,
        readEstimates,
        limits.right,
        allow(['kms:ReEncryptFrom'], [intakeKey.keyArn], sealedFor('app1')),
        allow(['kms:ReEncryptTo'], [intakeKey.keyArn], sealedFor('app1')),
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
        CALL_APP2_FUNCTION: callApp2.functionName,
      },
      permissions: [
        look,
        readEstimates,
        limits.right,
        historiesOf(this, names.provisionServiceUser, names.rollBackProvisioning),
        allow(['lambda:InvokeFunction'], [callApp2.functionArn]),
      ],
      timeout: timeLimits.apiFunction,
    });
    const cancel = this.addFunction('CancelProvisioning', {
      name: 'cancel-provisioning',
      environment: { ...machines, ...limits.environment },
      permissions: [look, startRollBack, limits.right],
      timeout: timeLimits.apiFunction,
    });
    api.serve(app1Routes, {
      startProvisioning: settings.migration === undefined ? start : this.#route(settings.migration, judging),
      getProvisioning: get,
      cancelProvisioning: cancel,
      retryProvisioning: retry,
    });

    const callsApp2 = { service: functionNamed('app1', 'call-app2') };
    this.operate({
      sweep: 'sweep-provisionings',
      workflow: provisioning,
      rollBack,
      compensationStep: 'CancelUserCreation',
      api,
      alarms: () => undefined,
      graphs: [
        {
          title: 'Tokens for App2',
          metrics: [
            ownMetric('app2TokenHits', callsApp2, { statistic: Stats.SUM, label: 'had one' }),
            ownMetric('app2TokenMisses', callsApp2, { statistic: Stats.SUM, label: 'signed in for one' }),
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
      },
      [provisioning.logGroup, rollBack.logGroup, api.accessLog, audit.logGroup],
    );
  }

  /** What answers in place of `start-provisioning` while a legacy endpoint is being replaced, with all that this needs. */
  #route(
    { phase, legacyEndpoint, legacySecretArn, legacySecretKeyArn }: MigrationSettings,
    starting: Omit<ServiceFunctionProps<'app1', 'start-provisioning'>, 'service' | 'name' | 'settings'>,
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
      // It comes and goes with the migration, and a log that stayed behind would have its name.
      logRemoval: RemovalPolicy.DESTROY,
    });
  }

  /** Which tasks wait for which creations; of no use once they have finished. */
  #callbacks(): Table {
    const table = new Table(this, 'Callbacks', {
      tableName: names.callbacksTable,
      partitionKey: { name: 'provisioning_id', type: AttributeType.STRING },
      billingMode: BillingMode.PAY_PER_REQUEST,
      timeToLiveAttribute: 'expires_at',
      removalPolicy: RemovalPolicy.DESTROY,
    });
    acknowledge(table, {
      'AwsSolutions-DDB3':
        'Best effort: a task that is not resumed reaches its time limit, and then App1 asks App2.',
    });
    return table;
  }

  /** How many executions callers may have described: where that is counted, and by what rates. */
  #callerLimits() {
    const { describeExecutionsPerSecond, describesPerCaller } = this.settings;
    const table = new Table(this, 'RateLimits', {
      tableName: names.callerLimitsTable,
      partitionKey: { name: 'name', type: AttributeType.STRING },
      billingMode: BillingMode.PAY_PER_REQUEST,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    acknowledge(table, {
      'AwsSolutions-DDB3': 'What is lost begins anew: a limit starts from now.',
    });
    const together = describeExecutionsPerSecond * describeExecutionQuota.shares.callers;
    return {
      environment: {
        RATE_LIMITS_TABLE: table.tableName,
        DESCRIBES_PER_SECOND: String(together),
        DESCRIBES_PER_SECOND_AND_CALLER: String(Math.min(describesPerCaller, together)),
      },
      right: allow(['dynamodb:UpdateItem'], [table.tableArn]),
    };
  }

  /** In one account AWS's own key encrypts the secret and needs no right; one that is shared across accounts does. */
  #rightsOnSecretKey(secretArn: string): PolicyStatement[] {
    const { app2Account } = this.settings;
    if (app2Account === undefined) return [];
    acknowledge(this, {
      [`AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:kms:<AWS::Region>:${app2Account}:key/*]`]:
        'App1 is not told which key encrypts the secret; by the conditions the right is about that one secret.',
    });
    return [decryptSecret(this, secretArn, `arn:${this.partition}:kms:${this.region}:${app2Account}:key/*`)];
  }

  /** What App2's team hands over; the values are outputs of App2's stack. */
  #app2() {
    Validations.of(this).acknowledge({
      id: 'CloudFormation-Validate::W2509',
      reason: 'The parameter holds the address of a secret, not the secret',
    });
    const parameter = (id: string, description: string) =>
      new CfnParameter(this, id, { description }).valueAsString;
    return {
      apiUrl: parameter('App2ApiUrl', "Address of App2's API, with its stage (App2's output ApiUrl)"),
      clientId: parameter(
        'App2ClientId',
        "App client of App2's pool for machines (App2's output MachineClientId)",
      ),
      keyArn: parameter('App2KeyArn', 'Key that seals passwords for App2 (its output KeyArn)'),
      secretArn: parameter(
        'App2SecretArn',
        "Secret with App1's credentials at App2 (its output CredentialsSecretArn)",
      ),
      passwordPolicy: parameter(
        'App2PasswordPolicy',
        'Password policy of the user pool of App2, in JSON (its output PasswordPolicy)',
      ),
    };
  }
}
