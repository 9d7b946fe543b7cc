import type { FailureName } from '../../contracts/failures.ts';
import type { ReceivedStatus } from '../../contracts/status.ts';
import { StepError } from '../shared/errors.ts';

/** What App1 makes of the status of a creation at App2, whether it was answered or announced. */

/** Failures of App2 that mean the same to App1's caller. Any other is App2's own matter: `UserCreationFailed`. */
const SAME_AT_APP1: Partial<Record<string, FailureName>> = {
  CREDENTIALS_REJECTED: 'CredentialsRejected',
  PASSWORD_REJECTED: 'PasswordRejected',
  USERNAME_REJECTED: 'UsernameRejected',
  QUEUE_FULL: 'App2QueueFull',
  USER_ALREADY_EXISTS: 'UserAlreadyExists',
  USER_BEING_REMOVED: 'UserBeingRemoved',
  USER_VANISHED: 'UserVanished',
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
