import { Unit } from 'aws-cdk-lib/aws-cloudwatch';
import { FilterPattern, type ILogGroup, MetricFilter } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { type EventName, type EventSource, eventRows } from '../../contracts/events/catalogue.ts';
import { documentedFailures, type FailureClass } from '../../contracts/failures.ts';
import { metrics, NAMESPACE } from '../../handlers/shared/metrics.ts';

/**
 * Metrics that no code measures: they are counted from what is logged anyway. The fields that become dimensions are in
 * each pattern, so that no line counts that has none.
 * docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntaxForMetricFilters.html
 */
function countLines(
  scope: Construct,
  log: ILogGroup,
  metric: keyof typeof metrics,
  pattern: string,
  dimensions: Record<string, string> = {},
): void {
  new MetricFilter(scope, metrics[metric].name, {
    logGroup: log,
    filterPattern: FilterPattern.literal(`{ ${pattern} }`),
    metricNamespace: NAMESPACE,
    metricName: metrics[metric].name,
    metricValue: '1',
    unit: Unit.COUNT,
    ...(Object.keys(dimensions).length === 0 ? {} : { dimensions }),
  });
}

const anyOf = (selector: string, values: readonly string[]): string =>
  `(${values.map((value) => `${selector} = "${value}"`).join(' || ')})`;

/** Events that tell of a failure after which nothing more follows by itself. */
const FAILED: readonly EventName[] = [
  'ServiceUserProvisioningFailed',
  'ServiceUserCreationRejected',
  'ServiceUserCreationRolledBack',
];

const CODE = '$.detail.data.failure.code';

const classMetrics = {
  caller: 'callerFailures',
  dependency: 'dependencyFailures',
  system: 'systemFailures',
  intervention: 'interventionFailures',
} as const satisfies Record<FailureClass, keyof typeof metrics>;

const codesOf = (wanted: FailureClass): string[] => [
  ...new Set(documentedFailures().flatMap(([, row]) => (row.class === wanted ? [row.code] : []))),
];

/** What a service's audit events say of its provisionings, in numbers. */
export class FactMetrics extends Construct {
  constructor(scope: Construct, id: string, { log, source }: { log: ILogGroup; source: EventSource }) {
    super(scope, id);
    const facts = eventRows.filter(
      ([name, row]) =>
        row.source === source && row.about === 'provisioning' && name !== 'ServiceUserProvisioningRequested',
    );
    const unsettled = facts.flatMap(([name, { user }]) => (user === 'unknown' ? [name] : []));
    const ends = facts.flatMap(([name, { user }]) => (user === 'unknown' ? [] : [name]));
    const those = (names: readonly string[]) => `$.source = "${source}" && ${anyOf('$.detail-type', names)}`;
    const failed = those(ends.filter((name) => FAILED.includes(name)));
    const bySource = { source: '$.source' };

    countLines(this, log, 'provisioningsEnded', those(ends), { ...bySource, end: '$.detail-type' });
    countLines(this, log, 'provisioningsFailed', `${failed} && ${CODE} = *`, { ...bySource, code: CODE });
    countLines(this, log, 'rollBacksFailed', those(unsettled), bySource);
    for (const whose of Object.keys(classMetrics) as FailureClass[]) // keys of a const object: exactly FailureClass
      countLines(this, log, classMetrics[whose], `${failed} && ${anyOf(CODE, codesOf(whose))}`, bySource);
  }
}

interface MachineMetricsProps {
  /** Of the service's machines. */
  logs: readonly ILogGroup[];
  eventsNotPublished: 'app1EventsNotPublished' | 'app2EventsNotPublished';
}

/** First state of each undo. */
const UNDOS = ['CancelUserCreation', 'DeleteUser'];
const TASK_FAILURES = ['TaskFailed', 'TaskStartFailed', 'TaskSubmitFailed', 'TaskTimedOut'];

/** What the logs of a service's machines say that AWS/States does not. */
export class MachineMetrics extends Construct {
  constructor(scope: Construct, id: string, { logs, eventsNotPublished }: MachineMetricsProps) {
    super(scope, id);
    for (const [n, log] of logs.entries()) {
      const ofLog = new Construct(this, String(n));
      const undo = `$.type = "TaskStateEntered" && ${anyOf('$.details.name', UNDOS)}`;
      countLines(ofLog, log, 'rollBacksStarted', undo, { step: '$.details.name' });
      const failed = `$.details.resourceType = "events" && ${anyOf('$.type', TASK_FAILURES)}`;
      countLines(ofLog, log, eventsNotPublished, failed);
    }
  }
}
