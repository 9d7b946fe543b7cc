import type { IEventBus } from 'aws-cdk-lib/aws-events';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { type IChainable, Succeed } from 'aws-cdk-lib/aws-stepfunctions';
import type { Construct } from 'constructs';
import { stopExecution } from '../states.ts';
import { compensateUserCreation } from './compensation.ts';

export interface RollBackServiceUserParts {
  stopUserCreation: IFunction;
  deleteUser: IFunction;
  bus: IEventBus;
}

/**
 * App2's removal of a service user that is wanted no longer, whatever state its creation is in.
 *
 *     StopUserCreation ─▶ DeleteUser ─▶ ChoosePublishedOutcome ─▶ PublishUserRolledBack | PublishUserCreationCancelled | PublishUserRemoved ─▶ UserRemoved
 *
 * DeleteUser waits out what the stopped creation may still have under way.
 */
export function rollBackServiceUser(scope: Construct, parts: RollBackServiceUserParts): IChainable {
  const compensation = compensateUserCreation(scope, {
    deleteUser: parts.deleteUser,
    bus: parts.bus,
    end: new Succeed(scope, 'UserRemoved'),
    removes: true,
  });
  return stopExecution(scope, 'StopUserCreation', {
    run: parts.stopUserCreation,
    next: compensation.start,
    otherwise: compensation.publishRollBackFailed,
    assign: (stopped) => ({
      user_sub: null,
      creation_in_flight: stopped('creation_in_flight'),
      creation_refused: false,
    }),
  });
}
