import type { IEventBus } from 'aws-cdk-lib/aws-events';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { IChainable } from 'aws-cdk-lib/aws-stepfunctions';
import type { Construct } from 'constructs';
import { timeLimits } from '../../contracts/time-limits.ts';
import {
  choosePublishedOutcome,
  failAs,
  input,
  onCompensationFailure,
  optionalInput,
  publishEvent,
  publishOutcome,
  runStep,
} from '../states.ts';

interface Compensation {
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
 *     CancelUserCreation ─▶ PublishProvisioningFailed ─▶ (end)
 *
 * Expects the variable `failure`. `publishFailed` is where a failure goes that needs no undo, `publishUndone` where
 * a roll-back goes on that has nothing to compensation.
 */
export function compensateProvisioning(
  scope: Construct,
  { callApp2, bus, end, deprovisions }: Compensation,
): {
  start: IChainable;
  publishUndone: IChainable;
  publishFailed: IChainable;
  publishRollBackFailed: IChainable;
} {
  const rollBackFailed = failAs(scope, 'RollBackFailed');
  const outcomeNotPublished = failAs(scope, 'OutcomeNotPublished');

  const publishFailed = publishEvent(scope, 'PublishProvisioningFailed', {
    retries: 'compensationPublishing',
    event: 'ServiceUserProvisioningFailed',
    bus,
    failures: ['failure'],
  });
  onCompensationFailure(publishFailed, outcomeNotPublished);
  publishFailed.next(end);

  const last = { bus, end, outcomeNotPublished };
  const publishUndone = deprovisions
    ? choosePublishedOutcome(scope, {
        hadSucceeded: publishOutcome(scope, 'PublishDeprovisioned', {
          ...last,
          event: 'ServiceUserDeprovisioned',
        }),
        cancelled: publishOutcome(scope, 'PublishProvisioningCancelled', {
          ...last,
          event: 'ServiceUserProvisioningCancelled',
        }),
        otherwise: publishFailed,
      })
    : publishFailed;

  const publishRollBackFailed = publishEvent(scope, 'PublishRollBackFailed', {
    retries: 'compensationPublishing',
    event: 'ServiceUserProvisioningRollBackFailed',
    bus,
    failures: ['failure', 'compensation_failure'],
  });
  publishRollBackFailed.next(rollBackFailed);
  onCompensationFailure(publishRollBackFailed, rollBackFailed);

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
  onCompensationFailure(cancelUserCreation, publishRollBackFailed);
  cancelUserCreation.next(publishUndone);
  return { start: cancelUserCreation, publishUndone, publishFailed, publishRollBackFailed };
}
