import { describe, expect, it } from '@jest/globals';
import { provisioningStatus } from '../../../contracts/status.ts';
import { retryAfter, statusOf, withGone, withUser } from '../../../handlers/shared/status.ts';
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
  ] as const)('reports for an execution that is %s the user as %s', (status, user) => {
    expect(of({ status })).toMatchObject({ status, user });
  });

  it.each([
    ['CleanEnd', 'absent'],
    ['OutcomeNotPublished', 'absent'],
    ['RollBackFailed', 'being_removed'],
    ['States.Runtime', 'being_removed'],
    ['NeverHeardOf', 'being_removed'],
  ])('reports after the outcome %s the user as %s', (error, user) => {
    expect(of(failedAs(error, 'CreateUser', 'StepFailed'))).toMatchObject({ user });
  });

  it('contains step and error of the Fail state', () => {
    expect(of(failedAs('CleanEnd', 'SetPassword', 'PasswordRejected')).error).toMatchObject({
      step: 'SetPassword',
      code: 'PASSWORD_REJECTED',
    });
  });

  it('reports a failed roll-back instead of its cause', () => {
    expect(of(failedAs('RollBackFailed', 'SetPassword', 'PasswordRejected')).error).toMatchObject({
      step: 'SetPassword',
      code: 'ROLL_BACK_FAILED',
    });
  });

  it.each([
    ['ABORTED', 'ABORTED'],
    ['TIMED_OUT', 'TIMED_OUT'],
  ] as const)('reports that the execution was %s', (status, code) => {
    expect(of({ status }).error).toMatchObject({ code, step: 'Execution' });
  });

  it('reports the cancellation of an execution that a roll-back stopped', () => {
    expect(of({ status: 'ABORTED', error: 'Cancelled' }).error).toMatchObject({
      code: 'CANCELLED',
      step: 'Execution',
    });
  });

  it.each(['CleanEnd', 'OutcomeNotPublished', 'RollBackFailed'])(
    'does not treat %s as an outcome when StopExecution set the error',
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
  ])('reports a failure by Step Functions, with %s as cause', (_what, error, cause) => {
    expect(of({ error, cause }).error).toMatchObject({ code: 'INTERNAL_ERROR', step: 'Execution' });
  });

  it('has no error without a failure', () => {
    expect(of({ status: 'SUCCEEDED' })).not.toHaveProperty('error');
    expect(of({ status: 'RUNNING' })).not.toHaveProperty('error');
  });

  it('has no username for a cancellation', () => {
    const status = of(failedAs('CleanEnd', 'DecryptCredentials', 'Cancelled'), {
      provisioning_id: PROVISIONING_ID,
      cancelled: true,
    });

    expect(provisioningStatus.parse(status)).toEqual(status);
    expect(status).not.toHaveProperty('username');
    expect(status.user).toBe('unknown');
  });
});

describe('the status of a provisioning at several targets', () => {
  const targets = ['app2', 'payments', 'orders'];
  const at = (seen: object) => of(seen, { ...subject, targets });
  const remaining = (names: string[]) => ({
    status: 'FAILED' as const,
    error: 'RollBackFailed',
    cause: JSON.stringify({
      target: 'app2',
      step: 'RequestUserCreation',
      error: 'UserAlreadyExists',
      remaining: names,
    }),
  });
  const usersIn = ({ targets: users = [] }: ReturnType<typeof at>) => users.map(({ user }) => user);

  it.each([
    [{ status: 'RUNNING' }, 'unknown'],
    [{ status: 'SUCCEEDED' }, 'present'],
    [{ status: 'ABORTED' }, 'being_removed'],
    [failedAs('CleanEnd', 'RequestUserCreation', 'PasswordRejected'), 'absent'],
    [failedAs('RollBackFailed', 'StopProvisioning', 'StepFailed'), 'being_removed'],
  ] as const)('has the same user at each target after %j', (seen, user) => {
    expect(at(seen)).toMatchObject({ user, targets: targets.map((target) => ({ target, user })) });
  });

  it('names the target of the failure', () => {
    expect(at(remaining(['payments'])).error).toMatchObject({ target: 'app2', code: 'ROLL_BACK_FAILED' });
  });

  it('reports the user as absent where a failed compensation has succeeded', () => {
    const status = at(remaining(['payments']));

    expect(status.user).toBe('being_removed');
    expect(usersIn(status)).toEqual(['absent', 'being_removed', 'absent']);
    expect(provisioningStatus.parse(status)).toEqual(status);
  });

  it('keeps that knowledge while a later roll-back is running, and after it has failed elsewhere', () => {
    const status = at(remaining(['payments', 'orders']));

    expect(usersIn(withUser(status, 'being_removed'))).toEqual(['absent', 'being_removed', 'being_removed']);
    expect(usersIn(withUser(status, 'being_removed', remaining(['orders'])))).toEqual([
      'absent',
      'absent',
      'being_removed',
    ]);
    expect(usersIn(withUser(status, 'absent'))).toEqual(['absent', 'absent', 'absent']);
  });
});

describe('withGone', () => {
  const status = of({ status: 'SUCCEEDED' }, { ...subject, targets: ['payments', 'old'] });

  it('reports a target that is gone, and that the user as a whole is unknown', () => {
    expect(withGone(status, ['old', 'older'])).toEqual({
      ...status,
      user: 'unknown',
      targets: [
        { target: 'payments', user: 'present' },
        { target: 'old', user: 'gone' },
      ],
    });
  });

  it('changes nothing when no target of the provisioning is gone', () => {
    expect(withGone(status, ['older'])).toEqual(status);
    expect(withGone(of({ status: 'SUCCEEDED' }), ['old'])).toEqual(of({ status: 'SUCCEEDED' }));
  });
});

describe('retryAfter', () => {
  const NOW = Date.parse('2026-01-01T01:00:00Z');
  const startedBefore = (seconds: number) => new Date(NOW - seconds * 1000).toISOString();

  it.each([
    [0, 1],
    [2, 1],
    [9, 5],
    [3_600, 30],
  ])('after %i seconds requests the next poll in %i', (age, seconds) => {
    expect(retryAfter({ status: 'RUNNING', user: 'unknown', started_at: startedBefore(age) }, NOW)).toEqual({
      'Retry-After': String(seconds),
    });
  });

  it('requests an early poll after the start, also with a clock skew', () => {
    expect(retryAfter({ status: 'RUNNING' }, NOW)).toEqual({ 'Retry-After': '1' });
    expect(retryAfter({ status: 'RUNNING', started_at: startedBefore(-5) }, NOW)).toEqual({
      'Retry-After': '1',
    });
  });

  it('requests a poll in some seconds while the user is being removed', () => {
    for (const status of ['SUCCEEDED', 'ABORTED', 'RUNNING'] as const)
      expect(retryAfter({ status, user: 'being_removed', started_at: startedBefore(600) }, NOW)).toEqual({
        'Retry-After': '6',
      });
  });

  it.each([
    ['SUCCEEDED', 'present'],
    ['FAILED', 'absent'],
  ] as const)('requests no poll when the status is %s and the user is %s', (status, user) => {
    expect(retryAfter({ status, user, started_at: startedBefore(1) }, NOW)).toEqual({});
  });
});
