/**
 * Days for which Step Functions keeps the record of a finished execution; then its name can be used again.
 * docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
 */
export const RECORD_DAYS = 90;

/**
 * The ladder of time limits, in seconds. Each limit is longer than the total of the limits below it, so that the
 * innermost limit, which has the most specific error, is reached first: SDK call < function < task < state machine, and
 * the target's state machine with its roll-back < App1's. test/workflows/time-limits.test.ts checks the ladder.
 */
export const timeLimits = {
  /** One attempt of one AWS call: the connection, and the response. */
  awsConnect: 1,
  awsCall: 3,

  /** Timeout of a function that runs a step: at most four AWS calls, one attempt each. */
  stepFunction: 13,
  /** Timeout of its task, with time for a cold start. */
  stepTask: 18,

  /**
   * The wait that App1 requests from the target (`Prefer: wait`); the HTTP request; its function, which may send the request
   * twice and sign in before each (three AWS calls); its task.
   */
  targetWait: 10,
  targetRequest: 15,
  targetFunction: 35,
  targetTask: 40,

  /** App1's read of the target's timeline: the HTTP request, and the function that sends it. */
  targetTimeline: 5,
  timeline: 6,

  /** A function of an API: the longest `Prefer: wait` plus its calls. API Gateway's integration timeout is 29 s. */
  apiFunction: 28,

  /**
   * While a legacy endpoint is being replaced, before that function is called: reading the migration flag, and a
   * synchronous request to the legacy endpoint.
   */
  flag: 3,
  legacyRequest: 15,

  /**
   * Longest queue at the target: a request that would wait longer is refused. App1 waits for a completion notification for
   * `callback` seconds, then it polls; longer than the queue, so that App1 does not poll for a queued creation.
   */
  longestQueue: 20 * 60,
  callback: 30 * 60,

  /**
   * Time for which a step of App1 is retried while a target is not available: a step that can be compensated, and a
   * compensation, which is retried for the same time while the target is still removing the user.
   */
  outage: 2 * 60 * 60,
  outageInCompensation: 24 * 60 * 60,
  /** Time for which a compensating step is retried on errors of AWS. Then it fails, which is published, and the sweep starts another roll-back. */
  compensation: 60 * 60,

  /** An execution in which every step uses up its retries. */
  userCreation: 3 * 60 * 60,
  userRollBack: 3 * 60 * 60,
  provisioning: 48 * 60 * 60,
  provisioningRollBack: 36 * 60 * 60,

  /** A function that is called for one failed execution; and the sweep, which checks many. */
  watchFunction: 20,
  sweepFunction: 180,

  /** The function that starts a rotation of App1's credentials, waits for it, and deletes the earlier machine users. */
  revocationFunction: 180,

  /**
   * A function of a custom resource: the time for which it retries transient errors, its timeout, and the time for which
   * CloudFormation waits for its response.
   */
  customResourceRetries: 60,
  customResourceFunction: 90,
  customResource: 120,
} as const;

/**
 * Longest time after the start of a step in which one of its calls can still take effect: the task's timeout, plus the
 * time in which the called service still executes an abandoned request. Until then "not found" does not prove absence.
 */
export const IN_FLIGHT_SECONDS = timeLimits.stepTask + timeLimits.awsCall;

/**
 * Delays between the attempts of a step during an outage: they double up to five minutes, so that the step continues
 * soon after the outage. Without jitter, so that the total delay is known.
 */
export const OUTAGE_PAUSES = { intervalSeconds: 1, backoffRate: 2, maxDelaySeconds: 5 * 60 } as const;

/** Delay in seconds after the n-th failed attempt during an outage; n counts from 1. */
export function outagePause(n: number): number {
  const { intervalSeconds, backoffRate, maxDelaySeconds } = OUTAGE_PAUSES;
  return Math.min(intervalSeconds * backoffRate ** (n - 1), maxDelaySeconds);
}

/** Validity of the target's tokens in seconds, and the time before the expiry at which App1 signs in again. */
export const TOKEN_LIFE_SECONDS = 15 * 60;
export const TOKEN_RENEWAL_SECONDS = 60;
