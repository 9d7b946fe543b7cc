import type { IEventBus } from 'aws-cdk-lib/aws-events';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { Choice, Condition, type IChainable, Succeed } from 'aws-cdk-lib/aws-stepfunctions';
import type { Construct } from 'constructs';
import { jsonata, stopExecution } from '../states.ts';
import { compensateProvisioning } from './compensation.ts';

export interface RollBackProvisioningParts {
  stopProvisioning: IFunction;
  callApp2: IFunction;
  bus: IEventBus;
}

/**
 * App1's roll-back of a provisioning whose user is wanted no longer, whatever state it is in.
 *
 *     StopProvisioning ─▶ ChooseCompensation ─▶ CancelUserCreation ─▶ ChoosePublishedOutcome ─▶ PublishProvisioningFailed | PublishProvisioningCancelled | PublishDeprovisioned ─▶ Deprovisioned
 *
 * What has not reached the request to App2 needs nothing of it: ChooseCompensation goes to ChoosePublishedOutcome, so that a
 * provisioning can be cancelled while App2 is away. A request to App2 that is still under way needs no waiting for: App2 knows the cancellation when it arrives.
 */
export function rollBackProvisioning(scope: Construct, parts: RollBackProvisioningParts): IChainable {
  const compensation = compensateProvisioning(scope, {
    callApp2: parts.callApp2,
    bus: parts.bus,
    end: new Succeed(scope, 'Deprovisioned'),
    deprovisions: true,
  });
  const chooseCompensation = Choice.jsonata(scope, 'ChooseCompensation')
    .when(Condition.jsonata(jsonata('$creation_requested')), compensation.start)
    .otherwise(compensation.publishUndone);
  return stopExecution(scope, 'StopProvisioning', {
    run: parts.stopProvisioning,
    next: chooseCompensation,
    otherwise: compensation.publishRollBackFailed,
    assign: (stopped) => ({ creation_requested: stopped('creation_requested') }),
  });
}
