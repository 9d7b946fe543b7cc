import { describe, expect, it } from '@jest/globals';
import { documentedFailures, explainFailure, failureReport } from '../../contracts/failures.ts';

const rows = documentedFailures();

describe('failures', () => {
  it('have these stable codes', () => {
    expect(Object.fromEntries(rows.map(([name, { code }]) => [name, code]))).toEqual({
      CredentialsRejected: 'CREDENTIALS_REJECTED',
      PasswordRejected: 'PASSWORD_REJECTED',
      UsernameRejected: 'USERNAME_REJECTED',
      UserAlreadyExists: 'USER_ALREADY_EXISTS',
      UserNotFound: 'USER_NOT_FOUND',
      UserCreationFailed: 'USER_CREATION_FAILED',
      TargetAuthenticationFailed: 'TARGET_AUTHENTICATION_FAILED',
      TargetRequestRefused: 'TARGET_REQUEST_REFUSED',
      TargetNotRegistered: 'TARGET_NOT_REGISTERED',
      TargetUnavailable: 'TARGET_UNAVAILABLE',
      UserCreationPending: 'USER_CREATION_PENDING',
      CreationDeferred: 'QUEUE_FULL',
      TargetQueueFull: 'QUEUE_FULL',
      UserRemovalPending: 'USER_REMOVAL_PENDING',
      AbsenceNotConfirmed: 'ABSENCE_NOT_CONFIRMED',
      EventNotPublished: 'EVENT_NOT_PUBLISHED',
      ServiceThrottled: 'SERVICE_THROTTLED',
      ServiceUnavailable: 'SERVICE_UNAVAILABLE',
      InvalidStepInput: 'INTERNAL_ERROR',
      StepFailed: 'INTERNAL_ERROR',
      UserBeingRemoved: 'USER_BEING_REMOVED',
      RedriveRefused: 'REDRIVE_REFUSED',
      Cancelled: 'CANCELLED',
      ExecutionAborted: 'ABORTED',
      ExecutionTimedOut: 'TIMED_OUT',
      RollBackFailed: 'ROLL_BACK_FAILED',
    });
  });

  it('have a code of their own, except those that the caller need not distinguish', () => {
    const shared = rows.filter(([, { code }]) => rows.filter(([, other]) => other.code === code).length > 1);

    expect(shared.map(([name]) => name)).toEqual([
      'CreationDeferred',
      'TargetQueueFull',
      'InvalidStepInput',
      'StepFailed',
    ]);
  });

  it.each(rows)('describe %s in full sentences for the caller and the operator', (_name, row) => {
    expect(row.code).toMatch(/^[A-Z][A-Z0-9]*(_[A-Z0-9]+)*$/);
    for (const text of [row.message, row.cause, row.remedy, row.operator])
      expect(text).toMatch(/^[A-Z].*\.$/);
  });

  it('are retryable unless the caller or an operator must change something', () => {
    expect(rows.filter(([, { retryable }]) => !retryable).map(([name]) => name)).toEqual([
      'CredentialsRejected',
      'PasswordRejected',
      'UsernameRejected',
      'UserAlreadyExists',
      'TargetRequestRefused',
      'TargetNotRegistered',
      'InvalidStepInput',
      'RollBackFailed',
    ]);
  });
});

describe('explainFailure', () => {
  it.each(rows)('reports %s without the texts for the operator', (name, row) => {
    const report = explainFailure({ step: 'SomeStep', error: name });

    const { code, message, remedy, retryable } = row;

    expect(report).toEqual({ step: 'SomeStep', code, message, remedy, retryable });
    expect(failureReport.parse(report)).toEqual(report);
  });

  it.each([
    ['EventBridge.FailedEntry', 'EVENT_NOT_PUBLISHED'],
    ['EventBridge.ResourceNotFoundException', 'EVENT_NOT_PUBLISHED'],
    ['States.Timeout', 'SERVICE_UNAVAILABLE'],
    ['Sandbox.Timedout', 'SERVICE_UNAVAILABLE'],
    ['Lambda.TooManyRequestsException', 'SERVICE_THROTTLED'],
    ['Lambda.Unknown', 'SERVICE_UNAVAILABLE'],
    ['Runtime.ExitError', 'INTERNAL_ERROR'],
    ['TypeError', 'INTERNAL_ERROR'],
    ['toString', 'INTERNAL_ERROR'],
  ])('reports %s, which has no row of its own, as %s and without its name', (error, code) => {
    const report = explainFailure({ step: 'SomeStep', error });

    expect(report).toMatchObject({ step: 'SomeStep', code });
    expect(JSON.stringify(report)).not.toContain(error);
  });
});
