import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { type IChainable, Succeed } from 'aws-cdk-lib/aws-stepfunctions';
import type { Construct } from 'constructs';
import { timeLimits } from '../../contracts/time-limits.ts';
import {
  awaitCallback,
  failAs,
  input,
  jsonata,
  onFailure,
  optionalInput,
  publishEvent,
  runStep,
  type ServiceBus,
} from '../states.ts';
import { compensateProvisioning, NOTHING_GONE, TARGET } from './compensation.ts';

export interface ProvisionServiceUserParts {
  callTarget: IFunction;
  encryptCredentials: IFunction;
  bus: ServiceBus;
}

/**
 * App1's provisioning of a service user at the target.
 *
 *     PublishRequested ─▶ Authenticate ─▶ EncryptCredentials ─▶ RequestUserCreation ─▶ PublishProvisioned ─▶ Provisioned
 *             │                 │                  │                    └──── any failure ───┴──▶ CancelUserCreation ─┐
 *             └─────────────────┴──────────────────┴───────────────────────────────▶ PublishProvisioningFailed ◀────────┘
 *                                                                                                  └─▶ ProvisioningFailed
 */
export function provisionServiceUser(scope: Construct, parts: ProvisionServiceUserParts): IChainable {
  const { bus, callTarget } = parts;
  const compensation = compensateProvisioning(scope, {
    callTarget,
    bus,
    end: failAs(scope, 'ProvisioningFailed'),
    deprovisions: false,
  });

  // Before the request to the target there is nothing to compensate: a failure is only published.
  const publishRequested = publishEvent(scope, 'PublishRequested', {
    retries: 'publishing',
    event: 'ServiceUserProvisioningRequested',
    bus,
  });
  onFailure(publishRequested, compensation.publishFailed, NOTHING_GONE);

  const authenticate = runStep(scope, 'Authenticate', {
    run: callTarget,
    payload: { action: 'Authenticate', target: TARGET },
    retries: ['targetOutage', 'signInRefused', 'throttling', 'transient'],
    timeout: timeLimits.targetTask,
  });
  onFailure(authenticate, compensation.publishFailed, NOTHING_GONE);

  const encryptCredentials = runStep(scope, 'EncryptCredentials', {
    run: parts.encryptCredentials,
    payload: {
      target: TARGET,
      provisioning_id: input('provisioning_id'),
      username: input('username'),
      intake_ciphertext: input('intake_ciphertext'),
    },
    retries: ['targetOutage', 'throttling', 'transient'],
    assign: { encrypted_password: jsonata('$states.result.Payload.encrypted_password') },
  });
  onFailure(encryptCredentials, compensation.publishFailed, NOTHING_GONE);

  // From here on the target may have created the user.
  const requestUserCreation = awaitCallback(scope, 'RequestUserCreation', {
    run: callTarget,
    payload: {
      action: 'RequestUserCreation',
      target: TARGET,
      provisioning_id: input('provisioning_id'),
      creation_id: input('creation_id'),
      username: input('username'),
      encrypted_password: jsonata('$encrypted_password'),
      human_user_id: input('human_user_id'),
      owner: input('owner'),
      trace_id: optionalInput('trace_id'),
      redrive_count: jsonata('$states.context.Execution.RedriveCount'),
    },
    retries: [
      'userCreationPending',
      'targetQueueFull',
      'targetOutage',
      'signInRefused',
      'callbackMissed',
      'throttling',
      'noResponse',
    ],
    timeout: timeLimits.callback,
  });
  onFailure(requestUserCreation, compensation.start);

  const publishProvisioned = publishEvent(scope, 'PublishProvisioned', {
    retries: 'publishing',
    event: 'ServiceUserProvisioned',
    bus,
  });
  onFailure(publishProvisioned, compensation.start);

  return publishRequested
    .next(authenticate)
    .next(encryptCredentials)
    .next(requestUserCreation)
    .next(publishProvisioned)
    .next(new Succeed(scope, 'Provisioned'));
}
