import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { type IChainable, Succeed } from 'aws-cdk-lib/aws-stepfunctions';
import type { Construct } from 'constructs';
import { input, type ServiceBus, stopExecution } from '../states.ts';
import { compensateProvisioning } from './compensation.ts';

export interface RollBackProvisioningParts {
  stopProvisioning: IFunction;
  callTarget: IFunction;
  bus: ServiceBus;
}

/**
 * App1's roll-back of a provisioning: after a cancellation, an abort or a timeout, and for the sweep.
 *
 *     StopProvisioning ─▶ CompensateTargets ─▶ ChooseOutcome ─▶ ChoosePublishedOutcome
 *         ─▶ PublishProvisioningFailed | PublishProvisioningCancelled | PublishDeprovisioned ─▶ Deprovisioned
 *
 * A target to which the provisioning has sent no request needs no call, so a provisioning can be cancelled while that target
 * is not available. A request in flight to a target needs no wait: the target has recorded the cancellation when the request
 * arrives.
 */
export function rollBackProvisioning(scope: Construct, parts: RollBackProvisioningParts): IChainable {
  const compensation = compensateProvisioning(scope, {
    callTarget: parts.callTarget,
    bus: parts.bus,
    end: new Succeed(scope, 'Deprovisioned'),
    deprovisions: true,
  });
  return stopExecution(scope, 'StopProvisioning', {
    run: parts.stopProvisioning,
    payload: { targets: input('targets') },
    next: compensation.start,
    failed: compensation.stopFailed,
    assign: (result) => ({ creation_requested: result('creation_requested') }),
  });
}
