import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { Choice, Condition, type IChainable, Succeed } from 'aws-cdk-lib/aws-stepfunctions';
import type { Construct } from 'constructs';
import { jsonata, type ServiceBus, stopExecution } from '../states.ts';
import { compensateProvisioning, NOTHING_GONE } from './compensation.ts';

export interface RollBackProvisioningParts {
  stopProvisioning: IFunction;
  callTarget: IFunction;
  bus: ServiceBus;
}

/**
 * App1's roll-back of a provisioning: after a cancellation, an abort or a timeout, and for the sweep.
 *
 *     StopProvisioning ─▶ ChooseCompensation ─▶ CancelUserCreation ─▶ ChoosePublishedOutcome ─▶ PublishProvisioningFailed | PublishProvisioningCancelled | PublishDeprovisioned ─▶ Deprovisioned
 *
 * A provisioning that has not requested the creation needs no call to the target: ChooseCompensation goes to
 * ChoosePublishedOutcome, so that it can be cancelled while the target is not available. A request in flight to the target needs no
 * wait: the target has recorded the cancellation when the request arrives.
 */
export function rollBackProvisioning(scope: Construct, parts: RollBackProvisioningParts): IChainable {
  const compensation = compensateProvisioning(scope, {
    callTarget: parts.callTarget,
    bus: parts.bus,
    end: new Succeed(scope, 'Deprovisioned'),
    deprovisions: true,
  });
  const chooseCompensation = Choice.jsonata(scope, 'ChooseCompensation')
    .when(Condition.jsonata(jsonata('$creation_requested')), compensation.start)
    .otherwise(compensation.publishCompensated);
  return stopExecution(scope, 'StopProvisioning', {
    run: parts.stopProvisioning,
    next: chooseCompensation,
    otherwise: compensation.publishRollBackFailed,
    assign: (result) => ({ creation_requested: result('creation_requested'), ...NOTHING_GONE }),
  });
}
