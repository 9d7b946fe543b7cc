import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { IChainable } from 'aws-cdk-lib/aws-stepfunctions';
import type { Construct } from 'constructs';
import { timeLimits } from '../../contracts/time-limits.ts';
import {
  choosePublishedOutcome,
  failAs,
  input,
  jsonata,
  onCompensationFailure,
  optionalInput,
  publishEvent,
  publishOutcome,
  runStep,
  type ServiceBus,
} from '../states.ts';

/** Name of the target of the provisioning. */
export const TARGET = input('targets[0]');

/** Variables of a failure without anything to compensate: the targets that are gone. */
export const NOTHING_GONE = { gone: [] };

interface Compensation {
  callTarget: IFunction;
  bus: ServiceBus;
  /** Final state after the compensation. */
  end: IChainable;
  /** Whether it also removes the user of a successful provisioning; then the variable `had_succeeded` is needed. */
  deprovisions: boolean;
}

/**
 * Compensation of a provisioning at the target. `ProvisionServiceUser` runs it if a step fails; `RollBackProvisioning` runs it
 * after a cancellation, an abort or a timeout.
 *
 *     CancelUserCreation ─▶ PublishProvisioningFailed ─▶ (end)
 *
 * It needs the variables `failure` and, unless it starts with `start`, `gone`.
 * @returns `start`, the first state; `publishFailed`, the next state of a failure without anything to compensate;
 * `publishCompensated`, the same for a roll-back; `publishRollBackFailed`, the next state if the roll-back cannot start
 */
export function compensateProvisioning(
  scope: Construct,
  { callTarget, bus, end, deprovisions }: Compensation,
): {
  start: IChainable;
  publishCompensated: IChainable;
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

  const final = { bus, end, outcomeNotPublished };
  const publishCompensated = deprovisions
    ? choosePublishedOutcome(scope, {
        hadSucceeded: publishOutcome(scope, 'PublishDeprovisioned', {
          ...final,
          event: 'ServiceUserDeprovisioned',
        }),
        cancelled: publishOutcome(scope, 'PublishProvisioningCancelled', {
          ...final,
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

  // Succeeds when the target confirms that no user of this provisioning exists or will be created.
  const cancelUserCreation = runStep(scope, 'CancelUserCreation', {
    run: callTarget,
    payload: {
      action: 'CancelUserCreation',
      target: TARGET,
      provisioning_id: input('provisioning_id'),
      creation_id: input('creation_id'),
      username: input('username'),
      trace_id: optionalInput('trace_id'),
    },
    retries: ['targetOutageInCompensation', 'targetCompensation'],
    assign: { gone: jsonata('$states.result.Payload.gone') },
    timeout: timeLimits.targetTask,
  });
  onCompensationFailure(cancelUserCreation, publishRollBackFailed);
  cancelUserCreation.next(publishCompensated);
  return { start: cancelUserCreation, publishCompensated, publishFailed, publishRollBackFailed };
}
