import type { IEventBus } from 'aws-cdk-lib/aws-events';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { IChainable } from 'aws-cdk-lib/aws-stepfunctions';
import type { Construct } from 'constructs';
import type { EventName } from '../../contracts/events.ts';
import { announce, failAs, input, jsonata, onUndoFailure, runStep } from '../states.ts';

/**
 * Undoing the creation of a user: written once, used by `CreateServiceUser` when a step fails and by
 * `RollBackServiceUser` when the user is wanted no longer.
 *
 * Expects the variables `user_sub` (null when not known) and `creation_in_flight`.
 */
export function undoUserCreation(
  scope: Construct,
  parts: {
    deleteUser: IFunction;
    bus: IEventBus;
    announcement: string;
    event: EventName;
    end: IChainable;
    failed: boolean;
  },
) {
  const rollBackFailed = failAs(scope, 'RollBackFailed');
  const endNotAnnounced = failAs(scope, 'EndNotAnnounced');

  const deleteUser = runStep(scope, 'DeleteUser', {
    run: parts.deleteUser,
    payload: {
      provisioning_id: input('provisioning_id'),
      username: input('username'),
      sub: jsonata('$user_sub'),
      creation_in_flight: jsonata('$creation_in_flight'),
      entered_at: jsonata('$states.context.State.EnteredTime'),
    },
    retries: ['absenceConfirmation', 'undoThrottling', 'undoTransient'],
  });
  const announceUndone = announce(scope, parts.announcement, {
    retries: 'undoPublishing',
    event: parts.event,
    bus: parts.bus,
    failed: parts.failed,
  });
  const announceRollBackFailed = announce(scope, 'AnnounceRollBackFailed', {
    retries: 'undoPublishing',
    event: 'ServiceUserRollBackFailed',
    bus: parts.bus,
    failed: true,
  });

  deleteUser.next(announceUndone);
  announceUndone.next(parts.end);
  onUndoFailure(deleteUser, announceRollBackFailed);
  onUndoFailure(announceUndone, endNotAnnounced);
  announceRollBackFailed.next(rollBackFailed);
  onUndoFailure(announceRollBackFailed, rollBackFailed);
  return { start: deleteUser, endNotAnnounced };
}
