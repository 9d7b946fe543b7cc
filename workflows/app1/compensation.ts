import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { Choice, Condition, type IChainable, Succeed } from 'aws-cdk-lib/aws-stepfunctions';
import type { Construct } from 'constructs';
import { timeLimits } from '../../contracts/time-limits.ts';
import {
  choosePublishedOutcome,
  failAs,
  forEachTarget,
  input,
  item,
  jsonata,
  onCompensationFailure,
  optionalInput,
  publishEvent,
  publishOutcome,
  runStep,
  type ServiceBus,
} from '../states.ts';

/** Names of the targets of the provisioning. */
const TARGETS = '$states.context.Execution.Input.targets';

/** Variables if no target was requested to create a user, so that no call to a target is needed. */
export const NOTHING_REQUESTED = { creation_requested: [] };

/** Variables if each target may have created a user. */
export const ALL_REQUESTED = { creation_requested: jsonata(TARGETS) };

/** Variables of a compensation that ended before it called the targets. */
const NOTHING_COMPENSATED = { outcomes: jsonata(`[${TARGETS}.{'target': $, 'user': 'unknown'}]`) };

/** An outcome of a compensation: the user may remain at the target. */
const NOT_COMPENSATED = "$outcomes[user = 'unknown']";

interface Compensation {
  callTarget: IFunction;
  bus: ServiceBus;
  /** Final state after the compensation. */
  end: IChainable;
  /** Whether it also removes the user of a successful provisioning; then the variable `had_succeeded` is needed. */
  deprovisions: boolean;
}

/**
 * Compensation of a provisioning at all of its targets. `ProvisionServiceUser` runs it if a step fails;
 * `RollBackProvisioning` runs it after a cancellation, an abort or a timeout.
 *
 *     CompensateTargets [ ChooseCompensation ─▶ CancelUserCreation | NothingRequested ] ─▶ ChooseOutcome
 *         ─▶ PublishProvisioningFailed ─▶ (end)
 *
 * No target waits for another one. An iteration whose retries are used up ends in `UserMayRemain`, so that the other
 * targets are compensated in any case. It needs the variables `failure` and `creation_requested`, the names of the targets
 * that may have received the request.
 * @returns `start`, the first state; `publishRollBackFailed`, the next state if the roll-back cannot start, which needs the
 * variable `outcomes`
 */
export function compensateProvisioning(
  scope: Construct,
  { callTarget, bus, end, deprovisions }: Compensation,
): { start: IChainable; stopFailed: { next: IChainable; assign: Record<string, unknown> } } {
  const rollBackFailed = failAs(scope, 'RollBackFailed', `{'remaining': [${NOT_COMPENSATED}.target]}`);
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
      target: item('target'),
      provisioning_id: input('provisioning_id'),
      creation_id: input('creation_id'),
      username: input('username'),
      trace_id: optionalInput('trace_id'),
    },
    retries: ['targetOutageInCompensation', 'targetCompensation'],
    timeout: timeLimits.targetTask,
  });
  cancelUserCreation.addCatch(new Succeed(scope, 'UserMayRemain'), {
    outputs: {
      target: item('target'),
      user: 'unknown',
      error: jsonata('$states.errorOutput.Error'),
    },
  });
  const chooseCompensation = Choice.jsonata(scope, 'ChooseCompensation')
    .when(Condition.jsonata(item('creation_requested')), cancelUserCreation)
    .otherwise(
      Succeed.jsonata(scope, 'NothingRequested', {
        outputs: { target: item('target'), user: 'absent' },
      }),
    );

  const chooseOutcome = Choice.jsonata(scope, 'ChooseOutcome')
    .when(Condition.jsonata(jsonata(`$exists(${NOT_COMPENSATED})`)), publishRollBackFailed, {
      assign: {
        compensation_failure: {
          target: jsonata(`${NOT_COMPENSATED}[0].target`),
          step: cancelUserCreation.id,
          error: jsonata(`${NOT_COMPENSATED}[0].error`),
        },
      },
    })
    .otherwise(publishCompensated);

  const compensateTargets = forEachTarget(scope, 'CompensateTargets', {
    run: chooseCompensation,
    item: { creation_requested: jsonata('$states.context.Map.Item.Value in $creation_requested') },
    assign: { outcomes: jsonata('$states.result') },
  });
  onCompensationFailure(compensateTargets, publishRollBackFailed, NOTHING_COMPENSATED);
  compensateTargets.next(chooseOutcome);
  return {
    start: compensateTargets,
    stopFailed: { next: publishRollBackFailed, assign: NOTHING_COMPENSATED },
  };
}
