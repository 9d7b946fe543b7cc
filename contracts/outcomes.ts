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

/** Error of an execution that a roll-back stopped, because the owner cancelled the provisioning. */
export const CANCELLED = 'Cancelled';

/** The compensation succeeded, but its audit event could not be published. No user is left. */
export const OUTCOME_NOT_PUBLISHED = 'OutcomeNotPublished';

/** The compensation failed until its retries were used up. A user may be left. */
export const ROLL_BACK_FAILED = 'RollBackFailed';
