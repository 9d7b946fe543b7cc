/**
 * AWS quotas per account and region, and their division: compensation, roll-backs and sweeps have shares that callers
 * cannot use up. docs/limits.md explains the numbers.
 */

/**
 * The quota of DescribeExecution: a token bucket.
 * docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
 */
export const describeExecutionQuota = {
  /** Refill rate per second in most regions; 15 in us-east-1, us-west-2 and eu-west-1. A setting overrides it. */
  perSecond: 10,
  /** Bucket size in most regions. */
  bucketSize: 250,
  /** Calls per second for each caller of App1's API, unless a setting overrides it: the share of the callers. */
  perCaller: 5,
  /** Shares of the quota; their sum is 1. */
  shares: {
    /** All callers of App1's API together. */
    callers: 0.5,
    /** App2's polls for the outcome of a creation. */
    statusPolls: 0.2,
    /** The sweep of a service, which describes executions at most half of the time. */
    sweep: 0.1,
    /** Compensation, roll-backs and the rule on status changes: not rate-limited. */
    compensation: 0.2,
  },
  /** Most calls for each creation whose outcome App2 polls. */
  perPolledCreation: 2,
} as const;

/**
 * Creations per second whose outcome App2 polls, given the account's quota of DescribeExecution in calls per second. For
 * the other creations App2 notifies the client.
 */
export const statusPollsPerSecond = (describesPerSecond: number): number =>
  (describesPerSecond * describeExecutionQuota.shares.statusPolls) / describeExecutionQuota.perPolledCreation;

/**
 * Concurrent executions of Lambda functions, a quota per account and region.
 * docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
 */
export const lambdaConcurrency = {
  /** The default quota; a new account starts with `newAccount`. */
  default: 1_000,
  newAccount: 10,
  /** Reserved concurrency must leave this much. docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html */
  unreserved: 100,
  /** Total duration of the functions of one creation, in seconds. Estimates: docs/limits.md has their derivation. */
  secondsPerCreation: {
    /** App1: accept, encrypt, call App2, resume. */
    app1: 0.7,
    /** App2: accept, decrypt, create, set the password, add to the group. */
    app2: 1,
    /** Both services, while App2 polls for the outcome. */
    statusPoll: 4,
    /** Both services, if the creation is compensated. */
    compensation: 2,
  },
  /** Estimated fraction of the creations that are compensated. */
  compensatedFraction: 0.1,
} as const;

/**
 * Concurrent function executions at a rate of creations: rate times duration (Little's law). A caller that waits
 * (`Prefer: wait`) needs one more execution for as long as it waits; these are not included.
 */
export function concurrencyAt(creationsPerSecond: number, pollsPerSecond: number) {
  const { secondsPerCreation, compensatedFraction } = lambdaConcurrency;
  const parts = {
    app1: creationsPerSecond * secondsPerCreation.app1,
    app2: creationsPerSecond * secondsPerCreation.app2,
    statusPolls: Math.min(creationsPerSecond, pollsPerSecond) * secondsPerCreation.statusPoll,
    compensation: creationsPerSecond * compensatedFraction * secondsPerCreation.compensation,
  };
  return { ...parts, total: Object.values(parts).reduce((sum, part) => sum + part, 0) };
}
