/**
 * How the workflows can end. Succeed and Fail states have these names; a Fail state's `Error` is its name and its
 * `Cause` a `failureCause` in JSON, written by JSONata.
 *
 * A clean end says: what was done is undone and announced, there is nothing left to do. Every other end (a Fail that
 * is not in the list, an abort, a timeout) leaves work for a roll-back.
 */
export const cleanOutcomes = {
  app1: ['ProvisioningFailed'],
  app2: ['UserCreationRejected', 'UserCreationRolledBack', 'Cancelled'],
} as const;

/** Error of an execution that a roll-back has stopped, because the user is not wanted any more. */
export const CANCELLED = 'Cancelled';

/** Undone, but the event that says so could not be published. No user is left; the announcement is. */
export const OUTCOME_NOT_PUBLISHED = 'OutcomeNotPublished';

/** The undo itself failed for as long as it was retried. A user may be left. */
export const ROLL_BACK_FAILED = 'RollBackFailed';
