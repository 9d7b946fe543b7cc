import * as z from 'zod';
import { revokedCredentials } from '../contracts/app2-operations.ts';
import { service, services } from '../contracts/services.ts';
import { executionStatus, timelineStep, userPresence } from '../contracts/status.ts';

/**
 * What the commands print with `--json`: fields may be added, none is taken away or changes its meaning. What App1
 * answers is read by these schemas, too, so a newer App1 that says more does no harm.
 */

const failure = z.object({
  code: z.string(),
  step: z.string(),
  message: z.string(),
  remedy: z.string(),
  retryable: z.boolean(),
});

/** What a provisioning waits for that is under way; what is waited for, and codes, may be new ones. */
const waitingFor = z.object({
  what: z.string(),
  target: z.string().optional(),
  step: z.string(),
  since: z.string(),
  code: z.string(),
  retry_at: z.string().optional(),
});
export type WaitingFor = z.infer<typeof waitingFor>;

/** State of a provisioning, as App1's API tells it. */
export const provisioning = z.object({
  provisioning_id: z.string(),
  status: executionStatus,
  user: userPresence,
  username: z.string().optional(),
  human_user_id: z.string().optional(),
  started_at: z.string(),
  stopped_at: z.string().optional(),
  /** While it is queued: when it will probably have ended. */
  estimated_end_at: z.string().optional(),
  /** While a step has failed in passing, and is tried again. */
  waiting_for: waitingFor.optional(),
  error: failure.optional(),
});
export type Provisioning = z.infer<typeof provisioning>;

/** What `create`, `retry`, `status` and `cancel` print, and each row of `list`. */
export const shownProvisioning = z.object({
  ...provisioning.shape,
  /** The provisioning that this one tries again; known to `list` only. */
  retry_of: z.string().optional(),
  /** What there is of a provisioning that ended badly or was cancelled. */
  left_behind: z.enum(['nothing', 'maybe_a_user']).optional(),
  /** The command that comes next; null when there is nothing to do. */
  next: z.string().nullable(),
});
export type ShownProvisioning = z.infer<typeof shownProvisioning>;

/** What `create` and `retry` print with `--no-wait`. */
export const acceptedAnswer = z.object({
  provisioning_id: z.string(),
  status: executionStatus,
  next: z.string(),
});

/** What `list` prints. */
export const listAnswer = z.object({
  since: z.string(),
  provisionings: z.array(shownProvisioning),
  /** How many more there are than `--limit` shows. */
  more: z.int(),
  /** Executions that App1 did not start, or that are gone by now. */
  unreadable: z.array(z.string()),
});
export type ListAnswer = z.infer<typeof listAnswer>;

/** What of the system is out of sight, and why. */
const unseen = z.object({ service, why: z.string() });
export type Unseen = z.infer<typeof unseen>;

/** What `timeline` prints. */
export const timelineAnswer = z.object({
  provisioning_id: z.string(),
  timeline: z.array(timelineStep),
  unseen: z.array(unseen),
});
export type TimelineAnswer = z.infer<typeof timelineAnswer>;

/** One line of `events`. */
export const eventLine = z.object({
  occurred_at: z.string(),
  source: z.string(),
  name: z.string(),
  provisioning_id: z.string(),
  event_id: z.string(),
  sequence: z.int(),
  actor: z.string().optional(),
  data: z.record(z.string(), z.unknown()),
});
export type EventLine = z.infer<typeof eventLine>;

/** What `doctor` prints. */
export const doctorAnswer = z.object({
  healthy: z.boolean(),
  where: z.string(),
  checks: z.array(
    z.object({
      service: z.enum([...services, 'both']),
      check: z.string(),
      verdict: z.enum(['ok', 'warning', 'wrong', 'unseen']),
      saw: z.string(),
      remedy: z.string().optional(),
    }),
  ),
});
export type DoctorAnswer = z.infer<typeof doctorAnswer>;

/** What any command prints when it cannot do what it was asked for. */
export const errorAnswer = z.object({
  error: z.object({ code: z.string(), message: z.string(), remedy: z.string() }),
});

/** What is printed as JSON, by command. */
export const answers = {
  create: shownProvisioning,
  status: shownProvisioning,
  cancel: shownProvisioning,
  retry: shownProvisioning,
  list: listAnswer,
  timeline: timelineAnswer,
  events: eventLine,
  doctor: doctorAnswer,
  'revoke-machine-credentials': revokedCredentials,
} as const;
