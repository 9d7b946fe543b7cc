import { describe, expect, it } from '@jest/globals';
import { provisioningStatus } from '../../../contracts/status.ts';
import { retryAfter, statusOf } from '../../../handlers/shared/status.ts';
import { failedAs, STARTED } from '../../support/executions.ts';
import { PROVISIONING_ID, subject } from '../../support/subject.ts';

const arns = { executionArn: 'execution', stateMachineArn: 'machine' };
const of = (seen: object, parsedInput: Parameters<typeof statusOf>[0]['parsedInput'] = subject) =>
  statusOf({ ...arns, status: 'FAILED', startDate: STARTED, parsedInput, ...seen }, ['CleanEnd']);

describe('statusOf', () => {
  it.each([
    ['SUCCEEDED', 'present'],
    ['RUNNING', 'unknown'],
    ['ABORTED', 'being_removed'],
    ['TIMED_OUT', 'being_removed'],
  ] as const)('of an execution that is %s has a user that is %s', (status, user) => {
    expect(of({ status })).toMatchObject({ status, user });
  });

  it.each([
    ['CleanEnd', 'absent'],
    ['OutcomeNotPublished', 'absent'],
    ['RollBackFailed', 'being_removed'],
    ['States.Runtime', 'being_removed'],
    ['NeverHeardOf', 'being_removed'],
  ])('after an end as %s has a user that is %s', (error, user) => {
    expect(of(failedAs(error, 'CreateUser', 'StepFailed'))).toMatchObject({ user });
  });

  it('tells the step and the reason that the Fail state gives', () => {
    expect(of(failedAs('CleanEnd', 'SetPassword', 'PasswordRejected')).error).toMatchObject({
      step: 'SetPassword',
      code: 'PASSWORD_REJECTED',
    });
  });

  it('tells of a failed roll-back rather than of what made it necessary', () => {
    expect(of(failedAs('RollBackFailed', 'SetPassword', 'PasswordRejected')).error).toMatchObject({
      step: 'SetPassword',
      code: 'ROLL_BACK_FAILED',
    });
  });

  it.each([
    ['ABORTED', 'ABORTED'],
    ['TIMED_OUT', 'TIMED_OUT'],
  ] as const)('explains that it was %s', (status, code) => {
    expect(of({ status }).error).toMatchObject({ code, step: 'Execution' });
  });

  it('explains that it was cancelled when a roll-back has stopped it', () => {
    expect(of({ status: 'ABORTED', error: 'Cancelled' }).error).toMatchObject({
      code: 'CANCELLED',
      step: 'Execution',
    });
  });

  it.each(['CleanEnd', 'OutcomeNotPublished', 'RollBackFailed'])(
    'does not take %s for an end of ours when that was said by whoever stopped it',
    (error) => {
      expect(of({ status: 'ABORTED', error })).toMatchObject({
        user: 'being_removed',
        error: { code: 'ABORTED' },
      });
    },
  );

  it.each([
    ['text', 'States.Runtime', 'An error occurred'],
    ['nothing', undefined, undefined],
  ])('explains a failure of Step Functions itself, with %s as cause', (_what, error, cause) => {
    expect(of({ error, cause }).error).toMatchObject({ code: 'INTERNAL_ERROR', step: 'Execution' });
  });

  it('has no error while all is well', () => {
    expect(of({ status: 'SUCCEEDED' })).not.toHaveProperty('error');
    expect(of({ status: 'RUNNING' })).not.toHaveProperty('error');
  });

  it('says no more than it knows of one that was cancelled before it arrived', () => {
    const status = of(failedAs('CleanEnd', 'DecryptCredentials', 'Cancelled'), {
      provisioning_id: PROVISIONING_ID,
      cancelled: true,
    });

    expect(provisioningStatus.parse(status)).toEqual(status);
    expect(status).not.toHaveProperty('username');
    expect(status.user).toBe('unknown');
  });
});

describe('retryAfter', () => {
  const NOW = Date.parse('2026-01-01T01:00:00Z');
  const begun = (seconds: number) => new Date(NOW - seconds * 1000).toISOString();

  it.each([
    [0, 1],
    [2, 1],
    [9, 5],
    [3_600, 30],
  ])('after %i seconds asks a caller to look again in %i', (age, seconds) => {
    expect(retryAfter({ status: 'RUNNING', user: 'unknown', started_at: begun(age) }, NOW)).toEqual({
      'Retry-After': String(seconds),
    });
  });

  it('asks to look soon at what has just begun, and does so also when clocks differ', () => {
    expect(retryAfter({ status: 'RUNNING' }, NOW)).toEqual({ 'Retry-After': '1' });
    expect(retryAfter({ status: 'RUNNING', started_at: begun(-5) }, NOW)).toEqual({ 'Retry-After': '1' });
  });

  it('asks for some seconds while the user is being removed, whatever the execution is', () => {
    for (const status of ['SUCCEEDED', 'ABORTED', 'RUNNING'] as const)
      expect(retryAfter({ status, user: 'being_removed', started_at: begun(600) }, NOW)).toEqual({
        'Retry-After': '6',
      });
  });

  it.each([
    ['SUCCEEDED', 'present'],
    ['FAILED', 'absent'],
  ] as const)('asks for nothing once it is %s and the user is %s', (status, user) => {
    expect(retryAfter({ status, user, started_at: begun(1) }, NOW)).toEqual({});
  });
});
