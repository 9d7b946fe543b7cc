import * as z from 'zod';
import { storedText } from './stored.ts';

/**
 * Outcomes of the workflows: names of Fail states. The `Error` of a Fail state is its name, and its `Cause` a
 * `failureCause` in JSON.
 *
 * After a clean outcome nothing is left to do: the completed steps are compensated, and the audit event is published.
 * After every other outcome except success (another Fail state, an abort, a timeout) a roll-back is needed.
 */
export const cleanOutcomes = {
  app1: ['ProvisioningFailed'],
  app2: ['UserCreationRejected', 'UserCreationRolledBack', 'Cancelled'],
} as const;

/**
 * Outcome of the compensation of a provisioning at one target. `absent`: the target has confirmed that no user exists, or no
 * request was sent to it. `gone`: the target is registered as gone, so nothing was checked. `unknown`: the user may remain,
 * because the compensation failed with `error`.
 */
export const targetOutcome = z.strictObject({
  target: storedText,
  user: z.enum(['absent', 'gone', 'unknown']),
  /** Name of the error, as in a timeline. */
  error: z.string().optional(),
});
export type TargetOutcome = z.infer<typeof targetOutcome>;

/** Error of an execution that a roll-back stopped, because the owner cancelled the provisioning. */
export const CANCELLED = 'Cancelled';

/** The compensation succeeded, but its audit event could not be published. No user is left. */
export const OUTCOME_NOT_PUBLISHED = 'OutcomeNotPublished';

/** The compensation failed until its retries were used up. A user may be left. */
export const ROLL_BACK_FAILED = 'RollBackFailed';
