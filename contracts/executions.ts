import * as z from 'zod';
import { failureCause } from './failures.ts';
import { timestamp } from './fields.ts';
import { origin } from './origin.ts';
import { storedCreationId, storedProvisioningId, storedSubject, storedText } from './stored.ts';

/**
 * What the workflows are started with. Nothing in them is secret: passwords are sealed before. These are stored shapes:
 * executions of other releases are read, too, so a field that is not known is passed over, and no value is measured by
 * the rules for requests (stored.ts).
 */

const subject = { ...storedSubject, ...origin.shape };

/** Input of App1's `ProvisionServiceUser`. */
export const provisioningInput = z.object({
  ...subject,
  /** Who may ask about it: account and unique id of the calling role or user. */
  owner: storedText,
  /** The password under App1's intake key. */
  intake_ciphertext: storedText,
  /** KMS MAC over the request, password included: tells a repeat from another request without keeping either. */
  request_mac: storedText,
  /** The provisioning that this one tries again, from its sealed password. */
  retry_of: storedProvisioningId.optional(),
});
export type ProvisioningInput = z.infer<typeof provisioningInput>;

/** Input of App2's `CreateServiceUser`. */
export const userCreationInput = z.object({
  ...subject,
  /** Who may ask about it: the service whose machine client asked, as its verified token says. */
  owner: storedText,
  /** Whom the machine client says that it acts for; nobody has verified it. */
  on_behalf_of: storedText.optional(),
  encrypted_password: storedText,
  /** When the creation will probably start; absent when there was no queue as it was requested. */
  estimated_start_at: timestamp.optional(),
  /** Whether the client is to be notified of the outcome. */
  notify: z.literal(true).optional(),
});
export type UserCreationInput = z.infer<typeof userCreationInput>;

/**
 * What `CreateServiceUser` is started with when the cancellation arrives before the request: the name is taken, so
 * the request that comes later cannot create anything.
 */
export const cancelledCreationInput = z.object({
  provisioning_id: storedProvisioningId,
  /** The generation that is cancelled. */
  creation_id: storedCreationId,
  owner: storedText,
  cancelled: z.literal(true),
  trace_id: origin.shape.trace_id,
});

/** Whichever of the two an execution of `CreateServiceUser` was started with. */
export const anyCreationInput = z.union([userCreationInput, cancelledCreationInput]);

/** Input of the roll-backs: `RollBackProvisioning` of App1, `RollBackServiceUser` of App2. */
export const rollBackInput = z.object({
  ...subject,
  owner: storedText,
  /** At App2 only. */
  on_behalf_of: storedText.optional(),
  /**
   * How the execution stood when its roll-back was started. What the roll-back itself finds counts more; this is for
   * when the execution's record has expired by then.
   */
  had_succeeded: z.boolean(),
  failure: failureCause,
});
export type RollBackInput = z.infer<typeof rollBackInput>;

/** What every state tells its function beside what the step needs: which step it is, for logs and metrics. */
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
