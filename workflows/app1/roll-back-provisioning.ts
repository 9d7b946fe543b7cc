import type { IEventBus } from 'aws-cdk-lib/aws-events';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { type IChainable, Succeed } from 'aws-cdk-lib/aws-stepfunctions';
import type { Construct } from 'constructs';
import { stopExecution } from '../states.ts';
import { undoProvisioning } from './undo.ts';

export interface RollBackProvisioningParts {
  stopProvisioning: IFunction;
  callApp2: IFunction;
  bus: IEventBus;
}

/**
 * App1's roll-back of a provisioning whose user is wanted no longer, whatever state it is in.
 *
 *     StopProvisioning ─▶ CancelUserCreation ─▶ ChooseAnnouncement ─▶ AnnounceProvisioningFailed | AnnounceProvisioningCancelled | AnnounceDeprovisioned ─▶ Deprovisioned
 *
 * A request to App2 that is still under way needs no waiting for: App2 knows the cancellation when it arrives.
 */
export function rollBackProvisioning(scope: Construct, parts: RollBackProvisioningParts): IChainable {
  const undo = undoProvisioning(scope, {
    callApp2: parts.callApp2,
    bus: parts.bus,
    end: new Succeed(scope, 'Deprovisioned'),
    deprovisions: true,
  });
  return stopExecution(scope, 'StopProvisioning', {
    run: parts.stopProvisioning,
    next: undo.start,
    otherwise: undo.announceRollBackFailed,
  });
}
