/** What the metrics of both services are found under; their one dimension, `service`, is the name of a function. */
export const NAMESPACE = 'CrossServiceProvisioning';

export const metricNames = {
  /** Heartbeat of a sweep: its absence means that nothing is swept. */
  sweepCompleted: 'SweepCompleted',
  sweepRollBacksStarted: 'SweepRollBacksStarted',
  sweepLeft: 'SweepLeft',
  /** 1 while audit events are lost or do not reach the log, else 0. */
  auditBusBroken: 'AuditBusBroken',
} as const;
