import * as z from 'zod';

/**
 * Why a provisioning ended badly: one row for each error name that a step can end with.
 * The name is what Step Functions matches (Retry, Catch); code, message, remedy and retryable are what the caller reads.
 * `retryable` says whether the same request, sent again as a new provisioning, can succeed without being changed.
 */
interface FailureRow {
  readonly code: string;
  readonly message: string;
  readonly remedy: string;
  readonly retryable: boolean;
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
  UserAlreadyExists: {
    code: 'USER_ALREADY_EXISTS',
    message: 'A user of this name exists and was not made by this provisioning. It was left untouched.',
    remedy: 'Choose another username, or remove the other user first.',
    retryable: false,
  },
  UserVanished: {
    code: 'USER_VANISHED',
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
  App2Unavailable: {
    code: 'APP2_UNAVAILABLE',
    message: 'App2 did not answer in time, repeatedly.',
    remedy: 'Send a new request later.',
    retryable: true,
  },
  UserCreationPending: {
    code: 'USER_CREATION_NOT_SETTLED',
    message: 'App2 did not finish in the time that App1 waits for it.',
    remedy: 'Send a new request later.',
    retryable: true,
  },
  UserRemovalPending: {
    code: 'USER_REMOVAL_NOT_SETTLED',
    message: 'App2 did not finish the removal in the time that App1 waits for it.',
    remedy: 'Ask for the status again later.',
    retryable: true,
  },
  AbsenceNotConfirmed: {
    code: 'ABSENCE_NOT_CONFIRMED',
    message: 'It could not be confirmed in time that no user is left.',
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
      'An execution that had ended was started again in the step that creates the user; that is refused.',
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
    remedy: 'The operator follows the runbook for failed roll-backs.',
    retryable: false,
  },
} as const satisfies Record<string, FailureRow>;

/** Error name of a failed step, as `ErrorEquals` sees it. */
export type FailureName = keyof typeof failures;

const names = Object.keys(failures) as FailureName[]; // keys of a const object: exactly FailureName

export const failureName = z.enum(names);

const codes = [...new Set(names.map((name) => failures[name].code))];

/** What the caller is told of a failure. */
export const failureReport = z.strictObject({
  code: z.enum(codes),
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
export const foreignErrors = {
  EventBridge: 'EventNotPublished',
  Lambda: 'ServiceUnavailable',
  'Lambda.TooManyRequestsException': 'ServiceThrottled',
  'Sandbox.Timedout': 'ServiceUnavailable',
  'States.Timeout': 'ServiceUnavailable',
} as const satisfies Record<string, FailureName>;

/** What any other error means. */
export const UNFORESEEN: FailureName = 'StepFailed';

const meanings = new Map<string, FailureName>([
  ...names.map((name) => [name, name] as const),
  ...Object.entries(foreignErrors),
]);

/** Explains a failure to the caller. */
export function explainFailure({ step, error }: FailureCause): FailureReport {
  const [family = error] = error.split('.');
  return { step, ...failures[meanings.get(error) ?? meanings.get(family) ?? UNFORESEEN] };
}
