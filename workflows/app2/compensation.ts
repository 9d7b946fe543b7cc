import type { IEventBus } from 'aws-cdk-lib/aws-events';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { Fail, IChainable } from 'aws-cdk-lib/aws-stepfunctions';
import type { Construct } from 'constructs';
import {
  choosePublishedOutcome,
  failAs,
  input,
  jsonata,
  onCompensationFailure,
  publishEvent,
  publishOutcome,
  runStep,
} from '../states.ts';

interface Compensation {
  deleteUser: IFunction;
  bus: IEventBus;
  /** Where the undo ends. */
  end: IChainable;
  /** Whether a creation that had succeeded can be what is undone; then the variable `had_succeeded` says so. */
  removes: boolean;
}

/**
 * Undoing the creation of a user: written once, used by `CreateServiceUser` when a step fails and by
 * `RollBackServiceUser` when the user is wanted no longer.
 *
 *     DeleteUser ─▶ PublishUserRolledBack ─▶ (end)
 *
 * Expects the variables `user_sub` (null when not known), `creation_in_flight`, `creation_refused` and `failure`.
 */
export function compensateUserCreation(
  scope: Construct,
  { deleteUser: run, bus, end, removes }: Compensation,
): { start: IChainable; outcomeNotPublished: Fail; publishRollBackFailed: IChainable } {
  const rollBackFailed = failAs(scope, 'RollBackFailed');
  const outcomeNotPublished = failAs(scope, 'OutcomeNotPublished');

  const publishRolledBack = publishEvent(scope, 'PublishUserRolledBack', {
    retries: 'compensationPublishing',
    event: 'ServiceUserCreationRolledBack',
    bus,
    failures: ['failure'],
  });
  onCompensationFailure(publishRolledBack, outcomeNotPublished);
  publishRolledBack.next(end);

  const last = { bus, end, outcomeNotPublished };
  const publishUndone = removes
    ? choosePublishedOutcome(scope, {
        hadSucceeded: publishOutcome(scope, 'PublishUserRemoved', { ...last, event: 'ServiceUserRemoved' }),
        cancelled: publishOutcome(scope, 'PublishUserCreationCancelled', {
          ...last,
          event: 'ServiceUserCreationCancelled',
        }),
        otherwise: publishRolledBack,
      })
    : publishRolledBack;

  const publishRollBackFailed = publishEvent(scope, 'PublishRollBackFailed', {
    retries: 'compensationPublishing',
    event: 'ServiceUserRollBackFailed',
    bus,
    failures: ['failure', 'compensation_failure'],
  });
  publishRollBackFailed.next(rollBackFailed);
  onCompensationFailure(publishRollBackFailed, rollBackFailed);

  const deleteUser = runStep(scope, 'DeleteUser', {
    run,
    payload: {
      provisioning_id: input('provisioning_id'),
      creation_id: input('creation_id'),
      username: input('username'),
      sub: jsonata('$user_sub'),
      creation_in_flight: jsonata('$creation_in_flight'),
      creation_refused: jsonata('$creation_refused'),
      entered_at: jsonata('$states.context.State.EnteredTime'),
    },
    retries: ['absenceConfirmation', 'compensation'],
  });
  onCompensationFailure(deleteUser, publishRollBackFailed);
  deleteUser.next(publishUndone);
  return { start: deleteUser, outcomeNotPublished, publishRollBackFailed };
}
