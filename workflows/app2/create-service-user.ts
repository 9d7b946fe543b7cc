import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { type IChainable, Succeed } from 'aws-cdk-lib/aws-stepfunctions';
import type { Construct } from 'constructs';
import type { FailureName } from '../../contracts/failures.ts';
import {
  failAs,
  input,
  jsonata,
  onCompensationFailure,
  onFailure,
  optionalInput,
  publishEvent,
  runStep,
  type ServiceBus,
  waitUntil,
} from '../states.ts';
import { compensateUserCreation } from './compensation.ts';

/** Errors of CreateUser after which Cognito has certainly created nothing. */
const REFUSALS: readonly FailureName[] = ['UsernameRejected', 'UserAlreadyExists', 'UserBeingRemoved'];

/**
 * Whether no user was created and no call is in flight: there was only one attempt, and Cognito refused it. After a
 * retry, a call of the earlier attempt may still take effect.
 */
const REFUSED = `$states.context.State.RetryCount = 0 and $states.errorOutput.Error in ${JSON.stringify(REFUSALS)}`;

export interface CreateServiceUserParts {
  decryptCredentials: IFunction;
  createUser: IFunction;
  setPassword: IFunction;
  addToGroup: IFunction;
  deleteUser: IFunction;
  bus: ServiceBus;
}

/**
 * App2's creation of a service user.
 *
 *     DecryptCredentials ─▶ WaitForRateLimit ─▶ CreateUser ─▶ SetPassword ─▶ AddToGroup ─▶ PublishUserCreated ─▶ UserCreated
 *            │                                       └──────────────┴──── any failure ────────────┴─▶ DeleteUser ─▶ PublishUserRolledBack ─▶ UserCreationRolledBack
 *            └─▶ PublishUserCreationRejected ─▶ UserCreationRejected
 */
export function createServiceUser(scope: Construct, parts: CreateServiceUserParts): IChainable {
  const { bus } = parts;
  const compensation = compensateUserCreation(scope, {
    deleteUser: parts.deleteUser,
    bus,
    end: failAs(scope, 'UserCreationRolledBack'),
    removes: false,
  });

  // Nothing is created yet, so there is nothing to compensate: a failure is only published.
  const decryptCredentials = runStep(scope, 'DecryptCredentials', {
    run: parts.decryptCredentials,
    payload: 'execution input',
    retries: ['throttling', 'transient', 'creationDeferred'],
    assign: { start_at: jsonata('$states.result.Payload.start_at') },
  });
  const publishRejected = publishEvent(scope, 'PublishUserCreationRejected', {
    retries: 'compensationPublishing',
    event: 'ServiceUserCreationRejected',
    bus,
    failures: ['failure'],
  });
  decryptCredentials.addCatch(failAs(scope, 'Cancelled'), {
    errors: ['Cancelled'],
    assign: { failure: { step: 'DecryptCredentials', error: 'Cancelled' } },
  });
  onCompensationFailure(publishRejected, compensation.outcomeNotPublished);
  publishRejected.next(failAs(scope, 'UserCreationRejected'));

  // A redriven execution creates nothing, from whichever state it continues.
  const redrive_count = jsonata('$states.context.Execution.RedriveCount');

  // If the first attempt succeeds, no other call can create a user later.
  const createUser = runStep(scope, 'CreateUser', {
    run: parts.createUser,
    payload: {
      provisioning_id: input('provisioning_id'),
      creation_id: input('creation_id'),
      username: input('username'),
      human_user_id: input('human_user_id'),
      owner: input('owner'),
      on_behalf_of: optionalInput('on_behalf_of'),
      redrive_count,
    },
    retries: ['throttling', 'transient'],
    assign: {
      user_sub: jsonata('$states.result.Payload.sub'),
      creation_in_flight: jsonata('$states.context.State.RetryCount > 0'),
      creation_refused: false,
    },
  });
  onFailure(createUser, compensation.start, {
    user_sub: null,
    creation_in_flight: jsonata(`$not(${REFUSED})`),
    creation_refused: jsonata(REFUSED),
  });

  const setPassword = runStep(scope, 'SetPassword', {
    run: parts.setPassword,
    payload: {
      provisioning_id: input('provisioning_id'),
      username: input('username'),
      encrypted_password: input('encrypted_password'),
      sub: jsonata('$user_sub'),
      redrive_count,
    },
    retries: ['throttling', 'transient', 'eventualConsistency'],
  });
  onFailure(setPassword, compensation.start);

  const addToGroup = runStep(scope, 'AddToGroup', {
    run: parts.addToGroup,
    payload: { provisioning_id: input('provisioning_id'), sub: jsonata('$user_sub'), redrive_count },
    retries: ['throttling', 'transient', 'eventualConsistency'],
  });
  onFailure(addToGroup, compensation.start);

  // No user without its audit event: if the event cannot be published, the user is removed.
  const publishUserCreated = publishEvent(scope, 'PublishUserCreated', {
    retries: 'publishing',
    event: 'ServiceUserCreated',
    bus,
    redriven: compensation.start,
  });
  onFailure(publishUserCreated, compensation.start);

  onFailure(decryptCredentials, publishRejected);

  return decryptCredentials
    .next(waitUntil(scope, 'WaitForRateLimit', jsonata('$start_at')))
    .next(createUser)
    .next(setPassword)
    .next(addToGroup)
    .next(publishUserCreated)
    .next(new Succeed(scope, 'UserCreated'));
}
