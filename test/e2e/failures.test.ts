import { randomUUID } from 'node:crypto';
import {
  AdminCreateUserCommand,
  AdminSetUserPasswordCommand,
} from '@aws-sdk/client-cognito-identity-provider';
import { describe, expect, it } from '@jest/globals';
import { provisioningStatus } from '../../contracts/status.ts';
import { passwordWithoutSymbol } from '../../local/harness/lax-policy.ts';
import { withoutPermission } from '../../local/harness/without-permission.ts';
import { eventually } from '../local-aws/support/eventually.ts';
import {
  encryptFor,
  eventsOf,
  machineToken,
  newPassword,
  newRequest,
  outputs,
  provision,
  readMachineCredentials,
  statesOf,
  system,
  withVariable,
} from './support/deployed.ts';

const { app2 } = outputs;

/** Prepares a creation that is requested at App2 directly, as App1 does. */
async function prepareCreation(request = newRequest(), id = randomUUID()) {
  const token = await machineToken();
  const encrypted_password = await encryptFor(id, request.username, request.password);
  const { username, human_user_id } = request;
  const body = { username, encrypted_password, human_user_id };
  const post = () =>
    system.app2('POST', '/admin/create-user', token, body, { 'Idempotency-Key': id, Prefer: 'wait=20' });
  /** Waits until the status of the creation is not RUNNING. */
  const waitUntilFinished = () =>
    eventually(async () => {
      const { body } = await system.app2('GET', `/admin/create-user/${id}`, token, undefined, {
        Prefer: 'wait=15',
      });
      const status = provisioningStatus.parse(body);
      expect(status.status).not.toBe('RUNNING');
      return status;
    }, 120_000);
  return {
    id,
    token,
    username,
    post,
    /** Requests the creation and waits until it has finished. */
    async create() {
      await post();
      return waitUntilFinished();
    },
  };
}

/** Runs a function while the password of the machine user differs from the one in the secret. */
async function withWrongMachinePassword<Result>(run: () => Promise<Result>): Promise<Result> {
  const { username, password } = await readMachineCredentials();
  const set = (Password: string) =>
    system.clients.cognito.send(
      new AdminSetUserPasswordCommand({
        UserPoolId: app2.user_pool_id,
        Username: username,
        Password,
        Permanent: true,
      }),
    );
  await set(newPassword());
  try {
    return await run();
  } finally {
    await set(password);
  }
}

describe('a failure before the user is created', () => {
  it('is PASSWORD_REJECTED if the policy rejects the password', async () => {
    const request = newRequest({ password: passwordWithoutSymbol() });
    const status = await provision(request);

    expect(status).toMatchObject({ status: 'FAILED', user: 'absent' });
    expect(status.error).toMatchObject({
      code: 'PASSWORD_REJECTED',
      step: 'RequestUserCreation',
      retryable: false,
    });
    expect(await statesOf('CreateServiceUser', status.provisioning_id)).toEqual([
      'DecryptCredentials',
      'PublishUserCreationRejected',
      'UserCreationRejected',
    ]);
    expect(await system.user(request.username)).toBeUndefined();

    await eventsOf(status.provisioning_id, [
      'ServiceUserProvisioningRequested',
      'ServiceUserCreationRejected',
      'ServiceUserProvisioningFailed',
    ]);
  });

  it('is TARGET_AUTHENTICATION_FAILED if App1 cannot sign in, and App2 receives no request', async () => {
    const status = await withWrongMachinePassword(() =>
      // A new execution environment has no cached token.
      withVariable('app1-call-target', 'RESTARTED', 'true', () => provision(newRequest())),
    );

    expect(status).toMatchObject({ status: 'FAILED', user: 'absent' });
    expect(status.error).toMatchObject({ step: 'Authenticate', code: 'TARGET_AUTHENTICATION_FAILED' });
    expect(await system.executionStatus('CreateServiceUser', status.provisioning_id)).toBeUndefined();

    await eventsOf(status.provisioning_id, [
      'ServiceUserProvisioningRequested',
      'ServiceUserProvisioningFailed',
    ]);
  });

  it('occurs in EncryptCredentials if the key is denied, and App2 receives no request', async () => {
    const status = await withoutPermission(
      outputs,
      { functionName: 'app1-encrypt-credentials' },
      'kms:ReEncryptTo',
      () => provision(newRequest()),
    );

    expect(status).toMatchObject({ status: 'FAILED', user: 'absent', error: { step: 'EncryptCredentials' } });
    expect(await system.executionStatus('CreateServiceUser', status.provisioning_id)).toBeUndefined();
  });
});

describe('a failure after the user may have been created', () => {
  it('does not change an unrelated user with the same name', async () => {
    const request = newRequest();
    await system.clients.cognito.send(
      new AdminCreateUserCommand({
        UserPoolId: app2.user_pool_id,
        Username: request.username,
        MessageAction: 'SUPPRESS',
        UserAttributes: [{ Name: 'custom:human_user_id', Value: 'another-user' }],
      }),
    );
    const before = await system.user(request.username);
    const status = await provision(request);

    expect(status).toMatchObject({
      status: 'FAILED',
      user: 'absent',
      error: { code: 'USER_ALREADY_EXISTS' },
    });
    expect(await system.user(request.username)).toEqual(before);
    expect(await statesOf('CreateServiceUser', status.provisioning_id)).toEqual([
      'DecryptCredentials',
      'WaitForRateLimit',
      'CreateUser',
      'DeleteUser',
      'PublishUserRolledBack',
      'UserCreationRolledBack',
    ]);
  });

  it.each([
    ['SetPassword', 'app2-set-password', 'cognito-idp:AdminSetUserPassword'],
    ['AddToGroup', 'app2-add-to-group', 'cognito-idp:AdminAddUserToGroup'],
  ])('of %s is compensated by DeleteUser and published', async (step, functionName, action) => {
    const request = newRequest();
    const status = await withoutPermission(outputs, { functionName }, action, () => provision(request));

    expect(status).toMatchObject({
      status: 'FAILED',
      user: 'absent',
      error: { code: 'USER_CREATION_FAILED' },
    });

    const states = await statesOf('CreateServiceUser', status.provisioning_id);

    expect(states.slice(states.indexOf(step))).toEqual([
      step,
      'DeleteUser',
      'PublishUserRolledBack',
      'UserCreationRolledBack',
    ]);
    expect(await system.user(request.username)).toBeUndefined();

    await eventsOf(status.provisioning_id, [
      'ServiceUserProvisioningRequested',
      'ServiceUserCreationRolledBack',
      'ServiceUserProvisioningFailed',
    ]);
  });
});

describe('App2', () => {
  it('creates no user for a request that arrives after its cancellation', async () => {
    const creation = await prepareCreation();
    const cancelled = await system.app2(
      'DELETE',
      `/admin/create-user/${creation.id}?username=${creation.username}`,
      creation.token,
    );

    expect(cancelled.status).toBe(204);

    const response = await creation.post();

    expect(provisioningStatus.parse(response.body)).toMatchObject({
      status: 'FAILED',
      user: 'unknown',
      error: { code: 'CANCELLED' },
    });
    expect(await statesOf('CreateServiceUser', creation.id)).toEqual(['DecryptCredentials', 'Cancelled']);
    expect(await system.user(creation.username)).toBeUndefined();
  });

  it('rejects a repeat with different content', async () => {
    const creation = await prepareCreation();
    await creation.post();
    const encrypted_password = await encryptFor(creation.id, creation.username, newPassword());
    const response = await system.app2(
      'POST',
      '/admin/create-user',
      creation.token,
      { username: creation.username, encrypted_password, human_user_id: 'h-1' },
      { 'Idempotency-Key': creation.id },
    );

    expect([response.status, response.body]).toEqual([
      409,
      expect.objectContaining({ code: 'IDEMPOTENCY_CONFLICT' }),
    ]);
  });
});
