import type { IEventBus } from 'aws-cdk-lib/aws-events';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { Fail, IChainable } from 'aws-cdk-lib/aws-stepfunctions';
import type { Construct } from 'constructs';
import {
  announce,
  announceEnd,
  chooseAnnouncement,
  failAs,
  input,
  jsonata,
  onUndoFailure,
  runStep,
} from '../states.ts';

interface Undo {
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
 *     DeleteUser ─▶ AnnounceRolledBack ─▶ (end)
 *
 * Expects the variables `user_sub` (null when not known), `creation_in_flight`, `creation_refused` and `failure`.
 */
export function undoUserCreation(
  scope: Construct,
  { deleteUser: run, bus, end, removes }: Undo,
): { start: IChainable; endNotAnnounced: Fail; announceRollBackFailed: IChainable } {
  const rollBackFailed = failAs(scope, 'RollBackFailed');
  const endNotAnnounced = failAs(scope, 'EndNotAnnounced');

  const announceRolledBack = announce(scope, 'AnnounceRolledBack', {
    retries: 'undoPublishing',
    event: 'ServiceUserCreationRolledBack',
    bus,
    failures: ['failure'],
  });
  onUndoFailure(announceRolledBack, endNotAnnounced);
  announceRolledBack.next(end);

  const last = { bus, end, endNotAnnounced };
  const announceUndone = removes
    ? chooseAnnouncement(scope, {
        hadSucceeded: announceEnd(scope, 'AnnounceRemoved', { ...last, event: 'ServiceUserRemoved' }),
        cancelled: announceEnd(scope, 'AnnounceCancelled', {
          ...last,
          event: 'ServiceUserCreationCancelled',
        }),
        otherwise: announceRolledBack,
      })
    : announceRolledBack;

  const announceRollBackFailed = announce(scope, 'AnnounceRollBackFailed', {
    retries: 'undoPublishing',
    event: 'ServiceUserRollBackFailed',
    bus,
    failures: ['failure', 'undo_failure'],
  });
  announceRollBackFailed.next(rollBackFailed);
  onUndoFailure(announceRollBackFailed, rollBackFailed);

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
  onUndoFailure(deleteUser, announceRollBackFailed);
  deleteUser.next(announceUndone);
  return { start: deleteUser, endNotAnnounced, announceRollBackFailed };
}
