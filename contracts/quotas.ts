/**
 * Quotas of AWS that all of an account in a region share, and how they are divided: compensation, roll-backs and sweeps
 * always have theirs, whatever callers do. docs/limits.md explains the numbers.
 */

/**
 * Calls of DescribeExecution per second: the smallest quota that any region has, of which 250 may come at once. (15 per
 * second and 300 in us-east-1, us-west-2 and eu-west-1.)
 * docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
 */
export const describeExecutionQuota = {
  perSecond: 10,
  atOnce: 250,
  shares: {
    /** What all callers of App1's API have together. */
    callers: 5,
    /** App2, while it waits for the end of a creation. */
    waits: 2,
    /** The sweep of a service while it describes executions, which is at most half of the time. */
    sweep: 1,
    /** Compensation, roll-backs and the rule on status changes. */
    compensation: 2,
  },
} as const;
