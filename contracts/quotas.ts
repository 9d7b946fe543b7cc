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
  /** Calls for each creation whose end App2 waits for, at most: the later ones come after the creation has ended. */
  perWait: 2,
} as const;

/**
 * For how many creations per second App2 waits for the end, if the account has this quota of DescribeExecution (per
 * second). For all others it notifies the client.
 */
export const statusPollsPerSecond = (describesPerSecond: number): number =>
  (describesPerSecond * describeExecutionQuota.shares.waits) / describeExecutionQuota.perWait;

/**
 * Calls of functions that run at the same time, which an account in a region shares.
 * docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
 */
export const lambdaConcurrency = {
  /** Of an account, unless it is raised; a new account has far less at first. */
  default: 1_000,
  newAccount: 10,
  /** What reservations have to leave. docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html */
  unreserved: 100,
  /** Seconds that the functions of one creation run, together. Estimates: docs/limits.md says of what. */
  secondsPerCreation: {
    /** App1: accept, seal, ask App2, resume. */
    app1: 0.7,
    /** App2: accept, decrypt, create, set the password, add to the group. */
    app2: 1,
    /** Both, while the end is waited for. */
    wait: 4,
    /** Both, when it is compensated. */
    compensation: 2,
  },
  /** Part of the creations that is compensated, in the estimate. */
  compensated: 0.1,
} as const;

/**
 * How many calls run at the same time at a rate: the rate times the seconds that each takes (Little's law). Callers that
 * wait themselves (`Prefer: wait`) are not among them: each needs one more for as long as it waits.
 */
export function concurrencyAt(creationsPerSecond: number, pollsPerSecond: number) {
  const { secondsPerCreation, compensated } = lambdaConcurrency;
  const parts = {
    app1: creationsPerSecond * secondsPerCreation.app1,
    app2: creationsPerSecond * secondsPerCreation.app2,
    waits: Math.min(creationsPerSecond, pollsPerSecond) * secondsPerCreation.wait,
    compensation: creationsPerSecond * compensated * secondsPerCreation.compensation,
  };
  return { ...parts, total: Object.values(parts).reduce((sum, part) => sum + part, 0) };
}
