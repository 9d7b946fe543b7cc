import { describe, expect, it } from '@jest/globals';
import { explainFailure, failureReport, wholeFailures } from '../../contracts/failures.ts';

const rows = wholeFailures();

describe('failures', () => {
  it('have a code each, except those of which the caller need not know more', () => {
    const shared = rows.filter(([, { code }]) => rows.filter(([, other]) => other.code === code).length > 1);

    expect(shared.map(([name]) => name)).toEqual([
      'CreationDeferred',
      'App2QueueFull',
      'InvalidStepInput',
      'StepFailed',
    ]);
  });

  it.each(rows)(
    '%s is told in whole sentences, with something to do for caller and operator',
    (_name, row) => {
      expect(row.code).toMatch(/^[A-Z][A-Z0-9]*(_[A-Z0-9]+)*$/);
      for (const text of [row.message, row.cause, row.remedy, row.operator])
        expect(text).toMatch(/^[A-Z].*\.$/);
    },
  );

  it('can be retried as they are unless the request or an operator has to change something', () => {
    expect(rows.filter(([, { retryable }]) => !retryable).map(([name]) => name)).toEqual([
      'CredentialsRejected',
      'PasswordRejected',
      'UsernameRejected',
      'UserAlreadyExists',
      'App2RequestRefused',
      'InvalidStepInput',
      'RollBackFailed',
    ]);
  });
});

describe('explainFailure', () => {
  it.each(rows)('tells %s in its own words, and nothing that is for the operator', (name, row) => {
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
  ])('tells %s, which has no row of its own, as %s and not by its name', (error, code) => {
    const report = explainFailure({ step: 'SomeStep', error });

    expect(report).toMatchObject({ step: 'SomeStep', code });
    expect(JSON.stringify(report)).not.toContain(error);
  });
});
