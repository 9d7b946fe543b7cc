import * as z from 'zod';
import { failureCode, failureReport, knownCode } from './failures.ts';
import { provisioningId, timestamp } from './fields.ts';
import { service } from './services.ts';
import { storedText } from './stored.ts';

/** Step Functions' own words for the state of an execution. */
export const executionStatus = z.enum(['RUNNING', 'SUCCEEDED', 'FAILED', 'ABORTED', 'TIMED_OUT']);
export type ExecutionStatus = z.infer<typeof executionStatus>;

/**
 * Whether the user that this provisioning made exists; `being_removed` until a compensation is known to be complete.
 * `unknown` while nobody has looked: the provisioning runs, or was cancelled before its request came. `absent` only when
 * a look at the pool or a compensation has established it, or nothing was ever asked of the pool.
 */
export const userPresence = z.enum(['unknown', 'absent', 'present', 'being_removed']);
export type UserPresence = z.infer<typeof userPresence>;

/** A name of an error as AWS gives it; nothing else is repeated in a timeline. */
export const errorName = z.string().regex(/^[\w.-]{1,128}$/);

const duration = z.int().nonnegative();

/**
 * One try of a step. The parts of a timeline are written and read by the same schemas: a reader of another release drops
 * the fields that it does not know.
 */
export const attempt = z.object({
  started_at: timestamp,
  /** Absent while it is under way, and where it was broken off. */
  duration_ms: duration.optional(),
  /** Absent when it went well, is under way or was broken off. */
  error: z.object({ name: errorName, code: failureCode }).optional(),
});
export type Attempt = z.infer<typeof attempt>;

/** One step of a workflow. */
export const timelineStep = z.object({
  service,
  workflow: z.string(),
  /** Name of the execution: the provisioning_id; of a roll-back `<provisioning_id>.<creation_id>.<attempt>`. */
  execution: z.string(),
  step: z.string(),
  started_at: timestamp,
  duration_ms: duration.optional(),
  /** None for a step that only decides or ends. */
  attempts: z.array(attempt),
});
export type TimelineStep = z.infer<typeof timelineStep>;

/** What `?include=timeline` adds to a status. */
export const timelinePart = z.object({
  /** The steps of both services, of creations and of roll-backs, in the order in which they began. */
  timeline: z.array(timelineStep),
  /** The services of which something is missing: one that did not answer in time, or has more than is shown. */
  timeline_incomplete: z.array(service).optional(),
});
export type TimelinePart = z.infer<typeof timelinePart>;

/** What a step that has failed in passing waits for, before it is tried again. */
export const waitingReasons = {
  target: 'until the target can be used again: its API, its sign-in, its secret or its key',
  target_queue: 'until the queue of the target has room',
  target_result: 'until the target has finished what it was asked for',
  calls_in_flight: 'until no call can be under way any more that could still make a user',
  aws: 'until a service of AWS can be used again',
} as const;

/** Since when, and for what, a provisioning waits that is under way. */
export const waitingFor = z.strictObject({
  what: z.enum(['target', 'target_queue', 'target_result', 'calls_in_flight', 'aws']),
  /** The target that is waited for; absent when it is none. */
  target: z.literal('app2').optional(),
  step: z.string(),
  /** Begin of the first attempt that failed. */
  since: timestamp,
  /** Why the latest attempt failed. */
  code: knownCode,
  /** When the next attempt begins, if that is known. */
  retry_at: timestamp.optional(),
});
export type WaitingFor = z.infer<typeof waitingFor>;

/** What a status can be asked to include, by the query parameter `include`. */
export const include = z.enum(['timeline'], { error: 'must be `timeline`' });

/**
 * State of a provisioning as its owner sees it; the same at both services. It tells what is stored, so username and
 * human_user_id are as they were asked for, whatever the rules for requests are by now.
 */
export const provisioningStatus = z.strictObject({
  provisioning_id: provisioningId,
  status: executionStatus,
  user: userPresence,
  /** Both absent when the provisioning was cancelled before its request arrived. */
  username: storedText.optional(),
  human_user_id: storedText.optional(),
  started_at: timestamp,
  stopped_at: timestamp.optional(),
  /** While it is queued: when it will probably have ended. */
  estimated_end_at: timestamp.optional(),
  /** While a step has failed in passing, and is tried again. */
  waiting_for: waitingFor.optional(),
  error: failureReport.optional(),
  ...timelinePart.partial().shape,
});
export type ProvisioningStatus = z.infer<typeof provisioningStatus>;

/**
 * A status as a client reads it: what it acts upon, and nothing else. A service of another release may say more, in
 * words that this one does not know.
 */
export const receivedStatus = z.object({
  status: executionStatus,
  user: z.string(),
  estimated_end_at: timestamp.optional(),
  error: z.object({ code: z.string(), step: z.string() }).optional(),
  ...timelinePart.partial().shape,
});
export type ReceivedStatus = z.infer<typeof receivedStatus>;
