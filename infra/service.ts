import { CfnOutput, Fn, Lazy, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { AttributeType, BillingMode, Table } from 'aws-cdk-lib/aws-dynamodb';
import type { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { ILogGroup } from 'aws-cdk-lib/aws-logs';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { describeExecutionQuota } from '../contracts/quotas.ts';
import { type ServiceKind, serviceName } from '../contracts/services.ts';
import { timeLimits } from '../contracts/time-limits.ts';
import { acknowledge, checkPartition } from './checks.ts';
import { AlarmTopic } from './constructs/alarm-topic.ts';
import type { AuditBus } from './constructs/audit-bus.ts';
import { DeadLetterQueue } from './constructs/dead-letter-queue.ts';
import { ServiceAlarm } from './constructs/service-alarm.ts';
import { ServiceAlarms } from './constructs/service-alarms.ts';
import type { ServiceApi } from './constructs/service-api.ts';
import { type Graph, ServiceDashboard } from './constructs/service-dashboard.ts';
import {
  type FunctionName,
  ServiceFunction,
  type ServiceFunctionProps,
} from './constructs/service-function.ts';
import type { Workflow } from './constructs/workflow.ts';
import {
  alarmTopic,
  dashboardOf,
  deadLetterAlarm,
  deadLetterQueueName,
  functionNamed,
  sweepTable,
} from './names.ts';
import { allow } from './permissions.ts';
import type { ServiceSettings } from './service-settings.ts';

interface ServiceProps<S extends ServiceKind> {
  kind: S;
  /** Name of the service. */
  service: string;
  settings: ServiceSettings;
}

/** The environment variables of every sweep, beside the ARNs of its state machines. */
type SweepEnvironment = Record<
  'SWEEP_TABLE' | 'DESCRIBES_PER_SECOND' | 'EVENT_BUS_NAME' | 'LOG_RULE_NAME',
  string
>;

/** The resources of a service that are monitored. */
interface MonitoredResources<S extends ServiceKind> {
  /** Name of the sweep function. */
  sweep: FunctionName<S>;
  workflow: Workflow;
  rollBack: Workflow;
  /** The first step of a compensation. */
  compensationStep: string;
  api: ServiceApi;
  /** Adds the alarms that only this service has. */
  addAlarms: (alarms: ServiceAlarms) => void;
  /** Graphs that only this service has. */
  graphs: readonly Graph[];
}

/** What App1 and every target have: dead-letter queue, functions, sweep, monitoring and outputs. */
export abstract class Service<S extends ServiceKind> extends Construct {
  /** Name of the service. */
  readonly service: string;
  protected readonly settings: ServiceSettings;
  readonly #kind: S;
  readonly #functions: string[] = [];
  readonly #logGroups: ILogGroup[] = [];
  readonly #sweepTable: Table;
  /** Receives events that EventBridge could not deliver or that a function failed to process. */
  protected readonly deadLetterQueue: Queue;

  constructor(scope: Construct, id: string, { kind, service, settings }: ServiceProps<S>) {
    super(scope, id);
    const { region, stackName } = Stack.of(this);
    checkPartition(region);
    this.service = serviceName.parse(service);
    this.settings = settings;
    this.#kind = kind;
    this.#sweepTable = this.#addSweepTable();
    this.deadLetterQueue = new DeadLetterQueue(this, 'DeadLetterQueue', {
      queueName: deadLetterQueueName(service),
      alarmName: deadLetterAlarm(service),
      condition: `EventBridge could not deliver an event of ${stackName}, or a function of ${stackName} failed to process one.`,
      firstCommand: `npm run redrive -- ${service} --dry-run`,
      runbooks: settings.runbooks,
      removalPolicy: settings.removalPolicy,
    }).queue;
  }

  /** The state of the sweep: its high-water marks, and the executions with a clean outcome. */
  #addSweepTable(): Table {
    const table = new Table(this, 'SweepTable', {
      tableName: sweepTable(this.service),
      partitionKey: { name: 'id', type: AttributeType.STRING },
      billingMode: BillingMode.PAY_PER_REQUEST,
      timeToLiveAttribute: 'expires_at',
      removalPolicy: RemovalPolicy.DESTROY,
    });
    acknowledge(table, {
      'AwsSolutions-DDB3': 'Without its high-water marks, the sweep starts with the oldest execution again.',
    });
    return table;
  }

  /** Adds one of the service's functions. */
  protected addFunction<N extends FunctionName<S>>(
    id: string,
    props: Omit<ServiceFunctionProps<S, N>, 'kind' | 'service' | 'settings'>,
  ): IFunction {
    const serviceFunction = new ServiceFunction(this, id, {
      kind: this.#kind,
      service: this.service,
      settings: this.settings,
      ...props,
    });
    this.#functions.push(functionNamed(this.service, props.name));
    this.#logGroups.push(serviceFunction.logGroup);
    return serviceFunction.function;
  }

  /** Environment and permissions of a function that records clean outcomes for the sweep. */
  protected get cleanOutcomes(): { environment: { SWEEP_TABLE: string }; permissions: PolicyStatement[] } {
    const { tableName, tableArn } = this.#sweepTable;
    return {
      environment: { SWEEP_TABLE: tableName },
      permissions: [allow(['dynamodb:PutItem'], [tableArn])],
    };
  }

  /** Adds the service's sweep, which also checks its bus. */
  protected addSweep<N extends FunctionName<S>>({
    audit,
    ...props
  }: Omit<ServiceFunctionProps<S, N>, 'kind' | 'service' | 'settings' | 'timeout' | 'environment'> & {
    environment: (own: SweepEnvironment) => ServiceFunctionProps<S, N>['environment'];
    audit: AuditBus;
  }): IFunction {
    const { tableName, tableArn } = this.#sweepTable;
    return this.addFunction('Sweep', {
      ...props,
      environment: props.environment({
        SWEEP_TABLE: tableName,
        DESCRIBES_PER_SECOND: String(
          this.settings.describeExecutionsPerSecond * describeExecutionQuota.shares.sweep,
        ),
        EVENT_BUS_NAME: audit.bus.eventBusName,
        LOG_RULE_NAME: audit.logRule.ruleName,
      }),
      permissions: [
        ...props.permissions,
        allow(['dynamodb:BatchGetItem', 'dynamodb:GetItem', 'dynamodb:PutItem'], [tableArn]),
        allow(['events:DescribeEventBus'], [audit.bus.eventBusArn]),
        allow(['events:DescribeRule'], [audit.logRule.ruleArn]),
      ],
      timeout: timeLimits.sweepFunction,
      compensates: 'sweep',
      deadLetterQueue: this.deadLetterQueue,
    });
  }

  /** Adds alarms, their topic and the dashboard. Call it after all other resources were added. */
  protected addMonitoring({
    sweep,
    workflow,
    rollBack,
    compensationStep,
    api,
    addAlarms,
    graphs,
  }: MonitoredResources<S>): void {
    const monitored = {
      kind: this.#kind,
      service: this.service,
      sweep: functionNamed(this.service, sweep),
      rollBackMachineArn: rollBack.stateMachine.stateMachineArn,
      api: { name: api.name, stage: api.stage },
      settings: this.settings,
    };
    addAlarms(new ServiceAlarms(this, 'Alarms', monitored));
    const topic = new AlarmTopic(this, 'AlarmTopic', {
      topicName: alarmTopic(this.service),
      settings: this.settings,
    });
    topic.subscribe(this);
    new ServiceDashboard(this, 'Operations', {
      ...monitored,
      dashboardName: dashboardOf(this.service, Stack.of(this).region),
      alarms: this.node.findAll().filter((each) => each instanceof ServiceAlarm),
      functions: this.#functions,
      machineArn: workflow.stateMachine.stateMachineArn,
      compensationStep,
      deadLetterQueue: deadLetterQueueName(this.service),
      ownGraphs: graphs,
    });
    this.#addOutput('AlarmTopicArn', topic.topic.topicArn);
  }

  /** Adds stack outputs, with the names of all log groups: those of the functions and `logGroups`. */
  protected addOutputs(values: Record<string, string>, logGroups: readonly ILogGroup[]): void {
    this.#logGroups.push(...logGroups);
    for (const [name, value] of Object.entries(values)) this.#addOutput(name, value);
    // A function that is added later is in the list, too.
    const names = () =>
      Fn.join(
        ',',
        this.#logGroups.map(({ logGroupName }) => logGroupName),
      );
    this.#addOutput('LogGroups', Lazy.string({ produce: names }));
  }

  /** Adds a log group to the output `LogGroups`. */
  protected addLogGroup(logGroup: ILogGroup): void {
    this.#logGroups.push(logGroup);
  }

  /** An output whose logical id is the path of this construct, without `Default`, and the name: `UsersApiUrl`. */
  #addOutput(name: string, value: string): void {
    const path = this.node.scopes
      .slice(this.node.scopes.indexOf(Stack.of(this)) + 1)
      .map(({ node }) => node.id);
    const prefix = path
      .filter((id) => id !== 'Default')
      .join('')
      .replace(/[^A-Za-z0-9]/g, '');
    new CfnOutput(this, name, { value }).overrideLogicalId(`${prefix}${name}`);
  }
}
