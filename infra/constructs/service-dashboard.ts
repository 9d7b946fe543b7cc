import { Duration } from 'aws-cdk-lib';
import {
  AlarmStatusWidget,
  Dashboard,
  GraphWidget,
  type IMetric,
  type IWidget,
  TextWidget,
} from 'aws-cdk-lib/aws-cloudwatch';
import { Construct } from 'constructs';
import { sourceOf } from '../../contracts/events/catalogue.ts';
import { readAlarmText } from '../alarm-text.ts';
import { awsMetric, everyMetric, type MetricOptions, ownMetric, Stats } from '../metrics.ts';
import type { ServiceAlarm } from './service-alarm.ts';
import type { MonitoredService } from './service-alarms.ts';

export interface DashboardProps extends MonitoredService {
  dashboardName: string;
  alarms: readonly ServiceAlarm[];
  /** Names of all functions. */
  functions: readonly string[];
  /** ARN of the state machine that provisions or creates. */
  machineArn: string;
  /** The first step of a compensation. */
  compensationStep: string;
  /** Name of the dead-letter queue. */
  deadLetterQueue: string;
  /** Graphs that only this service has. */
  ownGraphs: readonly Graph[];
}

export interface Graph {
  title: string;
  /** Count by default. */
  unit?: 'Milliseconds' | 'Seconds';
  metrics: readonly IMetric[];
}

const sum = (label?: string): MetricOptions => ({
  statistic: Stats.SUM,
  ...(label === undefined ? {} : { label }),
});
const maximum = (label: string): MetricOptions => ({ statistic: Stats.MAXIMUM, label });

/** The dashboard of a service: its alarms and runbooks, and graphs of provisionings, steps, roll-backs and the API. */
export class ServiceDashboard extends Construct {
  constructor(scope: Construct, id: string, props: DashboardProps) {
    super(scope, id);
    const rows = inRows([
      ...provisioningGraphs(props),
      ...stepGraphs(props),
      ...rollBackGraphs(props),
      ...apiGraphs(props),
      ...props.ownGraphs,
    ]);
    new Dashboard(this, 'Dashboard', {
      dashboardName: props.dashboardName,
      defaultInterval: Duration.hours(3),
      widgets: [
        [new TextWidget({ markdown: runbooksMarkdown(props), width: 24, height: 4 })],
        [new AlarmStatusWidget({ title: 'Alarms', alarms: [...props.alarms], width: 24, height: 4 })],
        ...rows,
      ],
    });
  }
}

/** Each runbook with its alarms, in Markdown. */
function runbooksMarkdown({ service, alarms }: DashboardProps): string {
  const namesByRunbook = new Map<string, string[]>();
  for (const { alarmName, description } of alarms.map(textOf)) {
    const { runbook } = description;
    namesByRunbook.set(runbook, [...(namesByRunbook.get(runbook) ?? []), alarmName]);
  }
  const links = [...namesByRunbook].map(([url, names]) => {
    const title = /([^/]+)\.md$/.exec(url)?.[1]?.replaceAll('-', ' ') ?? url;
    return `- [${title}](${url}): ${names.join(', ')}`;
  });
  return [
    `## Operations of ${service}`,
    'Run `npx provision doctor` first. Runbooks and their alarms:',
    ...links,
  ].join('\n');
}

function textOf(alarm: ServiceAlarm) {
  const description = readAlarmText(alarm.text.alarmDescription);
  if (description === undefined)
    throw new Error(`${alarm.node.path} has no description in the form of alarm-text.ts.`);
  return { alarmName: alarm.text.alarmName ?? alarm.node.id, description };
}

function provisioningGraphs({ service, machineArn }: DashboardProps): Graph[] {
  const source = sourceOf(service);
  const executions = (
    name: 'ExecutionsStarted' | 'ExecutionsSucceeded' | 'ExecutionsFailed' | 'ExecutionsTimedOut',
  ) => awsMetric('AWS/States', name, { StateMachineArn: machineArn }, sum(name));
  return [
    {
      title: 'Executions',
      metrics: [
        executions('ExecutionsStarted'),
        executions('ExecutionsSucceeded'),
        executions('ExecutionsFailed'),
        executions('ExecutionsTimedOut'),
      ],
    },
    {
      title: 'Finished provisionings by outcome',
      metrics: [everyMetric('provisioningsFinished', 'source', [source], sum())],
    },
    { title: 'Failures by code', metrics: [everyMetric('provisioningsFailed', 'source', [source], sum())] },
    {
      title: 'Failures by category',
      metrics: [
        ownMetric('callerFailures', { source }, sum('caller')),
        ownMetric('dependencyFailures', { source }, sum('dependency: AWS or the other service')),
        ownMetric('systemFailures', { source }, sum('this system')),
        ownMetric('interventionFailures', { source }, sum('manual intervention')),
      ],
    },
  ];
}

function stepGraphs({ functions, machineArn }: DashboardProps): Graph[] {
  return [
    {
      title: 'Duration of executions',
      unit: 'Milliseconds',
      metrics: (['p50', 'p95', 'p99'] as const).map((statistic) =>
        awsMetric(
          'AWS/States',
          'ExecutionTime',
          { StateMachineArn: machineArn },
          { statistic, label: statistic },
        ),
      ),
    },
    {
      title: 'Duration of attempts by step (p95)',
      unit: 'Milliseconds',
      metrics: [everyMetric('stepDuration', 'service', functions, { statistic: 'p95' })],
    },
    {
      title: 'Failed attempts by error',
      metrics: [everyMetric('stepFailures', 'service', functions, sum())],
    },
    { title: 'Retries', metrics: [everyMetric('stepRetries', 'service', functions, sum())] },
  ];
}

function rollBackGraphs({
  service,
  sweep,
  rollBackMachineArn,
  compensationStep,
  deadLetterQueue,
}: DashboardProps): Graph[] {
  const source = sourceOf(service);
  const rollBacks = (name: 'ExecutionsStarted' | 'ExecutionsFailed' | 'ExecutionsTimedOut', label: string) =>
    awsMetric('AWS/States', name, { StateMachineArn: rollBackMachineArn }, sum(label));
  return [
    {
      title: 'Roll-backs',
      metrics: [
        ownMetric('rollBacksStarted', { service, step: compensationStep }, sum('compensations started')),
        ownMetric('rollBacksFailed', { source }, sum('compensations that exhausted their retries')),
        rollBacks('ExecutionsStarted', 'roll-back executions'),
        rollBacks('ExecutionsFailed', 'roll-back executions failed'),
        rollBacks('ExecutionsTimedOut', 'roll-back executions timed out'),
      ],
    },
    {
      title: 'Age of the oldest running execution',
      unit: 'Seconds',
      metrics: [ownMetric('oldestRunningAge', { service: sweep }, maximum('age'))],
    },
    {
      title: 'Sweep',
      metrics: [
        ownMetric('sweepCompleted', { service: sweep }, sum('runs')),
        ownMetric('sweepRollBacksStarted', { service: sweep }, sum('roll-backs started by the sweep')),
        ownMetric('sweepRemaining', { service: sweep }, maximum('unfinished executions')),
        ownMetric('auditBusBroken', { service: sweep }, maximum('audit bus broken (1) or not (0)')),
      ],
    },
    {
      title: 'Failed attempts to publish, and dead-letter messages',
      metrics: [
        ownMetric('eventsNotPublished', { service }, sum('failed attempts to publish')),
        awsMetric(
          'AWS/SQS',
          'ApproximateNumberOfMessagesVisible',
          { QueueName: deadLetterQueue },
          maximum('dead-letter messages'),
        ),
      ],
    },
  ];
}

function apiGraphs({ api }: DashboardProps): Graph[] {
  const dimensions = { ApiName: api.name, Stage: api.stage };
  return [
    {
      title: 'API responses',
      metrics: (['Count', '4XXError', '5XXError'] as const).map((name) =>
        awsMetric('AWS/ApiGateway', name, dimensions, sum(name)),
      ),
    },
    {
      title: 'API latency',
      unit: 'Milliseconds',
      metrics: (['p50', 'p99'] as const).map((statistic) =>
        awsMetric('AWS/ApiGateway', 'Latency', dimensions, { statistic, label: statistic }),
      ),
    },
    {
      title: 'Lambda, all functions of the account',
      metrics: [
        awsMetric('AWS/Lambda', 'ConcurrentExecutions', {}, maximum('concurrent executions')),
        awsMetric('AWS/Lambda', 'Throttles', {}, sum('throttles')),
      ],
    },
  ];
}

const GRAPHS_PER_ROW = 3;

function inRows(graphs: readonly Graph[]): IWidget[][] {
  const widgets = graphs.map(
    ({ title, unit = 'Count', metrics }) =>
      new GraphWidget({
        title,
        left: [...metrics],
        leftYAxis: { min: 0, label: unit, showUnits: false },
        width: 24 / GRAPHS_PER_ROW,
      }),
  );
  const rows: IWidget[][] = [];
  for (let from = 0; from < widgets.length; from += GRAPHS_PER_ROW)
    rows.push(widgets.slice(from, from + GRAPHS_PER_ROW));
  return rows;
}
