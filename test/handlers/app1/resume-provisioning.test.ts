import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { describe, expect, it, jest } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import type { ProvisioningStatus } from '../../../contracts/status.ts';
import type { AwaitedCreations } from '../../../handlers/app1/awaited-creations.ts';
import { handler, resumeProvisioning } from '../../../handlers/app1/resume-provisioning.ts';
import { creationStatus } from '../../support/app2-replies.ts';
import { PROVISIONING_ID } from '../../support/subject.ts';

const settle = jest.fn<AwaitedCreations['settle']>();
const hear = (detail: ProvisioningStatus, over: object = {}) =>
  resumeProvisioning({ settle })({
    source: 'app2.announcements',
    'detail-type': 'UserCreationSettled',
    detail,
    ...over,
  });
const failed = (code: NonNullable<ProvisioningStatus['error']>['code']) =>
  creationStatus({
    status: 'FAILED',
    error: { code, step: 'SetPassword', message: 'm', remedy: 'r', retryable: false },
  });

describe('an announcement of App2', () => {
  it.each([
    ['a user', creationStatus({ status: 'SUCCEEDED', user: 'present' }), 'UserCreated'],
    ['a refused password', failed('PASSWORD_REJECTED'), 'PasswordRejected'],
    ['a taken name', failed('USER_ALREADY_EXISTS'), 'UserAlreadyExists'],
    ['a failure of its own', failed('SERVICE_THROTTLED'), 'UserCreationFailed'],
    [
      'a stopped execution',
      creationStatus({ status: 'ABORTED', user: 'being_removed' }),
      'UserCreationFailed',
    ],
  ] as const)('of %s is what the same answer would have been', async (_what, status, end) => {
    await hear(status);

    expect(settle).toHaveBeenCalledWith(PROVISIONING_ID, end);
  });

  it.each([
    ['another source', { source: 'app2.service-users' }],
    ['another kind', { 'detail-type': 'ServiceUserCreated' }],
  ])('is none when it is of %s', async (_what, over) => {
    await expect(hear(creationStatus(), over)).rejects.toThrow();
  });

  it('lets no text of an error of AWS out, which may quote the token of a task', async () => {
    mockClient(DynamoDBClient).rejects(new Error("Value 'the-token' at 'taskToken' is not valid"));
    const heard = handler({
      source: 'app2.announcements',
      'detail-type': 'UserCreationSettled',
      detail: creationStatus({ status: 'SUCCEEDED', user: 'present' }),
    });

    await expect(heard).rejects.not.toThrow('the-token');
  });
});
