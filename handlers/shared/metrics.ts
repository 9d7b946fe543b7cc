/** What the metrics of both services are found under. */
export const NAMESPACE = 'CrossServiceProvisioning';

/**
 * Where a metric is measured:
 * `function`: a function writes it into its log (embedded metric format); its dimension `service` is the function's name.
 * `facts`: a metric filter counts audit events in the log of a service's bus; its dimension `source` is theirs. An event
 * that was published again is counted again.
 * `machines`: a metric filter counts entries in the logs of the state machines.
 */
type MeasuredBy = 'function' | 'facts' | 'machines';

interface Metric {
  readonly name: string;
  readonly unit: 'Count' | 'Milliseconds' | 'Seconds';
  /** Only what has few values: never a name or an id. */
  readonly dimensions: readonly ('service' | 'step' | 'error' | 'source' | 'end' | 'code')[];
  readonly from: MeasuredBy;
}

/** All metrics of our own. What AWS measures by itself (AWS/States, AWS/Lambda, AWS/ApiGateway) is not counted again. */
export const metrics = {
  provisioningsEnded: {
    name: 'ProvisioningsEnded',
    unit: 'Count',
    dimensions: ['source', 'end'],
    from: 'facts',
  },
  provisioningsFailed: {
    name: 'ProvisioningsFailed',
    unit: 'Count',
    dimensions: ['source', 'code'],
    from: 'facts',
  },
  callerFailures: {
    name: 'CallerFailures',
    unit: 'Count',
    dimensions: ['source'],
    from: 'facts',
  },
  dependencyFailures: {
    name: 'DependencyFailures',
    unit: 'Count',
    dimensions: ['source'],
    from: 'facts',
  },
  systemFailures: {
    name: 'SystemFailures',
    unit: 'Count',
    dimensions: ['source'],
    from: 'facts',
  },
  interventionFailures: {
    name: 'InterventionFailures',
    unit: 'Count',
    dimensions: ['source'],
    from: 'facts',
  },
  rollBacksStarted: {
    name: 'RollBacksStarted',
    unit: 'Count',
    dimensions: ['step'],
    from: 'machines',
  },
  rollBacksFailed: {
    name: 'RollBacksFailed',
    unit: 'Count',
    dimensions: ['source'],
    from: 'facts',
  },
  app1EventsNotPublished: {
    name: 'App1EventsNotPublished',
    unit: 'Count',
    dimensions: [],
    from: 'machines',
  },
  app2EventsNotPublished: {
    name: 'App2EventsNotPublished',
    unit: 'Count',
    dimensions: [],
    from: 'machines',
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
  app2TokenHits: {
    name: 'App2TokenHits',
    unit: 'Count',
    dimensions: ['service'],
    from: 'function',
  },
  app2TokenMisses: {
    name: 'App2TokenMisses',
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
  sweepLeft: {
    name: 'SweepLeft',
    unit: 'Count',
    dimensions: ['service'],
    from: 'function',
  },
  oldestRunning: {
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

/** What each of them tells; apart from the table, so that no function is loaded with it. */
export const metricMeanings: Readonly<Record<MetricKey, string>> = {
  provisioningsEnded:
    'Provisionings that came to an end; `end` is the `detail-type` of the event that says so.',
  provisioningsFailed: 'Provisionings that failed; `code` is that of docs/errors.md.',
  callerFailures: 'Those of them that the caller can change. Nobody has to get up.',
  dependencyFailures:
    'Those of them for which something else was not there in time: AWS, or the other service.',
  systemFailures:
    'Those of them that only a change of this system ends: its code, its permissions, its configuration.',
  interventionFailures: 'Those of them that somebody with permissions in the account has caused by hand.',
  rollBacksStarted:
    'Undos that began, within a failed provisioning or by a roll-back of its own; `step` is `CancelUserCreation` at App1, `DeleteUser` at App2.',
  rollBacksFailed: 'Undos that ran out of retries: a user may be left. The sweep starts another one.',
  app1EventsNotPublished:
    "Attempts of App1's machines to publish an event that failed; a retry may have published it.",
  app2EventsNotPublished:
    "Attempts of App2's machines to publish an event that failed; a retry may have published it.",
  stepDuration: 'How long one attempt of a step took, good or bad; `step` is the name of the state.',
  stepFailures:
    'Attempts that failed, those too that are tried again; `UserCreationPending`, `UserRemovalPending` and `AbsenceNotConfirmed` are how a step waits.',
  stepRetries: 'Attempts that were not the first of their step.',
  app2TokenHits: 'Calls to App2 with a token that the function had.',
  app2TokenMisses:
    'Calls to App2 for which App1 had to sign in: the function was new, the token at its end or refused.',
  sweepCompleted: 'Heartbeat of a sweep: its absence means that nothing is swept.',
  sweepRollBacksStarted:
    'Roll-backs that the sweep had to start, because an event was lost or a roll-back had failed.',
  sweepLeft: 'Executions that ended badly and that the sweep could not settle yet.',
  oldestRunning:
    'For how long the oldest of the running provisionings and roll-backs has run; 0 when none runs.',
  authorizerFailures:
    "Requests whose token could not be checked: the pool's keys were not to be had, or worse.",
  auditBusBroken: '1 while audit events are lost or do not reach the log, else 0.',
  provisionedByWorkflow: 'Requests that went to the workflow, while a legacy endpoint is being replaced.',
  provisionedByWorkflowFailed:
    'Those of them that were answered with 5xx; takes a flag back that is being deployed.',
  provisionedByLegacy: 'Requests that went to the legacy endpoint.',
  provisionedByLegacyFailed:
    'Those of them that were answered with 5xx, by the endpoint or because it gave no answer.',
};

type MetricKey = keyof typeof metrics;

/** The names alone, by the same keys. */
export const metricNames = Object.fromEntries(
  Object.entries(metrics).map(([key, { name }]) => [key, name]),
) as { readonly [Key in MetricKey]: (typeof metrics)[Key]['name'] }; // the same keys, each with its own name

/** What functions measure: a metric by its key in the table, and its value. */
type Measured = {
  [Key in MetricKey as (typeof metrics)[Key]['from'] extends 'function' ? Key : never]?: number;
};

/** Counted since the last line with metrics. */
let counted: Measured = {};

/** Counts something that happened; the next line with metrics tells it. */
export function count(key: keyof Measured): void {
  counted = { ...counted, [key]: (counted[key] ?? 0) + 1 };
}

/**
 * The fields by which CloudWatch reads a log line as metrics: these, and what was counted before. The values of the
 * dimensions are fields of the line, too: `service` is in every one, the others are its author's.
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
