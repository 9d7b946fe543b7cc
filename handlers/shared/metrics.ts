import { pascalCase, type ServiceKind } from '../../contracts/services.ts';

/** CloudWatch namespace of the metrics of both services. */
export const NAMESPACE = 'CrossServiceProvisioning';

/**
 * Source of a metric:
 * `function`: a function writes it into its log (embedded metric format); its dimension `service` is the function's name.
 * `audit-events`: a metric filter counts audit events in the log of a service's bus; its dimension `source` is that of
 * the event. A duplicate event is counted again.
 * `state-machines`: a metric filter counts entries in the logs of a service's state machines. A metric filter has no
 * constant dimension, so the metric's name starts with the name of the service (`seriesOf`).
 */
type MetricSource = 'function' | 'audit-events' | 'state-machines';

export interface Metric {
  readonly name: string;
  readonly unit: 'Count' | 'Milliseconds' | 'Seconds';
  /** Dimensions with few values: never an id, and no other name than that of a service or a target. */
  readonly dimensions: readonly ('service' | 'step' | 'error' | 'source' | 'outcome' | 'code' | 'target')[];
  readonly from: MetricSource;
  /** Kind of the services that have the metric; by default both kinds have it. */
  readonly only?: ServiceKind;
}

/** All custom metrics. They do not repeat those of AWS (AWS/States, AWS/Lambda, AWS/ApiGateway). */
export const metrics = {
  provisioningsFinished: {
    name: 'ProvisioningsFinished',
    unit: 'Count',
    dimensions: ['source', 'outcome'],
    from: 'audit-events',
  },
  provisioningsFailed: {
    name: 'ProvisioningsFailed',
    unit: 'Count',
    dimensions: ['source', 'code'],
    from: 'audit-events',
  },
  provisioningsFailedAtTarget: {
    name: 'ProvisioningsFailedAtTarget',
    unit: 'Count',
    dimensions: ['source', 'target'],
    from: 'audit-events',
    only: 'app1',
  },
  callerFailures: {
    name: 'CallerFailures',
    unit: 'Count',
    dimensions: ['source'],
    from: 'audit-events',
  },
  dependencyFailures: {
    name: 'DependencyFailures',
    unit: 'Count',
    dimensions: ['source'],
    from: 'audit-events',
  },
  systemFailures: {
    name: 'SystemFailures',
    unit: 'Count',
    dimensions: ['source'],
    from: 'audit-events',
  },
  interventionFailures: {
    name: 'InterventionFailures',
    unit: 'Count',
    dimensions: ['source'],
    from: 'audit-events',
  },
  rollBacksStarted: {
    name: 'RollBacksStarted',
    unit: 'Count',
    dimensions: ['service', 'step'],
    from: 'state-machines',
  },
  rollBacksFailed: {
    name: 'RollBacksFailed',
    unit: 'Count',
    dimensions: ['source'],
    from: 'audit-events',
  },
  eventsNotPublished: {
    name: 'EventsNotPublished',
    unit: 'Count',
    dimensions: ['service'],
    from: 'state-machines',
  },
  stepDuration: {
    name: 'StepDuration',
    unit: 'Milliseconds',
    dimensions: ['service', 'step'],
    from: 'function',
  },
  stepFailures: {
    name: 'StepFailures',
    unit: 'Count',
    dimensions: ['service', 'step', 'error'],
    from: 'function',
  },
  stepRetries: {
    name: 'StepRetries',
    unit: 'Count',
    dimensions: ['service', 'step'],
    from: 'function',
  },
  targetTokenHits: {
    name: 'TargetTokenHits',
    unit: 'Count',
    dimensions: ['service'],
    from: 'function',
  },
  targetTokenMisses: {
    name: 'TargetTokenMisses',
    unit: 'Count',
    dimensions: ['service'],
    from: 'function',
  },
  sweepCompleted: {
    name: 'SweepCompleted',
    unit: 'Count',
    dimensions: ['service'],
    from: 'function',
  },
  sweepRollBacksStarted: {
    name: 'SweepRollBacksStarted',
    unit: 'Count',
    dimensions: ['service'],
    from: 'function',
  },
  sweepRemaining: {
    name: 'SweepRemaining',
    unit: 'Count',
    dimensions: ['service'],
    from: 'function',
  },
  oldestRunningAge: {
    name: 'OldestRunningAge',
    unit: 'Seconds',
    dimensions: ['service'],
    from: 'function',
  },
  authorizerFailures: {
    name: 'AuthorizerFailures',
    unit: 'Count',
    dimensions: ['service'],
    from: 'function',
  },
  auditBusBroken: {
    name: 'AuditBusBroken',
    unit: 'Count',
    dimensions: ['service'],
    from: 'function',
  },
  provisionedByWorkflow: {
    name: 'ProvisionedByWorkflow',
    unit: 'Count',
    dimensions: ['service'],
    from: 'function',
  },
  provisionedByWorkflowFailed: {
    name: 'ProvisionedByWorkflowFailed',
    unit: 'Count',
    dimensions: ['service'],
    from: 'function',
  },
  provisionedByLegacy: {
    name: 'ProvisionedByLegacy',
    unit: 'Count',
    dimensions: ['service'],
    from: 'function',
  },
  provisionedByLegacyFailed: {
    name: 'ProvisionedByLegacyFailed',
    unit: 'Count',
    dimensions: ['service'],
    from: 'function',
  },
} as const satisfies Record<string, Metric>;

/** Descriptions of the metrics. A separate constant, so that no Lambda bundle contains it. */
export const metricDescriptions: Readonly<Record<MetricKey, string>> = {
  provisioningsFinished: 'Finished provisionings; `outcome` is the `detail-type` of the audit event.',
  provisioningsFailed: 'Failed provisionings; docs/errors.md lists the values of `code`.',
  provisioningsFailedAtTarget:
    "App1's failed provisionings with a step that failed at a target; `target` is its name. A failed provisioning without a value failed in a step that belongs to no target, or was stopped.",
  callerFailures: 'Failed provisionings that the caller can correct. Does not page.',
  dependencyFailures:
    'Failed provisionings because a dependency was not available in time: AWS, or the other service.',
  systemFailures:
    'Failed provisionings that persist until an operator changes the code, the permissions or the configuration of this system.',
  interventionFailures:
    'Failed provisionings that a manual action of a principal with permissions in the account caused.',
  rollBacksStarted:
    'Started compensations, in a failed provisioning or in a roll-back; `step` is `CancelUserCreation` at App1, once for each target, and `DeleteUser` at a target.',
  rollBacksFailed:
    'Compensations whose retries were used up: a user may remain. The sweep starts another roll-back.',
  eventsNotPublished:
    "Failed attempts of a service's state machines to publish an event; a retry may have published it.",
  stepDuration: 'Duration of one attempt of a step, successful or failed; `step` is the name of the state.',
  stepFailures:
    'Failed attempts, including those that are retried. A step that polls fails with `UserCreationPending`, `UserRemovalPending` or `AbsenceNotConfirmed` until its condition is met.',
  stepRetries: 'Attempts after the first attempt of a step.',
  targetTokenHits: 'Calls to targets with a cached token.',
  targetTokenMisses:
    'Calls to targets with a sign-in before: the function had no token, or its token was expired or refused.',
  sweepCompleted: 'Heartbeat of the sweep: if it is absent, the sweep does not run.',
  sweepRollBacksStarted:
    'Roll-backs that the sweep started, because an event was lost or a roll-back had failed.',
  sweepRemaining: 'Failed executions that the sweep could not process yet.',
  oldestRunningAge: 'Age of the oldest running provisioning or roll-back; 0 without one.',
  authorizerFailures:
    'Requests whose token could not be verified, because the JWKS of the pool could not be fetched or the authorizer failed.',
  auditBusBroken: '1 while audit events are lost or do not reach the log, else 0.',
  provisionedByWorkflow: 'Requests that the workflow served, while a legacy endpoint is being replaced.',
  provisionedByWorkflowFailed:
    'Requests to the workflow with a 5xx response; rolls back a flag that is being deployed.',
  provisionedByLegacy: 'Requests that the legacy endpoint served.',
  provisionedByLegacyFailed: 'Requests to the legacy endpoint with a 5xx response, or without a response.',
};

type MetricKey = keyof typeof metrics;

/**
 * Name and dimensions of a metric in CloudWatch, with the given values. The name of the service is part of the name of a
 * metric from state machines: `PaymentsRollBacksStarted`.
 */
export function seriesOf(key: MetricKey, values: Readonly<Record<string, string>>) {
  const { name, from } = metrics[key];
  const { service = '', ...dimensions } = values;
  return from === 'state-machines'
    ? { name: `${pascalCase(service)}${name}`, dimensions }
    : { name, dimensions: values };
}

/** The names of the metrics, by key. */
export const metricNames = Object.fromEntries(
  Object.entries(metrics).map(([key, { name }]) => [key, name]),
) as { readonly [Key in MetricKey]: (typeof metrics)[Key]['name'] }; // the same keys, each with its own name

/** Values of metrics with the source `function`, by key. */
type Measured = {
  [Key in MetricKey as (typeof metrics)[Key]['from'] extends 'function' ? Key : never]?: number;
};

/** Counts since the last log line with metrics. */
let counted: Measured = {};

/** Increments a metric. The next call of `embeddedMetrics` reports it. */
export function count(key: keyof Measured): void {
  counted = { ...counted, [key]: (counted[key] ?? 0) + 1 };
}

/**
 * The fields with which CloudWatch reads a log line as metrics: the given values and the counts. The log line must also
 * contain the dimensions; the logger adds `service` and `step`, the caller the others.
 * docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
 */
export function embeddedMetrics(measured: Measured): Record<string, unknown> {
  const values = Object.entries({ ...counted, ...measured }) as [keyof Measured, number][]; // keys of Measured
  counted = {};
  return {
    _aws: {
      Timestamp: Date.now(),
      CloudWatchMetrics: values.map(([key]) => ({
        Namespace: NAMESPACE,
        Dimensions: [metrics[key].dimensions],
        Metrics: [{ Name: metrics[key].name, Unit: metrics[key].unit }],
      })),
    },
    ...Object.fromEntries(values.map(([key, value]) => [metrics[key].name, value])),
  };
}
