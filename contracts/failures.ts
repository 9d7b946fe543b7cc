import * as z from 'zod';
import { storedText } from './stored.ts';

/** What a provisioning with this failure can leave in the pool. The field `user` of its status has the present state. */
export const leftBehind = {
  nothing: 'Nothing. The compensation removed the user before the provisioning finished.',
  being_removed:
    'Possibly the user, while `user` is `being_removed`. A roll-back starts automatically and removes it; then `user` is `absent`.',
  until_swept:
    'Possibly the user, while `user` is `being_removed`. The sweep starts the roll-back again until it succeeds.',
} as const;
type LeftBehind = keyof typeof leftBehind;

/** Classes of failures: the party that can act on the failure. Alarms page by this class. */
export const failureClasses = {
  caller: 'The caller: the content of the request, or the moment at which it was sent. Does not page.',
  dependency:
    'A dependency that was not available in time: AWS, or the other service. It recovers without a change; investigate when the failure is frequent.',
  system:
    'This system: its code, its permissions or its configuration. It persists until an operator changes something.',
  intervention:
    'A manual action of a principal with permissions in the account. CloudTrail names the principal.',
} as const;
export type FailureClass = keyof typeof failureClasses;

/**
 * One failure of a provisioning: a row for each error name with which a step can fail.
 * Step Functions matches the name (Retry, Catch); the caller reads the other fields.
 */
interface FailureRow {
  readonly code: string;
  /** The meaning of the code, one or two sentences. */
  readonly message: string;
  /** The caller's next action. */
  readonly remedy: string;
  /** Whether the same request can succeed unchanged as a new provisioning. */
  readonly retryable: boolean;
}

/** The part of a failure that operators and generated documents read. */
interface FailureDoc {
  /** The usual cause. */
  readonly cause: string;
  /** The operator's next action. */
  readonly operator: string;
  readonly class: FailureClass;
  readonly left_behind: LeftBehind;
  /** `status`: it can be the `error` of a status. `timeline`: only an attempt of a step has it, and the step is retried. */
  readonly read_in: 'status' | 'timeline';
}

export const failures = {
  CredentialsRejected: {
    code: 'CREDENTIALS_REJECTED',
    message: 'The target could not decrypt the credentials for this user and this provisioning.',
    remedy:
      'Send a new request. If it fails again, have the operators check the key configuration of both services.',
    retryable: false,
  },
  PasswordRejected: {
    code: 'PASSWORD_REJECTED',
    message: "The password does not meet the policy of the target's user pool.",
    remedy: 'Choose a password that meets the policy and send a new request.',
    retryable: false,
  },
  UsernameRejected: {
    code: 'USERNAME_REJECTED',
    message: "The target's user pool does not accept this username.",
    remedy: 'Choose another username and send a new request.',
    retryable: false,
  },
  UserAlreadyExists: {
    code: 'USER_ALREADY_EXISTS',
    message:
      'A user with this name exists, and this provisioning did not create it. That user is unchanged. A user of an earlier provisioning with the same Idempotency-Key counts as another user, too.',
    remedy: 'Choose another username, or remove the other user first.',
    retryable: false,
  },
  UserNotFound: {
    code: 'USER_NOT_FOUND',
    message: 'Another client of the user pool deleted the user while this provisioning was creating it.',
    remedy: 'Send a new request.',
    retryable: true,
  },
  UserCreationFailed: {
    code: 'USER_CREATION_FAILED',
    message: 'The target could not create the user and has compensated the completed steps.',
    remedy: 'Send a new request later.',
    retryable: true,
  },
  TargetAuthenticationFailed: {
    code: 'TARGET_AUTHENTICATION_FAILED',
    message: 'The target did not accept the credentials of App1.',
    remedy:
      "The caller cannot change this. The operator checks App1's machine user and the secret with its credentials.",
    retryable: true,
  },
  TargetRequestRefused: {
    code: 'TARGET_REQUEST_REFUSED',
    message: 'The target refused the request of App1.',
    remedy: 'The caller cannot change this. The operator checks that both services run compatible releases.',
    retryable: false,
  },
  TargetNotRegistered: {
    code: 'TARGET_NOT_REGISTERED',
    message: 'App1 has no address of the target: the target is not registered, or is registered as gone.',
    remedy: 'The caller cannot change this. The operator checks the setting `targets` of App1.',
    retryable: false,
  },
  TargetUnavailable: {
    code: 'TARGET_UNAVAILABLE',
    message: 'The API, the sign-in, the secret or the key of the target was not available for two hours.',
    remedy: 'Send a new request later.',
    retryable: true,
  },
  UserCreationPending: {
    code: 'USER_CREATION_PENDING',
    message: 'The target did not finish the creation within the time limit of App1.',
    remedy: 'Send a new request later.',
    retryable: true,
  },
  CreationDeferred: {
    code: 'QUEUE_FULL',
    message: 'Too many users were waiting to be created, in all or for this caller.',
    remedy: 'Send a new request later.',
    retryable: true,
  },
  TargetQueueFull: {
    code: 'QUEUE_FULL',
    message: 'Too many users were waiting to be created, in all or for this caller.',
    remedy: 'Send a new request later.',
    retryable: true,
  },
  UserRemovalPending: {
    code: 'USER_REMOVAL_PENDING',
    message: 'The target has not finished removing the user yet.',
    remedy: 'Poll the status until `user` is `absent`.',
    retryable: true,
  },
  AbsenceNotConfirmed: {
    code: 'ABSENCE_NOT_CONFIRMED',
    message: 'The user was not found, but a call in flight may still create it.',
    remedy: 'Poll the status until `user` is `absent`.',
    retryable: true,
  },
  EventNotPublished: {
    code: 'EVENT_NOT_PUBLISHED',
    message: 'The audit event could not be published, so the user was removed.',
    remedy: 'Send a new request later.',
    retryable: true,
  },
  ServiceThrottled: {
    code: 'SERVICE_THROTTLED',
    message: 'An AWS service throttled the step until its retries were used up.',
    remedy: 'Send a new request later.',
    retryable: true,
  },
  ServiceUnavailable: {
    code: 'SERVICE_UNAVAILABLE',
    message: 'An AWS service was not available until the retries of the step were used up.',
    remedy: 'Send a new request later.',
    retryable: true,
  },
  InvalidStepInput: {
    code: 'INTERNAL_ERROR',
    message: 'The input of a step is not valid.',
    remedy: 'Report it with the provisioning_id.',
    retryable: false,
  },
  StepFailed: {
    code: 'INTERNAL_ERROR',
    message: 'A step failed with an error that has no code of its own.',
    remedy: 'Send a new request later. If it fails again, report it with the provisioning_id.',
    retryable: true,
  },
  UserBeingRemoved: {
    code: 'USER_BEING_REMOVED',
    message: 'Another provisioning created a user with this name, and that user is being removed.',
    remedy: 'Send a new request in a minute.',
    retryable: true,
  },
  RedriveRefused: {
    code: 'REDRIVE_REFUSED',
    message: 'A finished execution was redriven in a step that creates a user. Such a redrive is refused.',
    remedy: 'Send a new request with a new Idempotency-Key.',
    retryable: true,
  },
  Cancelled: {
    code: 'CANCELLED',
    message: 'The provisioning was cancelled.',
    remedy: 'Send a new request with a new Idempotency-Key if the user is needed again.',
    retryable: true,
  },
  ExecutionAborted: {
    code: 'ABORTED',
    message: 'The provisioning was stopped before it finished.',
    remedy: 'Wait until `user` is `absent`, then send a new request with a new Idempotency-Key.',
    retryable: true,
  },
  ExecutionTimedOut: {
    code: 'TIMED_OUT',
    message: 'The provisioning did not finish within its time limit.',
    remedy: 'Wait until `user` is `absent`, then send a new request with a new Idempotency-Key.',
    retryable: true,
  },
  RollBackFailed: {
    code: 'ROLL_BACK_FAILED',
    message: 'The provisioning failed, and its compensation failed, too. A user may remain.',
    remedy: 'Wait until `user` is `absent`. The operator repairs what prevents the removal.',
    retryable: false,
  },
} as const satisfies Record<string, FailureRow>;

/** Causes and operator actions. A separate constant, so that no Lambda bundle contains it. */
export const failureDocs = {
  CredentialsRejected: {
    cause:
      'The ciphertext was altered, or was encrypted for another user, provisioning or key: its encryption context differs.',
    operator:
      "Check that App1's parameter for the target equals the target's output Target. If it does, the ciphertext was tampered with: CloudTrail lists the callers of kms:Decrypt.",
    class: 'system',
    left_behind: 'nothing',
    read_in: 'status',
  },
  PasswordRejected: {
    cause:
      'The target has a stricter policy than the one that App1 checks; or the pool refuses the password for a reason outside its policy.',
    operator:
      'None for a single failure. If it is frequent, App1 checks another policy than the target has: `npx provision doctor` compares them. The settings `password_minimum_length` and `password_characters` of the target define the policy.',
    class: 'caller',
    left_behind: 'nothing',
    read_in: 'status',
  },
  UsernameRejected: {
    cause:
      'The pool has rules for usernames of its own: for example, it refuses the form of an e-mail address.',
    operator:
      'None for a single failure. The sign-in options of the pool are in `aws cognito-idp describe-user-pool`.',
    class: 'caller',
    left_behind: 'nothing',
    read_in: 'status',
  },
  UserAlreadyExists: {
    cause:
      'Another provisioning or an administrator created a user with this name; names are case-insensitive. Or the Idempotency-Key was used again after 90 days, and the user of the earlier provisioning still exists.',
    operator:
      'None. The attributes custom:provisioning_id and custom:creation_id of the existing user identify the provisioning that created it.',
    class: 'caller',
    left_behind: 'nothing',
    read_in: 'status',
  },
  UserNotFound: {
    cause: 'An administrator deleted the user in the pool between two steps.',
    operator: 'CloudTrail lists the callers of cognito-idp:AdminDeleteUser. Prevent such deletions.',
    class: 'intervention',
    left_behind: 'nothing',
    read_in: 'status',
  },
  UserCreationFailed: {
    cause:
      'A step of the target failed for a reason that concerns only the target, or its execution was stopped or timed out.',
    operator:
      'Request the status of the same provisioning_id from the target with `?include=timeline`: it names the step and the error.',
    class: 'dependency',
    left_behind: 'nothing',
    read_in: 'status',
  },
  TargetAuthenticationFailed: {
    cause:
      'The secret does not match the machine user, the machine user was disabled, or a client or group is missing.',
    operator:
      "Rotate the target's secret with the credentials of App1, which issues a new machine user; then check App1's parameter for the target.",
    class: 'system',
    left_behind: 'nothing',
    read_in: 'status',
  },
  TargetRequestRefused: {
    cause:
      'The target returned a 4xx: it does not accept the form of the request, or the id is in use with other content or by another owner.',
    operator:
      'Deploy both services from compatible releases. The HTTP status is in the message of the failed attempt in the history of ProvisionServiceUser.',
    class: 'system',
    left_behind: 'nothing',
    read_in: 'status',
  },
  TargetNotRegistered: {
    cause:
      'The name of the target was removed from the setting `targets` of App1, or marked as gone, while a provisioning needed it; or an execution was started by hand.',
    operator:
      'Register the target again, as `retired` if it accepts no new requests, or as `gone` if it does not exist any more; then deploy App1. A failed roll-back is started again by the sweep.',
    class: 'system',
    left_behind: 'nothing',
    read_in: 'status',
  },
  TargetUnavailable: {
    cause:
      "The target's API cannot be reached, returns 5xx, 408 or 429, or its address is wrong; its sign-in or its secret is not available; or its key is disabled. One step was retried for two hours.",
    operator:
      "Check the health of the target and App1's parameters for it. The message of the failed attempt names the part that failed.",
    class: 'dependency',
    left_behind: 'nothing',
    read_in: 'status',
  },
  UserCreationPending: {
    cause: "The target's execution is retrying a step, or more requests arrive than Cognito's quotas admit.",
    operator:
      "The timeline shows which step the target is retrying. If the cause is Cognito's quota, have the callers spread their requests.",
    class: 'dependency',
    left_behind: 'nothing',
    read_in: 'status',
  },
  CreationDeferred: {
    cause:
      'At each attempt to reserve a start time, the queue at the target was full, or the caller held a quarter of it.',
    operator: 'Have the caller spread its requests. A single deferral in a timeline is not a failure.',
    class: 'dependency',
    left_behind: 'nothing',
    read_in: 'status',
  },
  TargetQueueFull: {
    cause:
      'Each time App1 sent the request, the queue at the target was full, or the caller held a quarter of it.',
    operator:
      "Have the caller spread its requests, or request an increase of the pool's quotas where Cognito allows it.",
    class: 'dependency',
    left_behind: 'nothing',
    read_in: 'status',
  },
  UserRemovalPending: {
    cause: 'A compensation is running at the target. It waits until no call can be in flight any more.',
    operator:
      "None for a single failure. If it persists, inspect the target's executions of RollBackServiceUser: their names start with the provisioning_id.",
    class: 'dependency',
    left_behind: 'being_removed',
    read_in: 'timeline',
  },
  AbsenceNotConfirmed: {
    cause:
      'The response of a call that creates a user was lost, so the call can still take effect for some seconds.',
    operator: 'None: the step checks again after the longest time that a call can take.',
    class: 'dependency',
    left_behind: 'being_removed',
    read_in: 'timeline',
  },
  EventNotPublished: {
    cause:
      'The event bus is missing, throttled or not available, or the state machine lacks the permission to publish on it.',
    operator:
      "Check the service's event bus and the permission events:PutEvents of its state machine. The alarm on failed executions has the details.",
    class: 'dependency',
    left_behind: 'nothing',
    read_in: 'status',
  },
  ServiceThrottled: {
    cause:
      'A quota of Cognito, KMS, Step Functions or Lambda was used up, by this system or by others in the account.',
    operator:
      'The timeline names the step that was throttled. Have the callers spread their requests, or request an increase of the quota.',
    class: 'dependency',
    left_behind: 'nothing',
    read_in: 'status',
  },
  ServiceUnavailable: {
    cause: 'AWS returned a 5xx or no response, or a function reached its timeout.',
    operator: 'The timeline names the step. Then read the log of its function and the AWS Health Dashboard.',
    class: 'dependency',
    left_behind: 'nothing',
    read_in: 'status',
  },
  InvalidStepInput: {
    cause:
      'An execution was started by hand, or the function and the definition are of incompatible releases.',
    operator:
      'Compare the input of the execution with contracts/executions.ts; deploy definition and functions from one release.',
    class: 'system',
    left_behind: 'nothing',
    read_in: 'status',
  },
  StepFailed: {
    cause: 'A permission is missing, a function crashed, or the code has a defect.',
    operator:
      'The timeline names the step and the error of AWS; the log of its function has the details under the provisioning_id.',
    class: 'system',
    left_behind: 'being_removed',
    read_in: 'status',
  },
  UserBeingRemoved: {
    cause: 'Another provisioning used the name, and its roll-back has not finished yet.',
    operator:
      "None for a single failure. If it persists, the roll-back of the other provisioning fails: its id is in the user's attribute custom:provisioning_id.",
    class: 'caller',
    left_behind: 'nothing',
    read_in: 'status',
  },
  RedriveRefused: {
    cause: 'An operator redrove an execution of ProvisionServiceUser or CreateServiceUser.',
    operator:
      'Do not redrive an execution that creates a user: its completed steps were compensated. Have the caller send a new request.',
    class: 'intervention',
    left_behind: 'nothing',
    read_in: 'status',
  },
  Cancelled: {
    cause: 'The owner sent a DELETE.',
    operator: 'None.',
    class: 'caller',
    left_behind: 'being_removed',
    read_in: 'status',
  },
  ExecutionAborted: {
    cause:
      'The execution was stopped: by an operator, or by a tool with the permission states:StopExecution.',
    operator: 'CloudTrail lists the callers of states:StopExecution. The roll-back starts automatically.',
    class: 'intervention',
    left_behind: 'being_removed',
    read_in: 'status',
  },
  ExecutionTimedOut: {
    cause:
      'The retries took longer than the time limit of the state machine, for example in an outage of several hours.',
    operator: 'The timeline names the step that was retried. The roll-back starts automatically.',
    class: 'dependency',
    left_behind: 'being_removed',
    read_in: 'status',
  },
  RollBackFailed: {
    cause:
      'The compensation failed until its retries were used up: Cognito or the target was not available, or a permission was missing.',
    operator:
      'The timeline names the step, the target and the error of the compensation, and `targets` of the status says where a user may remain. Repair that; the next sweep starts another roll-back.',
    class: 'system',
    left_behind: 'until_swept',
    read_in: 'status',
  },
} as const satisfies Record<FailureName, FailureDoc>;

/** Error name of a failed step, as in `ErrorEquals` of Amazon States Language. */
export type FailureName = keyof typeof failures;

const names = Object.keys(failures) as FailureName[]; // keys of a const object: exactly FailureName

export const failureName = z.enum(names);

/** Every failure by name, with its documentation. */
export const documentedFailures = () =>
  names.map((name) => [name, { ...failures[name], ...failureDocs[name] }] as const);

const codes = [...new Set(names.map((name) => failures[name].code))];

export const knownCode = z.enum(codes);

/** A code of this release, or of a newer release, which may have further codes. */
export const failureCode = z.string().regex(/^[A-Z][A-Z0-9_]*$/);

/** A failure as the caller reads it in a status. */
export const failureReport = z.strictObject({
  code: knownCode,
  /** At App1 only: name of the target at which the step failed. Absent for a step that belongs to no target. */
  target: storedText.optional(),
  step: z.string(),
  message: z.string(),
  remedy: z.string(),
  retryable: z.boolean(),
});
export type FailureReport = z.infer<typeof failureReport>;

/** A failure as an execution stores it; in JSON, the Cause of its Fail state. */
export const failureCause = z.object({
  /** At App1 only: name of the target at which the step failed. */
  target: storedText.optional(),
  /** Name of the state. */
  step: z.string(),
  error: z.string(),
});
export type FailureCause = z.infer<typeof failureCause>;

/** The Cause of App1's `RollBackFailed`, in JSON: also the names of the targets at which the user may remain. */
export const rollBackFailedCause = failureCause.extend({ remaining: z.array(storedText) });

/** A failure as an audit event contains it. */
export const publishedFailure = z.strictObject({
  ...failureCause.omit({ target: true }).shape,
  code: z.enum(codes),
});

/**
 * Errors without a row of their own (of Step Functions, Lambda and the service integrations), and the failure that each
 * counts as. A key without a dot stands for every error with that prefix.
 * docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
 */
export const awsErrorMapping = {
  EventBridge: 'EventNotPublished',
  Lambda: 'ServiceUnavailable',
  'Lambda.EC2ThrottledException': 'ServiceThrottled',
  'Lambda.ServiceQuotaExceededException': 'ServiceThrottled',
  'Lambda.TooManyRequestsException': 'ServiceThrottled',
  'Sandbox.Timedout': 'ServiceUnavailable',
  'States.Timeout': 'ServiceUnavailable',
} as const satisfies Record<string, FailureName>;

/** The failure that any other error counts as. */
export const DEFAULT_FAILURE: FailureName = 'StepFailed';

const failureOfError = new Map<string, FailureName>([
  ...names.map((name) => [name, name] as const),
  ...Object.entries(awsErrorMapping),
]);

/** The report of a failure for the caller. An unknown error is reported as `DEFAULT_FAILURE`. */
export function explainFailure({ target, step, error }: FailureCause): FailureReport {
  const [prefix = error] = error.split('.');
  const name = failureOfError.get(error) ?? failureOfError.get(prefix) ?? DEFAULT_FAILURE;
  const { code, message, remedy, retryable } = failures[name];
  return { ...(target === undefined ? {} : { target }), step, code, message, remedy, retryable };
}
