import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { Fail, IChainable } from 'aws-cdk-lib/aws-stepfunctions';
import type { Construct } from 'constructs';
import {
  choosePublishedOutcome,
  failAs,
  input,
  jsonata,
  onCompensationFailure,
  publishEvent,
  publishOutcome,
  runStep,
  type ServiceBus,
} from '../states.ts';

interface Compensation {
  deleteUser: IFunction;
  bus: ServiceBus;
  /** Final state after the compensation. */
  end: IChainable;
  /** Whether it also removes the user of a successful creation; then the variable `had_succeeded` is needed. */
  removes: boolean;
}

/**
 * Compensation of the creation of a user. `CreateServiceUser` runs it if a step fails; `RollBackServiceUser` runs it
 * after a cancellation, an abort or a timeout.
 *
 *     DeleteUser ─▶ PublishUserRolledBack ─▶ (end)
 *
 * It needs the variables `user_sub` (null if unknown), `creation_in_flight`, `creation_refused` and `failure`.
 * @returns `start`, the first state; `outcomeNotPublished`, a Fail state; `publishRollBackFailed`, the next state if the
 * roll-back cannot start
 */
export function compensateUserCreation(
  scope: Construct,
  { deleteUser: run, bus, end, removes }: Compensation,
): { start: IChainable; outcomeNotPublished: Fail; publishRollBackFailed: IChainable } {
  const rollBackFailed = failAs(scope, 'RollBackFailed');
  const outcomeNotPublished = failAs(scope, 'OutcomeNotPublished');

  const publishRolledBack = publishEvent(scope, 'PublishUserRolledBack', {
    retries: 'compensationPublishing',
    event: 'ServiceUserCreationRolledBack',
    bus,
    failures: ['failure'],
  });
  onCompensationFailure(publishRolledBack, outcomeNotPublished);
  publishRolledBack.next(end);

  const final = { bus, end, outcomeNotPublished };
  const publishCompensated = removes
    ? choosePublishedOutcome(scope, {
        hadSucceeded: publishOutcome(scope, 'PublishUserRemoved', { ...final, event: 'ServiceUserRemoved' }),
        cancelled: publishOutcome(scope, 'PublishUserCreationCancelled', {
          ...final,
          event: 'ServiceUserCreationCancelled',
        }),
        otherwise: publishRolledBack,
      })
    : publishRolledBack;

  const publishRollBackFailed = publishEvent(scope, 'PublishRollBackFailed', {
    retries: 'compensationPublishing',
    event: 'ServiceUserRollBackFailed',
    bus,
    failures: ['failure', 'compensation_failure'],
  });
  publishRollBackFailed.next(rollBackFailed);
  onCompensationFailure(publishRollBackFailed, rollBackFailed);

  const deleteUser = runStep(scope, 'DeleteUser', {
    run,
    payload: {
      provisioning_id: input('provisioning_id'),
      creation_id: input('creation_id'),
      username: input('username'),
      sub: jsonata('$user_sub'),
      creation_in_flight: jsonata('$creation_in_flight'),
      creation_refused: jsonata('$creation_refused'),
      entered_at: jsonata('$states.context.State.EnteredTime'),
    },
    retries: ['absenceConfirmation', 'compensation'],
  });
  onCompensationFailure(deleteUser, publishRollBackFailed);
  deleteUser.next(publishCompensated);
  return { start: deleteUser, outcomeNotPublished, publishRollBackFailed };
}
