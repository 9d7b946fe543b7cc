import type { FailureName } from '../../../contracts/failures.ts';
import type { ReceivedStatus } from '../../../contracts/status.ts';
import { StepError } from '../../shared/errors.ts';

/** What the status of a creation at App2 means for App1's step. */

/** Failures of App2 that mean the same to App1's caller. Any other is App2's own matter: `UserCreationFailed`. */
const SAME_AT_APP1: Partial<Record<string, FailureName>> = {
  CREDENTIALS_REJECTED: 'CredentialsRejected',
  PASSWORD_REJECTED: 'PasswordRejected',
  USERNAME_REJECTED: 'UsernameRejected',
  QUEUE_FULL: 'CreationDeferred',
  USER_ALREADY_EXISTS: 'UserAlreadyExists',
  USER_BEING_REMOVED: 'UserBeingRemoved',
  USER_NOT_FOUND: 'UserNotFound',
};

/** @throws UserCreationPending while App2 is at work; any other StepError when it has ended without a user */
export function confirmCreated({ status, user, error }: ReceivedStatus): void {
  if (status === 'RUNNING') throw new StepError('UserCreationPending', 'App2 is still creating the user.');
  if (status === 'SUCCEEDED' && user === 'present') return;
  throw new StepError(
    SAME_AT_APP1[error?.code ?? ''] ?? 'UserCreationFailed',
    `App2 ended the creation as ${status}${error === undefined ? '' : ` in ${error.step}`}.`,
  );
}

/** How the step ends that waits for a creation: with a user, or with an error. */
export type Outcome = 'UserCreated' | FailureName;

/** The outcome of a creation by its status; `undefined` while App2 is at work. */
export function outcomeOf(status: ReceivedStatus): Outcome | undefined {
  try {
    confirmCreated(status);
    return 'UserCreated';
  } catch (error) {
    if (!(error instanceof StepError)) throw error;
    return error.name === 'UserCreationPending' ? undefined : error.name;
  }
}
