import * as z from 'zod';
import { revokedCredentials } from '../contracts/app2-operations.ts';
import { passwordPolicy } from '../contracts/password-policy.ts';
import { serviceName as service } from '../contracts/services.ts';
import { executionStatus, receivedStatus, receivedTimelineStep } from '../contracts/status.ts';
import { targetState } from '../contracts/targets.ts';

/**
 * The output of the commands with `--json`. A release may add fields; it does not remove a field or change its meaning.
 * The same schemas parse App1's responses and ignore unknown fields, so a newer App1 can add fields.
 */

/** State of a provisioning as App1's API returns it, without the timeline, which has a command of its own. */
export const provisioning = receivedStatus.omit({ timeline: true, timeline_incomplete: true });
export type Provisioning = z.infer<typeof provisioning>;

/** Output of `create`, `retry`, `status` and `cancel`, and of each row of `list`. */
export const provisioningReport = z.object({
  ...provisioning.shape,
  /** The provisioning that this one retries; only `list` returns it. */
  retry_of: z.string().optional(),
  /**
   * What a provisioning that failed or was cancelled has left at the targets. `not_checked`: a target is registered as gone,
   * so its pool is not checked.
   */
  left_behind: z.enum(['nothing', 'maybe_a_user', 'not_checked']).optional(),
  /** The next command for the operator; null when there is nothing to do. */
  next: z.string().nullable(),
});
export type ProvisioningReport = z.infer<typeof provisioningReport>;

/** Output of `create` and `retry` with `--no-wait`. */
export const acceptedOutput = z.object({
  provisioning_id: z.string(),
  status: executionStatus,
  next: z.string(),
});

/** Output of `list`. */
export const listOutput = z.object({
  since: z.string(),
  provisionings: z.array(provisioningReport),
  /** Number of provisionings beyond `--limit`. */
  more: z.int(),
  /** Names of executions that App1 did not start or that have expired. */
  unreadable: z.array(z.string()),
});
export type ListOutput = z.infer<typeof listOutput>;

/** A service whose data is not complete, and the reason. */
const incompleteService = z.object({ service, reason: z.string() });
export type IncompleteService = z.infer<typeof incompleteService>;

/** Output of `timeline`. */
export const timelineOutput = z.object({
  provisioning_id: z.string(),
  timeline: z.array(receivedTimelineStep),
  incomplete: z.array(incompleteService),
});
export type TimelineOutput = z.infer<typeof timelineOutput>;

/** One line of output of `events`. */
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

/** Output of `doctor`. */
export const doctorOutput = z.object({
  healthy: z.boolean(),
  environment: z.string(),
  checks: z.array(
    z.object({
      /** Name of the service, or `all`. */
      service: z.string(),
      check: z.string(),
      verdict: z.enum(['ok', 'warning', 'failed', 'unchecked']),
      found: z.string(),
      remedy: z.string().optional(),
    }),
  ),
});
export type DoctorOutput = z.infer<typeof doctorOutput>;

/** A target in App1's registry. The fields after `state` are absent if the target is gone. */
const targetRow = z.object({
  name: z.string(),
  state: targetState,
  /** Whether the API of the target responds. */
  reachable: z.boolean().optional(),
  /** Why it is not reachable. */
  reason: z.string().optional(),
  api_url: z.string().optional(),
  password_policy: passwordPolicy.optional(),
  creations_per_second: z.number().optional(),
});
export type TargetRow = z.infer<typeof targetRow>;

/** Output of `targets`. */
export const targetsOutput = z.object({ targets: z.array(targetRow) });
export type TargetsOutput = z.infer<typeof targetsOutput>;

/** Output of every command that fails. */
export const errorOutput = z.object({
  error: z.object({ code: z.string(), message: z.string(), remedy: z.string() }),
});

/** The schema of the JSON output, by command. */
export const jsonOutputs = {
  create: provisioningReport,
  status: provisioningReport,
  cancel: provisioningReport,
  retry: provisioningReport,
  list: listOutput,
  timeline: timelineOutput,
  events: eventLine,
  targets: targetsOutput,
  doctor: doctorOutput,
  'revoke-machine-credentials': revokedCredentials,
} as const;
