import { Unit } from 'aws-cdk-lib/aws-cloudwatch';
import { FilterPattern, type ILogGroup, MetricFilter } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { type EventName, eventRows, sourceOf } from '../../contracts/events/catalogue.ts';
import { documentedFailures, type FailureClass } from '../../contracts/failures.ts';
import { kindOf } from '../../contracts/services.ts';
import { metrics, NAMESPACE, seriesOf } from '../../handlers/shared/metrics.ts';

/**
 * Adds a metric filter that counts log lines. The fields that become dimensions are part of the pattern, so a line without
 * them does not count.
 * docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntaxForMetricFilters.html
 */
function countLines(
  scope: Construct,
  log: ILogGroup,
  metric: keyof typeof metrics,
  pattern: string,
  values: Record<string, string> = {},
): void {
  const { name, dimensions } = seriesOf(metric, values);
  new MetricFilter(scope, metrics[metric].name, {
    logGroup: log,
    filterPattern: FilterPattern.literal(`{ ${pattern} }`),
    metricNamespace: NAMESPACE,
    metricName: name,
    metricValue: '1',
    unit: Unit.COUNT,
    ...(Object.keys(dimensions).length === 0 ? {} : { dimensions }),
  });
}

const anyOf = (selector: string, values: readonly string[]): string =>
  `(${values.map((value) => `${selector} = "${value}"`).join(' || ')})`;

/** Events of failed provisionings that have finished. */
const FAILED: readonly EventName[] = [
  'ServiceUserProvisioningFailed',
  'ServiceUserCreationRejected',
  'ServiceUserCreationRolledBack',
];

const CODE = '$.detail.data.failure.code';

/** The target at which the step failed; only App1's events have it. */
const TARGET = '$.detail.data.failure.target';

const classMetrics = {
  caller: 'callerFailures',
  dependency: 'dependencyFailures',
  system: 'systemFailures',
  intervention: 'interventionFailures',
} as const satisfies Record<FailureClass, keyof typeof metrics>;

const codesOf = (failureClass: FailureClass): string[] => [
  ...new Set(documentedFailures().flatMap(([, row]) => (row.class === failureClass ? [row.code] : []))),
];

/** Metrics that are counted from the audit events of a service. */
export class AuditEventMetrics extends Construct {
  constructor(scope: Construct, id: string, { log, service }: { log: ILogGroup; service: string }) {
    super(scope, id);
    const source = sourceOf(service);
    const events = eventRows.filter(
      ([name, row]) =>
        row.publisher === kindOf(service) &&
        row.about === 'provisioning' &&
        name !== 'ServiceUserProvisioningRequested',
    );
    const unfinished = events.flatMap(([name, { user }]) => (user === 'unknown' ? [name] : []));
    const finished = events.flatMap(([name, { user }]) => (user === 'unknown' ? [] : [name]));
    const matching = (names: readonly string[]) =>
      `$.source = "${source}" && ${anyOf('$.detail-type', names)}`;
    const failed = matching(finished.filter((name) => FAILED.includes(name)));
    const bySource = { source: '$.source' };

    countLines(this, log, 'provisioningsFinished', matching(finished), {
      ...bySource,
      outcome: '$.detail-type',
    });
    countLines(this, log, 'provisioningsFailed', `${failed} && ${CODE} = *`, { ...bySource, code: CODE });
    if (kindOf(service) === metrics.provisioningsFailedAtTarget.only)
      countLines(this, log, 'provisioningsFailedAtTarget', `${failed} && ${TARGET} = *`, {
        ...bySource,
        target: TARGET,
      });
    countLines(this, log, 'rollBacksFailed', matching(unfinished), bySource);
    for (const each of Object.keys(classMetrics) as FailureClass[]) // keys of a const object: exactly FailureClass
      countLines(this, log, classMetrics[each], `${failed} && ${anyOf(CODE, codesOf(each))}`, bySource);
  }
}

interface StateMachineMetricsProps {
  /** Logs of the service's state machines. */
  logs: readonly ILogGroup[];
  /** Name of the service. */
  service: string;
}

/** The first state of each compensation. */
const COMPENSATION_STATES = ['CancelUserCreation', 'DeleteUser'];
const TASK_FAILURES = ['TaskFailed', 'TaskStartFailed', 'TaskSubmitFailed', 'TaskTimedOut'];

/** Metrics that are counted from the logs of a service's state machines and that AWS/States does not have. */
export class StateMachineMetrics extends Construct {
  constructor(scope: Construct, id: string, { logs, service }: StateMachineMetricsProps) {
    super(scope, id);
    for (const [n, log] of logs.entries()) {
      const ofLog = new Construct(this, String(n));
      const started = `$.type = "TaskStateEntered" && ${anyOf('$.details.name', COMPENSATION_STATES)}`;
      countLines(ofLog, log, 'rollBacksStarted', started, { service, step: '$.details.name' });
      const failed = `$.details.resourceType = "events" && ${anyOf('$.type', TASK_FAILURES)}`;
      countLines(ofLog, log, 'eventsNotPublished', failed, { service });
    }
  }
}
