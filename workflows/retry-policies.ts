import { Duration } from 'aws-cdk-lib';
import { JitterType, type TaskStateBase } from 'aws-cdk-lib/aws-stepfunctions';
import type { FailureName } from '../contracts/failures.ts';
import { IN_FLIGHT_SECONDS, OUTAGE_PAUSES, timeLimits } from '../contracts/time-limits.ts';
import { EVENTBRIDGE_TRANSIENT, LAMBDA_THROTTLED, LAMBDA_TRANSIENT } from './aws-errors.ts';

/**
 * All retry policies, by name. A step is retried only for the errors of its policies; any other error is permanent. Step
 * Functions counts the attempts of each policy separately. The fields are those of a retrier of Amazon States Language.
 * docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html#error-handling-retrying-after-an-error
 */
export interface RetryPolicy {
  readonly errors: readonly string[];
  /** Delay before the first retry in seconds; each further delay is `backoffRate` times longer, up to `maxDelaySeconds`. */
  readonly intervalSeconds: number;
  readonly backoffRate: number;
  readonly maxDelaySeconds: number;
  readonly maxAttempts: number;
  /** Full jitter: a delay is random between 0 and its value, so that many executions do not retry at the same time. */
  readonly jitter: boolean;
}

const failureNames = (...names: FailureName[]): string[] => names;

/** A service throttled the call. */
const THROTTLED = [...failureNames('ServiceThrottled'), ...LAMBDA_THROTTLED];

/** No response, or an error that does not depend on the request. */
const NO_RESPONSE = [...failureNames('ServiceUnavailable'), ...LAMBDA_TRANSIENT];
const UNAVAILABLE = [...NO_RESPONSE, 'States.Timeout'];

/** Transient errors of a state that publishes an event. */
const PUBLISHING = [...EVENTBRIDGE_TRANSIENT, 'States.Timeout'];

/** A policy with the delays of an outage, whose total is at least `seconds` and exceeds it by less than one delay. */
const retryFor = (errors: readonly string[], seconds: number): RetryPolicy => {
  const policy = { errors, ...OUTAGE_PAUSES, jitter: false };
  let maxAttempts = 0;
  while (totalDelaySeconds({ ...policy, maxAttempts }) < seconds) maxAttempts += 1;
  return { ...policy, maxAttempts };
};

export const retryPolicies = {
  /** Covers a short burst of other clients of the account. Longer overload is queued (docs/limits.md). */
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
    errors: failureNames('UserNotFound'),
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
  /** The target's API, sign-in, secret or key is not available. */
  targetOutage: retryFor(failureNames('TargetUnavailable'), timeLimits.outage),
  /** A rotation may have replaced the machine user between the read of its secret and the sign-in. */
  signInRefused: {
    errors: failureNames('TargetAuthenticationFailed'),
    intervalSeconds: 1,
    backoffRate: 1,
    maxDelaySeconds: 1,
    maxAttempts: 1,
    jitter: false,
  },
  /** The target has not finished. Each poll waits at the target (`Prefer: wait`), so that short delays cause few calls. */
  userCreationPending: {
    errors: failureNames('UserCreationPending'),
    intervalSeconds: 1,
    backoffRate: 1.5,
    maxDelaySeconds: 120,
    maxAttempts: 110,
    jitter: false,
  },
  /**
   * The queue at the target is full: the request is sent again later, with jitter, for three and a half hours. With one more
   * attempt, the worst case of App1 would exceed the time limit of its state machine.
   */
  targetQueueFull: {
    errors: failureNames('TargetQueueFull'),
    intervalSeconds: 60,
    backoffRate: 2,
    maxDelaySeconds: 600,
    maxAttempts: 23,
    jitter: true,
  },
  /** The caller holds its share of the queue, or the queue is full: the start is reserved later, with jitter. */
  creationDeferred: {
    errors: failureNames('CreationDeferred'),
    intervalSeconds: 60,
    backoffRate: 1.5,
    maxDelaySeconds: 300,
    maxAttempts: 8,
    jitter: true,
  },
  /** No completion notification within the longest queue of the target: the request is sent again, which polls the target. */
  callbackMissed: {
    errors: ['States.Timeout'],
    intervalSeconds: 1,
    backoffRate: 1,
    maxDelaySeconds: 1,
    maxAttempts: 6,
    jitter: false,
  },
  /** As `transient`, for a task with a callback: its timeout has a policy of its own (`callbackMissed`). */
  noResponse: {
    errors: NO_RESPONSE,
    intervalSeconds: 1,
    backoffRate: 2,
    maxDelaySeconds: 10,
    maxAttempts: 4,
    jitter: true,
  },
  /** "Not found" is confirmed by a second check after every call in flight has finished. */
  absenceConfirmation: {
    errors: failureNames('AbsenceNotConfirmed'),
    intervalSeconds: IN_FLIGHT_SECONDS + 1,
    backoffRate: 1,
    maxDelaySeconds: IN_FLIGHT_SECONDS + 1,
    maxAttempts: 3,
    jitter: false,
  },
  /** A compensation is retried longest: if it fails, a user can remain. */
  compensation: retryFor([...THROTTLED, ...UNAVAILABLE], timeLimits.compensation),
  /** The same for the step that calls a target: an operator can register it again, and its absence proves nothing. */
  targetCompensation: retryFor(
    [...THROTTLED, ...UNAVAILABLE, ...failureNames('TargetNotRegistered')],
    timeLimits.compensation,
  ),
  /** A target that is not available, or has not finished the removal. One policy, so that the attempts count together. */
  targetOutageInCompensation: retryFor(
    failureNames('TargetUnavailable', 'TargetAuthenticationFailed', 'UserRemovalPending'),
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

/** Adds the policies to a task as retriers. */
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

/** Total of the delays of a policy, in seconds, if every attempt is used and jitter draws the longest delay. */
export function totalDelaySeconds({
  intervalSeconds,
  backoffRate,
  maxDelaySeconds,
  maxAttempts,
}: RetryPolicy): number {
  return Array.from({ length: maxAttempts }, (_, n) =>
    Math.min(intervalSeconds * backoffRate ** n, maxDelaySeconds),
  ).reduce((a, b) => a + b, 0);
}
