import { Duration } from 'aws-cdk-lib';
import { JitterType, type TaskStateBase } from 'aws-cdk-lib/aws-stepfunctions';
import type { FailureName } from '../contracts/failures.ts';
import { IN_FLIGHT_SECONDS, OUTAGE_PAUSES, timeLimits } from '../contracts/time-limits.ts';
import { EVENTBRIDGE_PASSING, LAMBDA_PASSING, LAMBDA_THROTTLED } from './aws-errors.ts';

/**
 * All retry policies, by name. A step is retried for the errors of its policies and for no others: what is not here
 * is permanent. Each policy counts its own attempts. The fields are those of a Retrier of Amazon States Language.
 * docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html#error-handling-retrying-after-an-error
 */
export interface RetryPolicy {
  readonly errors: readonly string[];
  /** Seconds before the first retry; each further pause is `backoffRate` times as long, up to `maxDelaySeconds`. */
  readonly intervalSeconds: number;
  readonly backoffRate: number;
  readonly maxDelaySeconds: number;
  readonly maxAttempts: number;
  /** Whether a pause is drawn at random between nothing and its length, so that many do not come back at once. */
  readonly jitter: boolean;
}

const named = (...names: FailureName[]): string[] => names;

/** The service said "too many". */
const THROTTLED = [...named('ServiceThrottled'), ...LAMBDA_THROTTLED];

/** No answer, or one that says nothing of the request: worth another try at once. */
const NO_ANSWER = [...named('ServiceUnavailable'), ...LAMBDA_PASSING];
const UNAVAILABLE = [...NO_ANSWER, 'States.Timeout'];

/** What can go wrong in passing when the state itself publishes an event. */
const PUBLISHING = [...EVENTBRIDGE_PASSING, 'States.Timeout'];

/** A policy that waits something out: with growing pauses, for as many seconds as are given, and not much longer. */
const waitOut = (errors: readonly string[], seconds: number): RetryPolicy => {
  const pauses = { errors, ...OUTAGE_PAUSES, jitter: false };
  let maxAttempts = 0;
  while (longestPauses({ ...pauses, maxAttempts }) < seconds) maxAttempts += 1;
  return { ...pauses, maxAttempts };
};

export const retryPolicies = {
  /** Longer than others can be busy by chance; what is busy for longer has a queue (docs/limits.md). */
  throttling: {
    errors: THROTTLED,
    intervalSeconds: 2,
    backoffRate: 2,
    maxDelaySeconds: 30,
    maxAttempts: 12,
    jitter: true,
  },
  transient: {
    errors: UNAVAILABLE,
    intervalSeconds: 1,
    backoffRate: 2,
    maxDelaySeconds: 10,
    maxAttempts: 4,
    jitter: true,
  },
  /** A user that was just created may not be found for a moment. */
  eventualConsistency: {
    errors: named('UserNotFound'),
    intervalSeconds: 1,
    backoffRate: 1.5,
    maxDelaySeconds: 5,
    maxAttempts: 5,
    jitter: false,
  },
  publishing: {
    errors: PUBLISHING,
    intervalSeconds: 1,
    backoffRate: 2,
    maxDelaySeconds: 10,
    maxAttempts: 4,
    jitter: true,
  },
  /** The target's API, sign-in, secret or key cannot be used: nothing is lost by waiting until it is back. */
  targetOutage: waitOut(named('TargetUnavailable'), timeLimits.outage),
  /** The machine user may have been replaced between the look at its secret and the sign-in. */
  signInRefused: {
    errors: named('App2AuthenticationFailed'),
    intervalSeconds: 1,
    backoffRate: 1,
    maxDelaySeconds: 1,
    maxAttempts: 1,
    jitter: false,
  },
  /** App2 is at work: each look waits at App2 first, so the pauses can be short and still cost little. */
  userCreationPending: {
    errors: named('UserCreationPending'),
    intervalSeconds: 1,
    backoffRate: 1.5,
    maxDelaySeconds: 120,
    maxAttempts: 110,
    jitter: false,
  },
  /**
   * The queue at App2 is full: the request is sent again later, and not all at once. For three hours and a half: with one
   * attempt more the worst case of App1 would be longer than its machine may take.
   */
  app2QueueFull: {
    errors: named('App2QueueFull'),
    intervalSeconds: 60,
    backoffRate: 2,
    maxDelaySeconds: 600,
    maxAttempts: 23,
    jitter: true,
  },
  /** The caller holds its share of the queue, or the queue is full: the start is reserved later, and not all at once. */
  creationDeferred: {
    errors: named('CreationDeferred'),
    intervalSeconds: 60,
    backoffRate: 1.5,
    maxDelaySeconds: 300,
    maxAttempts: 8,
    jitter: true,
  },
  /** No notification has come in all the time that App2 can have a queue: the request is repeated, which asks App2. */
  callbackMissed: {
    errors: ['States.Timeout'],
    intervalSeconds: 1,
    backoffRate: 1,
    maxDelaySeconds: 1,
    maxAttempts: 6,
    jitter: false,
  },
  /** As `transient`, for a task with a callback: its time limit means something else. */
  withoutAnswer: {
    errors: NO_ANSWER,
    intervalSeconds: 1,
    backoffRate: 2,
    maxDelaySeconds: 10,
    maxAttempts: 4,
    jitter: true,
  },
  /** "Not found" counts when it is seen again after everything that was under way has landed. */
  absenceConfirmation: {
    errors: named('AbsenceNotConfirmed'),
    intervalSeconds: IN_FLIGHT_SECONDS + 1,
    backoffRate: 1,
    maxDelaySeconds: IN_FLIGHT_SECONDS + 1,
    maxAttempts: 3,
    jitter: false,
  },
  /** Compensating is retried longest: giving up leaves a user behind. */
  compensation: waitOut([...THROTTLED, ...UNAVAILABLE], timeLimits.compensation),
  /** A target that is away, or still at work, while a compensation needs it. One count for all: it is one wait. */
  targetOutageInCompensation: waitOut(
    named('TargetUnavailable', 'App2AuthenticationFailed', 'UserRemovalPending'),
    timeLimits.outageInCompensation,
  ),
  compensationPublishing: {
    errors: PUBLISHING,
    intervalSeconds: 1,
    backoffRate: 2,
    maxDelaySeconds: 20,
    maxAttempts: 6,
    jitter: true,
  },
} as const satisfies Record<string, RetryPolicy>;

export type RetryPolicyName = keyof typeof retryPolicies;

/** Gives a task the named policies. */
export function retry(task: TaskStateBase, ...names: RetryPolicyName[]): void {
  for (const name of names) {
    const { errors, intervalSeconds, backoffRate, maxDelaySeconds, maxAttempts, jitter } =
      retryPolicies[name];
    task.addRetry({
      errors: [...errors],
      interval: Duration.seconds(intervalSeconds),
      backoffRate,
      maxDelay: Duration.seconds(maxDelaySeconds),
      maxAttempts,
      ...(jitter ? { jitterStrategy: JitterType.FULL } : {}),
    });
  }
}

/** Longest time in seconds that a policy can spend in pauses. */
export function longestPauses({
  intervalSeconds,
  backoffRate,
  maxDelaySeconds,
  maxAttempts,
}: RetryPolicy): number {
  return Array.from({ length: maxAttempts }, (_, n) =>
    Math.min(intervalSeconds * backoffRate ** n, maxDelaySeconds),
  ).reduce((a, b) => a + b, 0);
}
