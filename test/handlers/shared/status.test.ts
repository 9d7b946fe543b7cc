import { describe, expect, it } from '@jest/globals';
import { provisioningStatus } from '../../../contracts/status.ts';
import { statusOf } from '../../../handlers/shared/status.ts';
import { failedAs, STARTED } from '../../support/executions.ts';
import { PROVISIONING_ID, subject } from '../../support/subject.ts';

const arns = { executionArn: 'execution', stateMachineArn: 'machine' };
const of = (seen: object, parsedInput: Parameters<typeof statusOf>[0]['parsedInput'] = subject) =>
  statusOf({ ...arns, status: 'FAILED', startDate: STARTED, parsedInput, ...seen }, ['CleanEnd']);

describe('statusOf', () => {
  it.each([
    ['SUCCEEDED', 'present'],
    ['RUNNING', 'absent'],
    ['ABORTED', 'being_removed'],
    ['TIMED_OUT', 'being_removed'],
  ] as const)('of an execution that is %s has a user that is %s', (status, user) => {
    expect(of({ status })).toMatchObject({ status, user });
  });

  it.each([
    ['CleanEnd', 'absent'],
    ['EndNotAnnounced', 'absent'],
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

  it.each(['CleanEnd', 'EndNotAnnounced', 'RollBackFailed'])(
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
    });

    expect(provisioningStatus.parse(status)).toEqual(status);
    expect(status).not.toHaveProperty('username');
  });
});
