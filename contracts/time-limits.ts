/**
 * For how many days Step Functions keeps the record of an execution after its end; then its name is free.
 * docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
 */
export const RECORD_DAYS = 90;

/**
 * The ladder of time limits, in seconds, and everything that is derived from it. Each rung is longer than all that
 * can happen on the rung below, so that a limit is always reached first where it can be explained best:
 * SDK call < function < task < machine, and App2's machine with its roll-back < App1's. A test holds the ladder.
 */
export const timeLimits = {
  /** One attempt of one AWS call: connecting, and waiting for the answer. */
  awsConnect: 1,
  awsCall: 3,

  /** A function that is a step of a workflow: four AWS calls at most, one attempt each. */
  stepFunction: 13,
  /** The task around it, with room for a cold start. */
  stepTask: 18,

  /**
   * How long App1 asks App2 to wait for the end (`Prefer: wait`); the HTTP request that does so, also when it is sent
   * again with a new token; its function, which may have to sign in before and between (three AWS calls each); its task.
   */
  app2Wait: 10,
  app2Request: 15,
  app2Function: 35,
  app2Task: 40,

  /** How long App1 waits for the timeline of App2: the HTTP request, and the function that makes it. */
  app2Timeline: 5,
  timeline: 6,

  /** A function behind an API: the longest `Prefer: wait` and the calls around it; API Gateway gives up after 29 s. */
  apiFunction: 28,

  /**
   * While a legacy endpoint is replaced, before that function begins: looking at the flag, and what the endpoint may take
   * instead, which answers when it is done.
   */
  flag: 3,
  legacyRequest: 15,

  /**
   * Longest queue at App2: a request that would wait longer is refused. And how long App1 waits for a completion
   * notification before it asks itself; longer than the queue, so that App2 is not asked about a queued creation.
   */
  longestQueue: 20 * 60,
  callback: 30 * 60,

  /**
   * How long a step of App1 waits for a target that cannot be used: a step that can be compensated, and a compensation,
   * which also waits so long for a target that is still at work.
   */
  outage: 2 * 60 * 60,
  outageInCompensation: 24 * 60 * 60,
  /** How long a compensating step waits for AWS itself. Then it has failed, which is published, and the sweep begins anew. */
  compensation: 60 * 60,

  /** A whole execution, with every retry of every step used up. */
  userCreation: 3 * 60 * 60,
  userRollBack: 3 * 60 * 60,
  provisioning: 48 * 60 * 60,
  provisioningRollBack: 36 * 60 * 60,

  /** A function that is called for one execution that ended badly; and the sweep, which looks at many. */
  watchFunction: 20,
  sweepFunction: 180,

  /** A function that has App1's credentials rotated, waits for that, and removes the former machine users. */
  revocationFunction: 180,

  /**
   * A function that CloudFormation calls for a custom resource: how long it repeats what fails for a passing reason, its
   * own limit, and how long CloudFormation waits for its answer.
   */
  customResourceRetries: 60,
  customResourceFunction: 90,
  customResource: 120,
} as const;

/**
 * Longest time after the start of a step in which a call that it made can still take effect: the task's limit, plus
 * what the called service may still do with a request that nobody waits for. Until then "not found" is not "gone".
 */
export const IN_FLIGHT_SECONDS = timeLimits.stepTask + timeLimits.awsCall;

/**
 * The pauses of a step that waits something out: each twice as long as the one before, five minutes at most, so that it
 * goes on soon when the outage is over. Without jitter, so that it is known how long it waits.
 */
export const OUTAGE_PAUSES = { intervalSeconds: 1, backoffRate: 2, maxDelaySeconds: 5 * 60 } as const;

/** The pause in seconds after the n-th failed attempt of a step that waits something out; n counts from 1. */
export function outagePause(n: number): number {
  const { intervalSeconds, backoffRate, maxDelaySeconds } = OUTAGE_PAUSES;
  return Math.min(intervalSeconds * backoffRate ** (n - 1), maxDelaySeconds);
}

/** Life of the tokens that App2 issues, and how long before its end App1 takes a new one, in seconds. */
export const TOKEN_LIFE_SECONDS = 15 * 60;
export const TOKEN_RENEWAL_SECONDS = 60;
