import type { IEventBus } from 'aws-cdk-lib/aws-events';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { IChainable } from 'aws-cdk-lib/aws-stepfunctions';
import type { Construct } from 'constructs';
import { timeLimits } from '../../contracts/time-limits.ts';
import {
  announce,
  announceEnd,
  chooseAnnouncement,
  failAs,
  input,
  onUndoFailure,
  optionalInput,
  runStep,
} from '../states.ts';

interface Undo {
  callApp2: IFunction;
  bus: IEventBus;
  /** Where the undo ends. */
  end: IChainable;
  /** Whether a provisioning that had succeeded can be what is undone; then the variable `had_succeeded` says so. */
  deprovisions: boolean;
}

/**
 * Undoing a provisioning at App2: written once, used by `ProvisionServiceUser` when a step fails and by
 * `RollBackProvisioning` when the user is wanted no longer.
 *
 *     CancelUserCreation ─▶ AnnounceProvisioningFailed ─▶ (end)
 *
 * Expects the variable `failure`. `announceFailed` is where a failure goes that needs no undo, `announceUndone` where
 * a roll-back goes on that has nothing to undo.
 */
export function undoProvisioning(
  scope: Construct,
  { callApp2, bus, end, deprovisions }: Undo,
): {
  start: IChainable;
  announceUndone: IChainable;
  announceFailed: IChainable;
  announceRollBackFailed: IChainable;
} {
  const rollBackFailed = failAs(scope, 'RollBackFailed');
  const endNotAnnounced = failAs(scope, 'EndNotAnnounced');

  const announceFailed = announce(scope, 'AnnounceProvisioningFailed', {
    retries: 'undoPublishing',
    event: 'ServiceUserProvisioningFailed',
    bus,
    failures: ['failure'],
  });
  onUndoFailure(announceFailed, endNotAnnounced);
  announceFailed.next(end);

  const last = { bus, end, endNotAnnounced };
  const announceUndone = deprovisions
    ? chooseAnnouncement(scope, {
        hadSucceeded: announceEnd(scope, 'AnnounceDeprovisioned', {
          ...last,
          event: 'ServiceUserDeprovisioned',
        }),
        cancelled: announceEnd(scope, 'AnnounceProvisioningCancelled', {
          ...last,
          event: 'ServiceUserProvisioningCancelled',
        }),
        otherwise: announceFailed,
      })
    : announceFailed;

  const announceRollBackFailed = announce(scope, 'AnnounceRollBackFailed', {
    retries: 'undoPublishing',
    event: 'ServiceUserProvisioningRollBackFailed',
    bus,
    failures: ['failure', 'undo_failure'],
  });
  announceRollBackFailed.next(rollBackFailed);
  onUndoFailure(announceRollBackFailed, rollBackFailed);

  // Done when App2 says that no user of this provisioning is left, or will be.
  const cancelUserCreation = runStep(scope, 'CancelUserCreation', {
    run: callApp2,
    payload: {
      action: 'CancelUserCreation',
      provisioning_id: input('provisioning_id'),
      creation_id: input('creation_id'),
      username: input('username'),
      trace_id: optionalInput('trace_id'),
    },
    retries: ['targetOutageInCompensation', 'compensation'],
    timeout: timeLimits.app2Task,
  });
  onUndoFailure(cancelUserCreation, announceRollBackFailed);
  cancelUserCreation.next(announceUndone);
  return { start: cancelUserCreation, announceUndone, announceFailed, announceRollBackFailed };
}
