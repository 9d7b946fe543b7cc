import { Duration } from 'aws-cdk-lib';
import { JitterType, type TaskStateBase } from 'aws-cdk-lib/aws-stepfunctions';
import type { FailureName } from '../contracts/failures.ts';
import { IN_FLIGHT_SECONDS } from '../contracts/time-limits.ts';

/**
 * All retry policies, by name. A step is retried for the errors of its policies and for no others: what is not here
 * is permanent. Each policy counts its own attempts.
 * docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html#error-handling-retrying-after-an-error
 */
export interface RetryPolicy {
  readonly errors: readonly string[];
  /** Seconds before the first retry; each further pause is `backoff` times as long, up to `longest` seconds. */
  readonly first: number;
  readonly backoff: number;
  readonly longest: number;
  readonly attempts: number;
  /** Whether a pause is drawn at random between nothing and its length, so that many do not come back at once. */
  readonly jitter: boolean;
}

const named = (...names: FailureName[]): string[] => names;

/** The service said "too many". `Lambda.TooManyRequestsException` is Lambda's own concurrency limit. */
const THROTTLED = [...named('ServiceThrottled'), 'Lambda.TooManyRequestsException'];

/** No answer, or one that says nothing of the request: worth another try at once. */
const NO_ANSWER = [
  ...named('ServiceUnavailable'),
  'Lambda.ServiceException',
  'Lambda.AWSLambdaException',
  'Lambda.SdkClientException',
  'Lambda.ClientExecutionTimeoutException',
  'Lambda.Unknown',
  'Runtime.ExitError',
  'Sandbox.Timedout',
];
const UNAVAILABLE = [...NO_ANSWER, 'States.Timeout'];

/** What can go wrong in passing when the state itself publishes an event. */
const PUBLISHING = [
  'EventBridge.FailedEntry',
  'EventBridge.InternalException',
  'EventBridge.SdkClientException',
  'EventBridge.EventBridgeException',
  'States.Timeout',
];

export const retryPolicies = {
  /** Longer than others can be busy by chance; what is busy for longer has a queue (docs/limits.md). */
  throttling: { errors: THROTTLED, first: 2, backoff: 2, longest: 30, attempts: 12, jitter: true },
  transient: { errors: UNAVAILABLE, first: 1, backoff: 2, longest: 10, attempts: 4, jitter: true },
  /** A user that was just created may not be found for a moment. */
  conflictAfterCreate: {
    errors: named('UserVanished'),
    first: 1,
    backoff: 1.5,
    longest: 5,
    attempts: 5,
    jitter: false,
  },
  publishing: { errors: PUBLISHING, first: 1, backoff: 2, longest: 10, attempts: 4, jitter: true },
  /** App2 has gone away; nothing is lost by waiting for it for a while. */
  app2Unavailable: {
    errors: named('App2Unavailable'),
    first: 1,
    backoff: 2,
    longest: 30,
    attempts: 6,
    jitter: true,
  },
  /** App2 is at work: each look waits at App2 first, so the pauses can be short and still cost little. */
  userCreationPending: {
    errors: named('UserCreationPending'),
    first: 1,
    backoff: 1.5,
    longest: 30,
    attempts: 250,
    jitter: false,
  },
  /** App2 has too much to do: who comes back later, and not all at once, is served in the end. */
  app2Busy: { errors: named('App2Busy'), first: 60, backoff: 2, longest: 600, attempts: 24, jitter: true },
  /** App2 has announced nothing in all the time that it can have a queue: it is asked, and then waited for again. */
  announcementMissed: {
    errors: ['States.Timeout'],
    first: 1,
    backoff: 1,
    longest: 1,
    attempts: 4,
    jitter: false,
  },
  /** What can go wrong in passing with a task whose time limit is that of an announcement. */
  beforeAnnouncement: {
    errors: [...NO_ANSWER, ...THROTTLED, ...named('App2Unavailable')],
    first: 1,
    backoff: 2,
    longest: 30,
    attempts: 6,
    jitter: true,
  },
  userRemovalPending: {
    errors: named('UserRemovalPending'),
    first: 1,
    backoff: 1.5,
    longest: 30,
    attempts: 250,
    jitter: false,
  },
  /** "Not found" counts when it is seen again after everything that was under way has landed. */
  absenceConfirmation: {
    errors: named('AbsenceNotConfirmed'),
    first: IN_FLIGHT_SECONDS + 1,
    backoff: 1,
    longest: IN_FLIGHT_SECONDS + 1,
    attempts: 3,
    jitter: false,
  },
  /** Undoing is retried longest: giving up leaves a user behind. */
  undoThrottling: { errors: THROTTLED, first: 2, backoff: 2, longest: 60, attempts: 20, jitter: true },
  undoPublishing: { errors: PUBLISHING, first: 1, backoff: 2, longest: 20, attempts: 6, jitter: true },
  undoTransient: {
    errors: [...UNAVAILABLE, ...named('App2Unavailable', 'App2AuthenticationFailed')],
    first: 1,
    backoff: 2,
    longest: 60,
    attempts: 20,
    jitter: true,
  },
} as const satisfies Record<string, RetryPolicy>;

export type RetryPolicyName = keyof typeof retryPolicies;

/** Gives a task the named policies. */
export function retry(task: TaskStateBase, ...names: RetryPolicyName[]): void {
  for (const name of names) {
    const { errors, first, backoff, longest, attempts, jitter } = retryPolicies[name];
    task.addRetry({
      errors: [...errors],
      interval: Duration.seconds(first),
      backoffRate: backoff,
      maxDelay: Duration.seconds(longest),
      maxAttempts: attempts,
      ...(jitter ? { jitterStrategy: JitterType.FULL } : {}),
    });
  }
}

/** Longest time in seconds that a policy can spend in pauses. */
export function longestPauses({ first, backoff, longest, attempts }: RetryPolicy): number {
  return Array.from({ length: attempts }, (_, n) => Math.min(first * backoff ** n, longest)).reduce(
    (a, b) => a + b,
    0,
  );
}
