/**
 * Quotas of AWS that all of an account in a region share, and how they are divided: compensation, roll-backs and sweeps
 * always have theirs, whatever callers do. docs/limits.md explains the numbers.
 */

/**
 * Calls of DescribeExecution.
 * docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
 */
export const describeExecutionQuota = {
  /** Per second, the smallest that a region has; 15 in us-east-1, us-west-2 and eu-west-1. The setting says what it is. */
  perSecond: 10,
  /** How many may come at once in the smallest regions. */
  atOnce: 250,
  /** Per second and caller of App1's API, unless it is set: the callers' share in the smallest region. */
  perCaller: 5,
  /** Parts of the quota. */
  shares: {
    /** All callers of App1's API together. */
    callers: 0.5,
    /** App2, while it waits for the end of a creation. */
    waits: 0.2,
    /** The sweep of a service while it describes executions, which is at most half of the time. */
    sweep: 0.1,
    /** Compensation, roll-backs and the rule on status changes: what nobody limits. */
    compensation: 0.2,
  },
} as const;
