import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { type IChainable, Succeed } from 'aws-cdk-lib/aws-stepfunctions';
import type { Construct } from 'constructs';
import { type ServiceBus, stopExecution } from '../states.ts';
import { compensateUserCreation } from './compensation.ts';

export interface RollBackServiceUserParts {
  stopUserCreation: IFunction;
  deleteUser: IFunction;
  bus: ServiceBus;
}

/**
 * App2's roll-back of a creation: after a cancellation, an abort or a timeout, and for the sweep.
 *
 *     StopUserCreation ─▶ DeleteUser ─▶ ChoosePublishedOutcome ─▶ PublishUserRolledBack | PublishUserCreationCancelled | PublishUserRemoved ─▶ UserRemoved
 *
 * DeleteUser is retried until no call of the stopped creation can be in flight.
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
    failed: { next: compensation.publishRollBackFailed },
    assign: (result) => ({
      user_sub: null,
      creation_in_flight: result('creation_in_flight'),
      creation_refused: false,
    }),
  });
}
