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
import { eventSources } from '../../contracts/events/catalogue.ts';
import { readAlarmText } from '../alarm-text.ts';
import { awsMetric, everyMetric, type MetricOptions, ownMetric, Stats } from '../metrics.ts';
import type { ServiceAlarm } from './service-alarm.ts';
import type { Watched } from './service-alarms.ts';

export interface Shown extends Watched {
  dashboardName: string;
  alarms: readonly ServiceAlarm[];
  /** Names of all functions. */
  functions: readonly string[];
  /** ARN of the machine that provisions or creates. */
  machineArn: string;
  /** Step of the machines by which an undo begins. */
  compensationStep: string;
  /** Name of the queue of what could not be delivered. */
  deadLetterQueue: string;
  /** Graphs that the other service does not have. */
  more: readonly Graph[];
}

export interface Graph {
  title: string;
  /** Counts, unless milliseconds or seconds. */
  unit?: 'Milliseconds' | 'Seconds';
  metrics: readonly IMetric[];
}

const sum = (label?: string): MetricOptions => ({
  statistic: Stats.SUM,
  ...(label === undefined ? {} : { label }),
});
const highest = (label: string): MetricOptions => ({ statistic: Stats.MAXIMUM, label });

/** All of a service on one page: what it is asked for, how that ends, what it waits for, and what is in alarm. */
export class ServiceDashboard extends Construct {
  constructor(scope: Construct, id: string, shown: Shown) {
    super(scope, id);
    const rows = inRows([
      ...provisionings(shown),
      ...steps(shown),
      ...undoing(shown),
      ...apiGraphs(shown),
      ...shown.more,
    ]);
    new Dashboard(this, 'Dashboard', {
      dashboardName: shown.dashboardName,
      defaultInterval: Duration.hours(3),
      widgets: [
        [new TextWidget({ markdown: runbooksOf(shown), width: 24, height: 4 })],
        [new AlarmStatusWidget({ title: 'Alarms', alarms: [...shown.alarms], width: 24, height: 4 })],
        ...rows,
      ],
    });
  }
}

/** Each runbook with the alarms that lead to it. */
function runbooksOf({ service, alarms }: Shown): string {
  const led = new Map<string, string[]>();
  for (const { alarmName, description } of alarms.map(textOf)) {
    const { runbook } = description;
    led.set(runbook, [...(led.get(runbook) ?? []), alarmName]);
  }
  const links = [...led].map(([url, names]) => {
    const title = /([^/]+)\.md$/.exec(url)?.[1]?.replaceAll('-', ' ') ?? url;
    return `- [${title}](${url}): ${names.join(', ')}`;
  });
  return [
    `## Operations of ${service}`,
    'Begin with `npx provision doctor`. Runbooks, and the alarms that lead to them:',
    ...links,
  ].join('\n');
}

function textOf(alarm: ServiceAlarm) {
  const description = readAlarmText(alarm.says.alarmDescription);
  if (description === undefined) throw new Error(`${alarm.node.path} has no text of ours.`);
  return { alarmName: alarm.says.alarmName ?? alarm.node.id, description };
}

function provisionings({ service, machineArn }: Shown): Graph[] {
  const source = eventSources[service];
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
      title: 'Provisionings by their end',
      metrics: [everyMetric('provisioningsEnded', 'source', [source], sum())],
    },
    { title: 'Failures by code', metrics: [everyMetric('provisioningsFailed', 'source', [source], sum())] },
    {
      title: 'Failures by who can change it',
      metrics: [
        ownMetric('callerFailures', { source }, sum('the caller')),
        ownMetric('dependencyFailures', { source }, sum('AWS or the other service')),
        ownMetric('systemFailures', { source }, sum('us')),
        ownMetric('interventionFailures', { source }, sum('somebody by hand')),
      ],
    },
  ];
}

function steps({ functions, machineArn }: Shown): Graph[] {
  return [
    {
      title: 'How long an execution takes',
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
      title: 'How long an attempt of a step takes (p95)',
      unit: 'Milliseconds',
      metrics: [everyMetric('stepDuration', 'service', functions, { statistic: 'p95' })],
    },
    {
      title: 'Attempts that failed, by error',
      metrics: [everyMetric('stepFailures', 'service', functions, sum())],
    },
    { title: 'Retries', metrics: [everyMetric('stepRetries', 'service', functions, sum())] },
  ];
}

function undoing({ service, sweep, rollBackMachineArn, compensationStep, deadLetterQueue }: Shown): Graph[] {
  const source = eventSources[service];
  const rollBacks = (name: 'ExecutionsStarted' | 'ExecutionsFailed' | 'ExecutionsTimedOut', label: string) =>
    awsMetric('AWS/States', name, { StateMachineArn: rollBackMachineArn }, sum(label));
  return [
    {
      title: 'Roll-backs',
      metrics: [
        ownMetric('rollBacksStarted', { step: compensationStep }, sum('undos that began')),
        ownMetric('rollBacksFailed', { source }, sum('undos that used up their retries')),
        rollBacks('ExecutionsStarted', 'roll-back executions'),
        rollBacks('ExecutionsFailed', 'roll-back executions that failed'),
        rollBacks('ExecutionsTimedOut', 'roll-back executions that timed out'),
      ],
    },
    {
      title: 'Oldest that is running',
      unit: 'Seconds',
      metrics: [ownMetric('oldestRunning', { service: sweep }, highest('age'))],
    },
    {
      title: 'Sweep',
      metrics: [
        ownMetric('sweepCompleted', { service: sweep }, sum('runs')),
        ownMetric('sweepRollBacksStarted', { service: sweep }, sum('roll-backs that it had to start')),
        ownMetric('sweepLeft', { service: sweep }, highest('what it could not settle')),
        ownMetric('auditBusBroken', { service: sweep }, highest('1: the bus is broken')),
      ],
    },
    {
      title: 'Events: attempts to publish that failed, dead letters',
      metrics: [
        ownMetric(
          service === 'app1' ? 'app1EventsNotPublished' : 'app2EventsNotPublished',
          {},
          sum('not published'),
        ),
        awsMetric(
          'AWS/SQS',
          'ApproximateNumberOfMessagesVisible',
          { QueueName: deadLetterQueue },
          highest('dead letters that wait'),
        ),
      ],
    },
  ];
}

function apiGraphs({ api }: Shown): Graph[] {
  const dimensions = { ApiName: api.name, Stage: api.stage };
  return [
    {
      title: 'API: answers',
      metrics: (['Count', '4XXError', '5XXError'] as const).map((name) =>
        awsMetric('AWS/ApiGateway', name, dimensions, sum(name)),
      ),
    },
    {
      title: 'API: latency',
      unit: 'Milliseconds',
      metrics: (['p50', 'p99'] as const).map((statistic) =>
        awsMetric('AWS/ApiGateway', 'Latency', dimensions, { statistic, label: statistic }),
      ),
    },
    {
      title: 'Lambda, all functions of the account',
      metrics: [
        awsMetric('AWS/Lambda', 'ConcurrentExecutions', {}, highest('concurrent executions')),
        awsMetric('AWS/Lambda', 'Throttles', {}, sum('throttles')),
      ],
    },
  ];
}

const IN_A_ROW = 3;

function inRows(graphs: readonly Graph[]): IWidget[][] {
  const widgets = graphs.map(
    ({ title, unit = 'Count', metrics }) =>
      new GraphWidget({
        title,
        left: [...metrics],
        leftYAxis: { min: 0, label: unit, showUnits: false },
        width: 24 / IN_A_ROW,
      }),
  );
  const rows: IWidget[][] = [];
  for (let from = 0; from < widgets.length; from += IN_A_ROW) rows.push(widgets.slice(from, from + IN_A_ROW));
  return rows;
}
