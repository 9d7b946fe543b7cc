import * as z from 'zod';
import { failureCode, failureReport, knownCode } from './failures.ts';
import { provisioningId, timestamp } from './fields.ts';
import { serviceName as service } from './services.ts';
import { storedText } from './stored.ts';

/** Status of an execution, as in DescribeExecution of Step Functions. */
export const executionStatus = z.enum(['RUNNING', 'SUCCEEDED', 'FAILED', 'ABORTED', 'TIMED_OUT']);
export type ExecutionStatus = z.infer<typeof executionStatus>;

/**
 * Whether the user of this provisioning exists. `unknown`: the pool was not checked, because the provisioning is running,
 * was cancelled before its request arrived, or has a target that is gone. `being_removed`: a compensation is not known to be complete. `absent`: a
 * read of the pool or a compensation has confirmed it, or no call to the pool was ever made.
 */
export const userPresence = z.enum(['unknown', 'absent', 'present', 'being_removed']);
export type UserPresence = z.infer<typeof userPresence>;

/** Name of an error, as AWS reports it. A timeline contains no other text of an error. */
export const errorName = z.string().regex(/^[\w.-]{1,128}$/);

const duration = z.int().nonnegative();

const attemptError = z.strictObject({ name: errorName, code: knownCode });

/** One attempt of a step. */
export const attempt = z.strictObject({
  started_at: timestamp,
  /** Milliseconds; absent while the attempt is running, and if it was interrupted. */
  duration_ms: duration.optional(),
  /** Absent if the attempt succeeded, is running or was interrupted. */
  error: attemptError.optional(),
});
export type Attempt = z.infer<typeof attempt>;

/** One step of a workflow. */
export const timelineStep = z.strictObject({
  service,
  workflow: z.string(),
  /** Name of the execution: the provisioning_id; of a roll-back `<provisioning_id>.<creation_id>.<attempt>`. */
  execution: z.string(),
  step: z.string(),
  /** At App1 only: the target of a step that is done for each target. */
  target: storedText.optional(),
  started_at: timestamp,
  duration_ms: duration.optional(),
  /** Empty for Choice, Wait, Succeed and Fail states. */
  attempts: z.array(attempt),
});
export type TimelineStep = z.infer<typeof timelineStep>;

/** The fields that `?include=timeline` adds to a status. */
export const timelinePart = z.strictObject({
  /** The steps of all services, of creations and of roll-backs, in the order of their start times. */
  timeline: z.array(timelineStep),
  /** Services with missing steps: the service did not respond in time, or has more steps than the limit. */
  timeline_incomplete: z.array(service).optional(),
});
export type TimelinePart = z.infer<typeof timelinePart>;

/** Conditions for which a step waits between two attempts. */
export const waitingReasons = {
  target: 'until the API, the sign-in, the secret and the key of the target are available',
  target_queue: 'until the queue of the target is not full',
  target_result: 'until the target has finished the request',
  calls_in_flight: 'until no call that could create a user is in flight',
  aws: 'until an AWS service is available again',
} as const;

/** The condition for which a running provisioning waits, and since when. */
export const waitingFor = z.strictObject({
  what: z.enum(['target', 'target_queue', 'target_result', 'calls_in_flight', 'aws']),
  /** Absent if the provisioning waits for AWS or for its own calls. */
  target: storedText.optional(),
  step: z.string(),
  /** Start time of the first failed attempt. */
  since: timestamp,
  /** Failure of the latest attempt. */
  code: knownCode,
  /** Start time of the next attempt, if it is known. */
  retry_at: timestamp.optional(),
});
export type WaitingFor = z.infer<typeof waitingFor>;

/**
 * Whether the user exists at one target, as `userPresence`. `gone`: App1 has registered the target as gone, so its pool is not
 * checked.
 */
export const targetPresence = z.enum([...userPresence.options, 'gone']);

/** The user of a provisioning at one target. */
export const userAtTarget = z.strictObject({ target: storedText, user: targetPresence });
export type UserAtTarget = z.infer<typeof userAtTarget>;

/** The query parameter `include` of a status. */
export const include = z.enum(['timeline'], { error: 'must be `timeline`' });

/**
 * Status of a provisioning for its owner; the same at all services, except for `targets`. username and human_user_id are stored values, which
 * may not meet the present rules for requests.
 */
export const provisioningStatus = z.strictObject({
  provisioning_id: provisioningId,
  status: executionStatus,
  user: userPresence,
  /** Both absent when the provisioning was cancelled before its request arrived. */
  username: storedText.optional(),
  human_user_id: storedText.optional(),
  /** At App1 only: the user at each target of the provisioning. */
  targets: z.array(userAtTarget).optional(),
  started_at: timestamp,
  stopped_at: timestamp.optional(),
  /** Only while the creation is queued at the target. */
  estimated_end_at: timestamp.optional(),
  /** Only while a step is being retried. */
  waiting_for: waitingFor.optional(),
  error: failureReport.optional(),
  ...timelinePart.partial().shape,
});
export type ProvisioningStatus = z.infer<typeof provisioningStatus>;

/*
 * What a client reads. A service of another release may return further fields, which are dropped, and further values of the
 * fields that each of these schemas replaces.
 */

export const receivedTimelineStep = timelineStep
  .extend({
    attempts: z.array(
      attempt.extend({ error: attemptError.extend({ code: failureCode }).strip().optional() }).strip(),
    ),
  })
  .strip();
export type ReceivedTimelineStep = z.infer<typeof receivedTimelineStep>;

export const receivedTimelinePart = timelinePart.extend({ timeline: z.array(receivedTimelineStep) }).strip();
export type ReceivedTimelinePart = z.infer<typeof receivedTimelinePart>;

export const receivedStatus = provisioningStatus
  .extend({
    user: z.string(),
    targets: z.array(userAtTarget.extend({ user: z.string() }).strip()).optional(),
    waiting_for: waitingFor
      .extend({ what: z.string(), target: z.string().optional(), code: failureCode })
      .strip()
      .optional(),
    error: failureReport.extend({ code: failureCode }).strip().optional(),
    ...receivedTimelinePart.partial().shape,
  })
  .strip();
export type ReceivedStatus = z.infer<typeof receivedStatus>;
