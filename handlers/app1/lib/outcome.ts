import type { FailureName } from '../../../contracts/failures.ts';
import { StepError } from '../../shared/errors.ts';
import type { CreationStatus } from './target-client.ts';

/** The outcome of App1's step, from the status of a creation at the target. */

/** Failures of the target that App1 reports with the same meaning. Every other failure becomes `UserCreationFailed`. */
const FAILURES_BY_CODE: Partial<Record<string, FailureName>> = {
  CREDENTIALS_REJECTED: 'CredentialsRejected',
  PASSWORD_REJECTED: 'PasswordRejected',
  USERNAME_REJECTED: 'UsernameRejected',
  QUEUE_FULL: 'CreationDeferred',
  USER_ALREADY_EXISTS: 'UserAlreadyExists',
  USER_BEING_REMOVED: 'UserBeingRemoved',
  USER_NOT_FOUND: 'UserNotFound',
};

/** @throws UserCreationPending while the creation is running; another StepError if it finished without a user */
export function confirmCreated({
  status,
  user,
  error,
}: Pick<CreationStatus, 'status' | 'user' | 'error'>): void {
  if (status === 'RUNNING')
    throw new StepError('UserCreationPending', 'The target is still creating the user.');
  if (status === 'SUCCEEDED' && user === 'present') return;
  throw new StepError(
    FAILURES_BY_CODE[error?.code ?? ''] ?? 'UserCreationFailed',
    `The creation at the target is ${status}${error === undefined ? '' : ` in ${error.step}`}.`,
  );
}

/** Outcome of the step that waits for a creation: a user, or the name of a failure. */
export type Outcome = 'UserCreated' | FailureName;

/** The outcome of a creation; `undefined` while it is running. */
export function outcomeOf(status: Pick<CreationStatus, 'status' | 'user' | 'error'>): Outcome | undefined {
  try {
    confirmCreated(status);
    return 'UserCreated';
  } catch (error) {
    if (!(error instanceof StepError)) throw error;
    return error.name === 'UserCreationPending' ? undefined : error.name;
  }
}
