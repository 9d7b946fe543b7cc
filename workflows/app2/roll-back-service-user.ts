import type { IEventBus } from 'aws-cdk-lib/aws-events';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { type IChainable, Succeed } from 'aws-cdk-lib/aws-stepfunctions';
import type { Construct } from 'constructs';
import { input, jsonata, onFailure, runStep } from '../states.ts';
import { undoUserCreation } from './undo.ts';

export interface RollBackServiceUserParts {
  stopUserCreation: IFunction;
  deleteUser: IFunction;
  bus: IEventBus;
}

/**
 * App2's removal of a service user that is wanted no longer, whatever state its creation is in.
 *
 *     StopUserCreation ─▶ DeleteUser ─▶ AnnounceRemoved ─▶ UserRemoved
 *
 * DeleteUser waits out what the stopped creation may still have under way.
 */
export function rollBackServiceUser(scope: Construct, parts: RollBackServiceUserParts): IChainable {
  const undo = undoUserCreation(scope, {
    deleteUser: parts.deleteUser,
    bus: parts.bus,
    announcement: 'AnnounceRemoved',
    event: 'ServiceUserRemoved',
    end: new Succeed(scope, 'UserRemoved'),
    failed: false,
  });
  const stopUserCreation = runStep(scope, 'StopUserCreation', {
    run: parts.stopUserCreation,
    payload: { provisioning_id: input('provisioning_id') },
    retries: ['undoThrottling', 'undoTransient'],
    assign: {
      user_sub: null,
      creation_in_flight: jsonata('$states.result.Payload.creation_in_flight'),
      failure: { step: 'Execution', error: 'ExecutionAborted' },
    },
  });
  // What cannot be stopped is undone all the same; DeleteUser then waits as if it were still at work.
  onFailure(stopUserCreation, undo.start, { user_sub: null, creation_in_flight: true });
  return stopUserCreation.next(undo.start);
}
