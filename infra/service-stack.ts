import { CfnOutput, Fn, RemovalPolicy, Stack, type StackProps } from 'aws-cdk-lib';
import { AttributeType, BillingMode, Table } from 'aws-cdk-lib/aws-dynamodb';
import type { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { ILogGroup } from 'aws-cdk-lib/aws-logs';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import { describeExecutionQuota } from '../contracts/quotas.ts';
import type { Service } from '../contracts/services.ts';
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
import type { Settings } from './settings.ts';

interface ServiceStackProps extends StackProps {
  settings: Settings;
}

/** What every sweep needs to know beside the machines of its service. */
type SweepEnvironment = Record<
  'SWEEP_TABLE' | 'DESCRIBES_PER_SECOND' | 'EVENT_BUS_NAME' | 'LOG_RULE_NAME',
  string
>;

/** What is watched over, beside what each service has alike. */
interface Operated<S extends Service> {
  /** The function that sweeps. */
  sweep: FunctionName<S>;
  workflow: Workflow;
  rollBack: Workflow;
  /** Step of the machines by which an undo begins. */
  compensationStep: string;
  api: ServiceApi;
  /** Adds alarms of the service's own. */
  alarms: (to: ServiceAlarms) => void;
  /** Graphs of the service's own. */
  graphs: readonly Graph[];
}

/** What the stacks of both services have in common: their functions, and what they put out. */
export abstract class ServiceStack<S extends Service> extends Stack {
  protected readonly settings: Settings;
  readonly #service: S;
  readonly #functions: string[] = [];
  readonly #functionLogs: ILogGroup[] = [];
  readonly #sweepTable: Table;
  /** Dead-letter queue of the service: what EventBridge could not deliver, and what a function could not handle. */
  protected readonly deadLetterQueue: Queue;

  constructor(scope: Construct, id: string, service: S, { settings, ...props }: ServiceStackProps) {
    super(scope, id, props);
    checkPartition(this.region);
    this.#service = service;
    this.settings = settings;
    this.#sweepTable = this.#addSweepTable();
    this.deadLetterQueue = new DeadLetterQueue(this, 'DeadLetterQueue', {
      queueName: deadLetterQueueName(service),
      alarmName: deadLetterAlarm(service),
      happened: `EventBridge could not deliver something to ${id}, or a function could not handle it.`,
      first: `npm run redrive -- ${service} --dry-run`,
      runbooks: settings.runbooks,
      removalPolicy: settings.removalPolicy,
    }).queue;
  }

  /** What the sweep knows: its high-water marks, and the outcomes that are known to be clean. */
  #addSweepTable(): Table {
    const table = new Table(this, 'SweepTable', {
      tableName: sweepTable(this.#service),
      partitionKey: { name: 'id', type: AttributeType.STRING },
      billingMode: BillingMode.PAY_PER_REQUEST,
      timeToLiveAttribute: 'expires_at',
      removalPolicy: RemovalPolicy.DESTROY,
    });
    acknowledge(table, {
      'AwsSolutions-DDB3':
        'What is lost is read again: without its marks the sweep begins with the oldest execution.',
    });
    return table;
  }

  /** Adds one of the service's functions. */
  protected addFunction<N extends FunctionName<S>>(
    id: string,
    props: Omit<ServiceFunctionProps<S, N>, 'service' | 'settings'>,
  ): IFunction {
    const made = new ServiceFunction(this, id, {
      service: this.#service,
      settings: this.settings,
      ...props,
    });
    this.#functions.push(functionNamed(this.#service, props.name));
    this.#functionLogs.push(made.logGroup);
    return made.function;
  }

  /** The table of the sweep as the function of the rule on status changes needs it. */
  protected get cleanOutcomes(): { environment: { SWEEP_TABLE: string }; permissions: PolicyStatement[] } {
    const { tableName, tableArn } = this.#sweepTable;
    return {
      environment: { SWEEP_TABLE: tableName },
      permissions: [allow(['dynamodb:PutItem'], [tableArn])],
    };
  }

  /** The service's sweep, which also watches its bus. */
  protected addSweep<N extends FunctionName<S>>({
    audit,
    ...props
  }: Omit<ServiceFunctionProps<S, N>, 'service' | 'settings' | 'timeout' | 'environment'> & {
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

  /** Watches over all of it: alarms, where they go, and a dashboard. To be called when everything else is there. */
  protected operate({ sweep, workflow, rollBack, compensationStep, api, alarms, graphs }: Operated<S>): void {
    const watched = {
      service: this.#service,
      sweep: functionNamed(this.#service, sweep),
      rollBackMachineArn: rollBack.stateMachine.stateMachineArn,
      api: { name: api.name, stage: api.stage },
      settings: this.settings,
    };
    alarms(new ServiceAlarms(this, 'Alarms', watched));
    const topic = new AlarmTopic(this, 'AlarmTopic', {
      topicName: alarmTopic(this.#service),
      settings: this.settings,
    });
    topic.hear(this);
    new ServiceDashboard(this, 'Operations', {
      ...watched,
      dashboardName: dashboardOf(this.#service, this.region),
      alarms: this.node.findAll().filter((each) => each instanceof ServiceAlarm),
      functions: this.#functions,
      machineArn: workflow.stateMachine.stateMachineArn,
      compensationStep,
      deadLetterQueue: deadLetterQueueName(this.#service),
      more: graphs,
    });
    new CfnOutput(this, 'AlarmTopicArn', { value: topic.topic.topicArn });
  }

  /** Puts values out for whoever deploys, with the names of all logs: those of the functions and `logGroups`. */
  protected addOutputs(values: Record<string, string>, logGroups: ILogGroup[]): void {
    const logs = [...this.#functionLogs, ...logGroups].map(({ logGroupName }) => logGroupName);
    for (const [name, value] of Object.entries({ ...values, LogGroups: Fn.join(',', logs) }))
      new CfnOutput(this, name, { value });
  }
}
