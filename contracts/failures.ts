import * as z from 'zod';

/** What can be left of a provisioning that ended so. What is true of one provisioning, its status says in `user`. */
export const leftBehind = {
  nothing: 'Nothing. What had been made was removed before the provisioning ended.',
  being_removed:
    'Maybe the user, while `user` is `being_removed`. A roll-back that starts by itself removes it; afterwards `user` is `absent`.',
  until_swept:
    'Maybe the user, while `user` is `being_removed`. The sweep has the removal tried again until it is done.',
} as const;
type LeftBehind = keyof typeof leftBehind;

/** Whose matter a failure is, which says whether an operator has to get up. */
export const failureClasses = {
  caller: 'The caller: the request, or the time at which it came. Nobody has to get up.',
  dependency:
    'Something else that was not there in time: AWS, or the other service. It passes; look when there are many.',
  system:
    'This system: its code, its permissions or its configuration. It stays until somebody changes something.',
  intervention: 'Somebody with permissions in the account has done something by hand. Ask who.',
} as const;
export type FailureClass = keyof typeof failureClasses;

/**
 * Why a provisioning ended badly: one row for each error name that a step can end with.
 * The name is what Step Functions matches (Retry, Catch); the rest of the row is what the caller reads.
 */
interface FailureRow {
  readonly code: string;
  /** What it means. */
  readonly message: string;
  /** What the caller does. */
  readonly remedy: string;
  /** Whether the same request, sent again as a new provisioning, can succeed without being changed. */
  readonly retryable: boolean;
}

/** What operators and documents know of a failure beside its row. */
interface FailureBackground {
  /** What makes it happen. */
  readonly cause: string;
  /** What the operator does. */
  readonly operator: string;
  readonly class: FailureClass;
  readonly left_behind: LeftBehind;
  /** Where it is read: as the error of a status, or only of attempts in a timeline, after which another one follows. */
  readonly read_in: 'status' | 'timeline';
}

export const failures = {
  CredentialsRejected: {
    code: 'CREDENTIALS_REJECTED',
    message: 'App2 could not decrypt the credentials as sent for this user and this provisioning.',
    remedy: 'Send the request again. If it fails again, have the key configuration of both services checked.',
    retryable: false,
  },
  PasswordRejected: {
    code: 'PASSWORD_REJECTED',
    message: "The password does not meet the policy of App2's user pool.",
    remedy: 'Choose a password that meets the policy and send a new request.',
    retryable: false,
  },
  UsernameRejected: {
    code: 'USERNAME_REJECTED',
    message: "App2's user pool does not take this username.",
    remedy: 'Choose another username and send a new request.',
    retryable: false,
  },
  UserAlreadyExists: {
    code: 'USER_ALREADY_EXISTS',
    message:
      'A user of this name exists and was not made by this provisioning. It was left untouched. An earlier provisioning under the same key counts as another one.',
    remedy: 'Choose another username, or remove the other user first.',
    retryable: false,
  },
  UserNotFound: {
    code: 'USER_NOT_FOUND',
    message: 'The user was removed by somebody else while it was being created.',
    remedy: 'Send a new request.',
    retryable: true,
  },
  UserCreationFailed: {
    code: 'USER_CREATION_FAILED',
    message: 'App2 could not create the user and has undone what it had done.',
    remedy: 'Send a new request later.',
    retryable: true,
  },
  App2AuthenticationFailed: {
    code: 'APP2_AUTHENTICATION_FAILED',
    message: 'App2 did not accept the credentials of App1.',
    remedy: "Nothing the caller can change. The operator checks App1's machine user and its secret.",
    retryable: true,
  },
  App2RequestRefused: {
    code: 'APP2_REQUEST_REFUSED',
    message: 'App2 refused the request of App1.',
    remedy: 'Nothing the caller can change. The operator checks that both services run compatible releases.',
    retryable: false,
  },
  TargetUnavailable: {
    code: 'TARGET_UNAVAILABLE',
    message: 'The target could not be used for hours: its API, its sign-in, its secret or its key.',
    remedy: 'Send a new request later.',
    retryable: true,
  },
  UserCreationPending: {
    code: 'USER_CREATION_PENDING',
    message: 'App2 did not finish in the time that App1 waits for it.',
    remedy: 'Send a new request later.',
    retryable: true,
  },
  CreationDeferred: {
    code: 'QUEUE_FULL',
    message: 'Too many users were waiting to be created, in all or for this caller.',
    remedy: 'Send a new request later.',
    retryable: true,
  },
  App2QueueFull: {
    code: 'QUEUE_FULL',
    message: 'Too many users were waiting to be created, in all or for this caller.',
    remedy: 'Send a new request later.',
    retryable: true,
  },
  UserRemovalPending: {
    code: 'USER_REMOVAL_PENDING',
    message: 'App2 has not finished the removal yet.',
    remedy: 'Ask for the status again later.',
    retryable: true,
  },
  AbsenceNotConfirmed: {
    code: 'ABSENCE_NOT_CONFIRMED',
    message: 'No user is seen, but a call that makes one may still be under way.',
    remedy: 'Ask for the status again later.',
    retryable: true,
  },
  EventNotPublished: {
    code: 'EVENT_NOT_PUBLISHED',
    message: 'The audit event could not be published, so the user was not kept.',
    remedy: 'Send a new request later.',
    retryable: true,
  },
  ServiceThrottled: {
    code: 'SERVICE_THROTTLED',
    message: 'A service was busy for longer than the step could wait.',
    remedy: 'Send a new request later.',
    retryable: true,
  },
  ServiceUnavailable: {
    code: 'SERVICE_UNAVAILABLE',
    message: 'A service was not available for longer than the step could wait.',
    remedy: 'Send a new request later.',
    retryable: true,
  },
  InvalidStepInput: {
    code: 'INTERNAL_ERROR',
    message: 'A step was given an input that it does not understand.',
    remedy: 'Report it with the provisioning_id.',
    retryable: false,
  },
  StepFailed: {
    code: 'INTERNAL_ERROR',
    message: 'A step failed in a way that was not foreseen.',
    remedy: 'Send a new request later. If it fails again, report it with the provisioning_id.',
    retryable: true,
  },
  UserBeingRemoved: {
    code: 'USER_BEING_REMOVED',
    message: 'A user of this name, made by another provisioning, is just being removed.',
    remedy: 'Send a new request in a minute.',
    retryable: true,
  },
  RedriveRefused: {
    code: 'REDRIVE_REFUSED',
    message:
      'An execution that had ended was started again in a step that gives somebody a user; that is refused.',
    remedy: 'Send a new request with a new Idempotency-Key.',
    retryable: true,
  },
  Cancelled: {
    code: 'CANCELLED',
    message: 'The provisioning was cancelled.',
    remedy: 'Send a new request with a new Idempotency-Key if the user is wanted after all.',
    retryable: true,
  },
  ExecutionAborted: {
    code: 'ABORTED',
    message: 'The provisioning was stopped before its end.',
    remedy: 'Wait until `user` is `absent`, then send a new request with a new Idempotency-Key.',
    retryable: true,
  },
  ExecutionTimedOut: {
    code: 'TIMED_OUT',
    message: 'The provisioning did not end in the time given to it.',
    remedy: 'Wait until `user` is `absent`, then send a new request with a new Idempotency-Key.',
    retryable: true,
  },
  RollBackFailed: {
    code: 'ROLL_BACK_FAILED',
    message: 'The provisioning failed and undoing it failed too: a user may be left behind.',
    remedy: 'Wait until `user` is `absent`. The operator sees to it that the removal can succeed.',
    retryable: false,
  },
} as const satisfies Record<string, FailureRow>;

/** The other half of each row, apart from it so that no function is loaded with it. */
export const failureDocs = {
  CredentialsRejected: {
    cause:
      'The ciphertext was altered, or sealed for another user, provisioning or key: its encryption context is another one.',
    operator:
      "Check that App1's parameter App2KeyArn is App2's output KeyArn. If it is, somebody tampers: see who called kms:Decrypt in CloudTrail.",
    class: 'system',
    left_behind: 'nothing',
    read_in: 'status',
  },
  PasswordRejected: {
    cause:
      'App2 is stricter than App1 was told, so that App1 has let the password pass; or the pool refuses it for a reason that no policy tells.',
    operator:
      'Nothing to do for a single one. When there are more, App1 was told another policy than App2 has: `npx provision doctor` says so. The settings `password_minimum_length` and `password_characters` of App2 make the policy.',
    class: 'caller',
    left_behind: 'nothing',
    read_in: 'status',
  },
  UsernameRejected: {
    cause: 'The pool has rules for usernames of its own, such as none in the form of an e-mail address.',
    operator:
      'Nothing to do for a single one. See the sign-in options of the pool (`aws cognito-idp describe-user-pool`).',
    class: 'caller',
    left_behind: 'nothing',
    read_in: 'status',
  },
  UserAlreadyExists: {
    cause:
      'Another provisioning, or somebody else, has made a user of this name; upper and lower case count as the same. Or the key was used again after 90 days, and the user of that time still exists.',
    operator:
      "Nothing to do. The other user's attributes custom:provisioning_id and custom:creation_id say which provisioning made it.",
    class: 'caller',
    left_behind: 'nothing',
    read_in: 'status',
  },
  UserNotFound: {
    cause: 'Somebody deleted the user in the pool between two steps.',
    operator: 'See who called cognito-idp:AdminDeleteUser in CloudTrail, and stop that.',
    class: 'intervention',
    left_behind: 'nothing',
    read_in: 'status',
  },
  UserCreationFailed: {
    cause:
      "A step of App2 failed for a reason of App2's own, or its execution was stopped or ran out of time.",
    operator:
      'Ask App2 for the status of the same provisioning_id, with `?include=timeline`: it names the step and the error.',
    class: 'dependency',
    left_behind: 'nothing',
    read_in: 'status',
  },
  App2AuthenticationFailed: {
    cause:
      'The secret and the machine user do not agree, the machine user was disabled, or a client or group is missing.',
    operator:
      "Rotate the secret app1-api-client-credentials, which issues a new machine user; then check App1's parameters App2ClientId and App2SecretArn.",
    class: 'system',
    left_behind: 'nothing',
    read_in: 'status',
  },
  App2RequestRefused: {
    cause:
      "App2 answered with a 4xx: it does not know the request's form, or the id is in use with another content or owner.",
    operator:
      'Deploy both services from compatible releases. The HTTP status is in the message of the failed attempt in the history of ProvisionServiceUser.',
    class: 'system',
    left_behind: 'nothing',
    read_in: 'status',
  },
  TargetUnavailable: {
    cause:
      "The target's API cannot be reached, answers with a 5xx, 408 or 429, or its address is wrong; its sign-in or its secret is not available; its key is disabled. It was waited for, two hours long in one step.",
    operator:
      "Check the health of the target and App1's parameters for it. The message of the failed attempt says which part it was.",
    class: 'dependency',
    left_behind: 'nothing',
    read_in: 'status',
  },
  UserCreationPending: {
    cause:
      "App2's execution waits in long retries, or there are more requests than Cognito's quotas let through.",
    operator: "See the timeline for what App2 waits for. When it is Cognito's quota, spread the requests.",
    class: 'dependency',
    left_behind: 'nothing',
    read_in: 'status',
  },
  CreationDeferred: {
    cause:
      'The queue at App2 was full, or the caller held a quarter of it, at each attempt to reserve a start.',
    operator: 'Ask the caller to spread its requests. A single deferral in a timeline is no failure.',
    class: 'dependency',
    left_behind: 'nothing',
    read_in: 'status',
  },
  App2QueueFull: {
    cause: 'The queue at App2 was full, or the caller held a quarter of it, whenever App1 sent the request.',
    operator:
      "Ask the caller to spread its requests, or have the pool's quotas raised where Cognito allows it.",
    class: 'dependency',
    left_behind: 'nothing',
    read_in: 'status',
  },
  UserRemovalPending: {
    cause: 'An undo is at work at App2, which waits out what may still be under way.',
    operator:
      "Nothing to do for a single one. If it never ends, see App2's executions of RollBackServiceUser whose names begin with the provisioning_id.",
    class: 'dependency',
    left_behind: 'being_removed',
    read_in: 'timeline',
  },
  AbsenceNotConfirmed: {
    cause:
      'The answer of a call that creates a user was lost, so it can still have its effect for some seconds.',
    operator: 'Nothing to do: it is looked again after the longest time that a call can take.',
    class: 'dependency',
    left_behind: 'being_removed',
    read_in: 'timeline',
  },
  EventNotPublished: {
    cause: 'The event bus is missing, throttled or not available, or the machine may not publish on it.',
    operator:
      "Check the service's event bus and its machine's right events:PutEvents; see the alarm on failed executions.",
    class: 'dependency',
    left_behind: 'nothing',
    read_in: 'status',
  },
  ServiceThrottled: {
    cause:
      'A quota of Cognito, KMS, Step Functions or Lambda was used up, by this system or by others in the account.',
    operator: 'See in the timeline which step was throttled; spread the requests, or have the quota raised.',
    class: 'dependency',
    left_behind: 'nothing',
    read_in: 'status',
  },
  ServiceUnavailable: {
    cause: 'AWS answered with a 5xx or not at all, or a function was ended by its time limit.',
    operator:
      'See in the timeline which step it was, then the log of its function, and the AWS Health Dashboard.',
    class: 'dependency',
    left_behind: 'nothing',
    read_in: 'status',
  },
  InvalidStepInput: {
    cause:
      'Somebody started an execution by hand, or function and definition are of releases that do not go together.',
    operator:
      'Compare the input of the execution with contracts/executions.ts; deploy definition and functions from one release.',
    class: 'system',
    left_behind: 'nothing',
    read_in: 'status',
  },
  StepFailed: {
    cause: 'A right is missing, a function crashed, or there is a fault in the code.',
    operator:
      "The timeline names the step and AWS's own error; the log of its function has it under the provisioning_id.",
    class: 'system',
    left_behind: 'being_removed',
    read_in: 'status',
  },
  UserBeingRemoved: {
    cause: 'Another provisioning had the name, and its roll-back has not ended yet.',
    operator:
      "Nothing to do for a single one. If it stays so, the other provisioning's roll-back fails: its id is in the user's attribute custom:provisioning_id.",
    class: 'caller',
    left_behind: 'nothing',
    read_in: 'status',
  },
  RedriveRefused: {
    cause: 'Somebody redrove an execution of ProvisionServiceUser or CreateServiceUser.',
    operator:
      'Do not redrive an execution that makes a user: what it had made was rolled back. Have the caller send a new request.',
    class: 'intervention',
    left_behind: 'nothing',
    read_in: 'status',
  },
  Cancelled: {
    cause: 'The owner sent a DELETE.',
    operator: 'Nothing to do.',
    class: 'caller',
    left_behind: 'being_removed',
    read_in: 'status',
  },
  ExecutionAborted: {
    cause: 'Somebody stopped the execution: an operator, or a tool with the right states:StopExecution.',
    operator: 'See who called states:StopExecution in CloudTrail. The roll-back starts by itself.',
    class: 'intervention',
    left_behind: 'being_removed',
    read_in: 'status',
  },
  ExecutionTimedOut: {
    cause: "Retries took longer than the machine's own time limit, which an outage of hours can do.",
    operator: 'See the timeline for what it waited for. The roll-back starts by itself.',
    class: 'dependency',
    left_behind: 'being_removed',
    read_in: 'status',
  },
  RollBackFailed: {
    cause: 'The undo failed for as long as it was retried: Cognito, App2 or a right was missing for long.',
    operator:
      'Find what the undo failed of in the timeline and mend that; the next sweep starts another roll-back by itself.',
    class: 'system',
    left_behind: 'until_swept',
    read_in: 'status',
  },
} as const satisfies Record<FailureName, FailureBackground>;

/** Error name of a failed step, as `ErrorEquals` sees it. */
export type FailureName = keyof typeof failures;

const names = Object.keys(failures) as FailureName[]; // keys of a const object: exactly FailureName

export const failureName = z.enum(names);

/** All rows with both of their halves, by name, for operators and documents. */
export const wholeFailures = () =>
  names.map((name) => [name, { ...failures[name], ...failureDocs[name] }] as const);

const codes = [...new Set(names.map((name) => failures[name].code))];

export const knownCode = z.enum(codes);

/** A code of this release or of a newer one, which may have more of them. */
export const failureCode = z.string().regex(/^[A-Z][A-Z0-9_]*$/);

/** What the caller is told of a failure. */
export const failureReport = z.strictObject({
  code: knownCode,
  step: z.string(),
  message: z.string(),
  remedy: z.string(),
  retryable: z.boolean(),
});
export type FailureReport = z.infer<typeof failureReport>;

/** What an execution remembers of its failure, also the Cause (as JSON) of its Fail state. */
export const failureCause = z.object({ step: z.string(), error: z.string() });
export type FailureCause = z.infer<typeof failureCause>;

/** What an event tells of a failure. */
export const failureFact = z.strictObject({ ...failureCause.shape, code: z.enum(codes) });

/**
 * What errors mean that have no row of their own: those of Step Functions, of Lambda and of its integrations; a whole
 * family by what stands before its dot.
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

/** What any other error means. */
export const DEFAULT_FAILURE: FailureName = 'StepFailed';

const meanings = new Map<string, FailureName>([
  ...names.map((name) => [name, name] as const),
  ...Object.entries(awsErrorMapping),
]);

/** Explains a failure to the caller. */
export function explainFailure({ step, error }: FailureCause): FailureReport {
  const [family = error] = error.split('.');
  const meaning = meanings.get(error) ?? meanings.get(family) ?? DEFAULT_FAILURE;
  const { code, message, remedy, retryable } = failures[meaning];
  return { step, code, message, remedy, retryable };
}
