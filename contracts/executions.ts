import * as z from 'zod';
import { failureCause } from './failures.ts';
import { timestamp } from './fields.ts';
import { origin } from './origin.ts';
import { storedCreationId, storedProvisioningId, storedSubject, storedText } from './stored.ts';

/**
 * Inputs of the workflows. They contain nothing secret: passwords are encrypted first. Executions of other releases are
 * read, too, so unknown fields are ignored, and values are not checked by the rules for requests (stored.ts).
 */

/** Names of targets. They need not be registered any more. */
export const storedTargets = z.array(storedText).min(1);

const subject = { ...storedSubject, ...origin.shape };

/** Input of App1's `ProvisionServiceUser`. */
export const provisioningInput = z.object({
  ...subject,
  /** The caller that may read and cancel it: account and unique id of the IAM role or user. */
  owner: storedText,
  /** Names of the targets at which the user is created: those of the request, or the default targets. */
  targets: storedTargets,
  /** The password, encrypted under App1's intake key. */
  intake_ciphertext: storedText,
  /** KMS MAC over the request, password included: identifies a repeated request without storing the request. */
  request_mac: storedText,
  /** The failed provisioning that this one retries, with its encrypted password. */
  retry_of: storedProvisioningId.optional(),
});
export type ProvisioningInput = z.infer<typeof provisioningInput>;

/** Input of a target's `CreateServiceUser`. */
export const userCreationInput = z.object({
  ...subject,
  /** The service that may read and cancel it: the owner of the machine client, from its verified token. */
  owner: storedText,
  /** The caller for which the machine client acts, as the client states; not verified. */
  on_behalf_of: storedText.optional(),
  encrypted_password: storedText,
  /** Estimated start of the creation; absent if the queue was empty at the request. */
  estimated_start_at: timestamp.optional(),
  /** Whether the client requested a completion notification. */
  notify: z.literal(true).optional(),
});
export type UserCreationInput = z.infer<typeof userCreationInput>;

/**
 * Input of `CreateServiceUser` for a cancellation that arrives before its request: the execution reserves the name, so
 * that the later request cannot create a user.
 */
export const cancelledCreationInput = z.object({
  provisioning_id: storedProvisioningId,
  /** The generation that is cancelled. */
  creation_id: storedCreationId,
  owner: storedText,
  cancelled: z.literal(true),
  trace_id: origin.shape.trace_id,
});

/** Input of any execution of `CreateServiceUser`. */
export const anyCreationInput = z.union([userCreationInput, cancelledCreationInput]);

/** Input of the roll-backs: `RollBackProvisioning` of App1, `RollBackServiceUser` of a target. */
export const rollBackInput = z.object({
  ...subject,
  owner: storedText,
  /** At a target only. */
  on_behalf_of: storedText.optional(),
  /** At App1 only. */
  targets: storedTargets.optional(),
  /**
   * Outcome of the execution when its roll-back was started. The roll-back reads the outcome again, and uses this one
   * only if the record of the execution has expired.
   */
  had_succeeded: z.boolean(),
  failure: failureCause,
});
export type RollBackInput = z.infer<typeof rollBackInput>;

/** Part of the payload of every function of a workflow: identifies the step, for logs and metrics. */
export const stepContext = z.object({
  step: z.object({
    provisioning_id: storedProvisioningId,
    trace_id: storedText.nullish(),
    machine: z.string(),
    /** Name of the execution. */
    execution: z.string(),
    state: z.string(),
    /** Counts from 1. */
    attempt: z.int().positive(),
  }),
});
