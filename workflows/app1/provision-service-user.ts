import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { Errors, Fail, type IChainable, Succeed, type TaskStateBase } from 'aws-cdk-lib/aws-stepfunctions';
import type { Construct } from 'constructs';
import type { FailureCause } from '../../contracts/failures.ts';
import { timeLimits } from '../../contracts/time-limits.ts';
import {
  awaitCallback,
  failAs,
  forEachTarget,
  input,
  item,
  jsonata,
  onFailure,
  optionalInput,
  publishEvent,
  runStep,
  type ServiceBus,
} from '../states.ts';
import { ALL_REQUESTED, compensateProvisioning, NOTHING_REQUESTED } from './compensation.ts';

export interface ProvisionServiceUserParts {
  callTarget: IFunction;
  encryptCredentials: IFunction;
  bus: ServiceBus;
}

/** Step that requests the creation. Before it, a target cannot have created a user. */
export const REQUEST_STEP = 'RequestUserCreation';

const REDRIVEN = '$states.context.Execution.RedriveCount > 0';

/** Error of an iteration that failed. Its Cause is a `failureCause` with the target, in JSON. */
const TARGET_FAILED = 'TargetFailed';
const CAUSE_FIELDS = ['target', 'step', 'error'] as const satisfies (keyof FailureCause)[];

/**
 * App1's provisioning of a service user at all of its targets: at each of them, or at none.
 *
 *     PublishRequested ─▶ ProvisionTargets [ Authenticate ─▶ EncryptCredentials ─▶ RequestUserCreation ]
 *             │                   │                                     ─▶ PublishProvisioned ─▶ Provisioned
 *             └── any failure ────┴───────────────────────────────────────────────┴──▶ CompensateTargets
 *                                                             ─▶ PublishProvisioningFailed ─▶ ProvisioningFailed
 *
 * The first target that fails stops the iterations of the others. A request that a stopped iteration still sends arrives
 * before the cancellation, or finds it.
 */
export function provisionServiceUser(scope: Construct, parts: ProvisionServiceUserParts): IChainable {
  const { bus } = parts;
  const compensation = compensateProvisioning(scope, {
    callTarget: parts.callTarget,
    bus,
    end: failAs(scope, 'ProvisioningFailed'),
    deprovisions: false,
  });

  const publishRequested = publishEvent(scope, 'PublishRequested', {
    retries: 'publishing',
    event: 'ServiceUserProvisioningRequested',
    bus,
  });
  onFailure(publishRequested, compensation.start, NOTHING_REQUESTED);

  const provisionTargets = forEachTarget(scope, 'ProvisionTargets', { run: provisionTarget(scope, parts) });
  const cause = '$cause := $parse($states.errorOutput.Cause)';
  // The failed target has received the request, unless an earlier step failed; the others may have received it. A redrive may
  // begin an iteration again, after its target has received the request: AWS documents only which iterations it runs.
  const requested = `${REDRIVEN} or $cause.step = '${REQUEST_STEP}' or $ != $cause.target`;
  provisionTargets.addCatch(compensation.start, {
    errors: [TARGET_FAILED],
    assign: {
      failure: jsonata(`(${cause}; $cause)`),
      creation_requested: jsonata(`(${cause}; [$states.context.Execution.Input.targets[${requested}]])`),
    },
  });
  // The Cause of any other error is free text.
  onFailure(provisionTargets, compensation.start, ALL_REQUESTED);

  const publishProvisioned = publishEvent(scope, 'PublishProvisioned', {
    retries: 'publishing',
    event: 'ServiceUserProvisioned',
    bus,
  });
  onFailure(publishProvisioned, compensation.start, ALL_REQUESTED);

  return publishRequested
    .next(provisionTargets)
    .next(publishProvisioned)
    .next(new Succeed(scope, 'Provisioned'));
}

/** The steps at one target: an iteration of `ProvisionTargets`. */
function provisionTarget(
  scope: Construct,
  { callTarget, encryptCredentials }: ProvisionServiceUserParts,
): IChainable {
  const targetFailed = Fail.jsonata(scope, TARGET_FAILED, {
    error: TARGET_FAILED,
    cause: jsonata(
      `$string({${CAUSE_FIELDS.map((field) => `'${field}': $states.input.${field}`).join(', ')}})`,
    ),
  });
  const fail = (task: TaskStateBase) =>
    task.addCatch(targetFailed, {
      errors: [Errors.ALL],
      outputs: { target: item('target'), step: task.id, error: jsonata('$states.errorOutput.Error') },
    });

  const authenticate = runStep(scope, 'Authenticate', {
    run: callTarget,
    payload: { action: 'Authenticate', target: item('target') },
    retries: ['targetOutage', 'signInRefused', 'throttling', 'transient'],
    outputs: jsonata('$states.input'),
    timeout: timeLimits.targetTask,
  });

  const encrypt = runStep(scope, 'EncryptCredentials', {
    run: encryptCredentials,
    payload: {
      target: item('target'),
      provisioning_id: input('provisioning_id'),
      username: input('username'),
      intake_ciphertext: input('intake_ciphertext'),
    },
    retries: ['targetOutage', 'throttling', 'transient'],
    outputs: jsonata('$merge([$states.input, $states.result.Payload])'),
  });

  // From here on the target may have created the user.
  const requestUserCreation = awaitCallback(scope, REQUEST_STEP, {
    run: callTarget,
    payload: {
      action: 'RequestUserCreation',
      target: item('target'),
      provisioning_id: input('provisioning_id'),
      creation_id: input('creation_id'),
      username: input('username'),
      encrypted_password: item('encrypted_password'),
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

  for (const task of [authenticate, encrypt, requestUserCreation]) fail(task);
  return authenticate.next(encrypt).next(requestUserCreation);
}
