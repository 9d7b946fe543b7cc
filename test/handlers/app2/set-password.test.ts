import {
  AdminSetUserPasswordCommand,
  CognitoIdentityProviderClient,
} from '@aws-sdk/client-cognito-identity-provider';
import { DecryptCommand, KMSClient } from '@aws-sdk/client-kms';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { handler } from '../../../handlers/app2/set-password.ts';
import { expectNoLeak, watchLog } from '../../support/leaks.ts';
import { sdkError } from '../../support/sdk-errors.ts';
import { ENCRYPTED, PASSWORD, PROVISIONING_ID, SUB } from '../../support/subject.ts';
import { thrownBy } from '../../support/thrown.ts';

const cognito = mockClient(CognitoIdentityProviderClient);
const kms = mockClient(KMSClient);
const log = watchLog();
const input = {
  provisioning_id: PROVISIONING_ID,
  username: 'alice',
  encrypted_password: ENCRYPTED,
  sub: SUB,
};

beforeEach(() => {
  cognito.reset();
  kms.reset();
  kms.on(DecryptCommand).resolves({ Plaintext: Buffer.from(PASSWORD) });
  cognito.on(AdminSetUserPasswordCommand).resolves({});
});

describe('SetPassword', () => {
  it('sets the decrypted password as permanent, by the sub of the user', async () => {
    const output = await handler(input);

    expect(cognito.commandCalls(AdminSetUserPasswordCommand).map(({ args }) => args[0].input)).toEqual([
      { UserPoolId: 'eu-central-1_Pool', Username: SUB, Password: PASSWORD, Permanent: true },
    ]);
    expect(output).toEqual({});
  });

  it.each([
    ['InvalidPasswordException', 'PasswordRejected'],
    ['InvalidParameterException', 'PasswordRejected'],
    ['UserNotFoundException', 'UserNotFound'],
    ['TooManyRequestsException', 'ServiceThrottled'],
    ['NotAuthorizedException', 'NotAuthorizedException'],
  ])('maps %s to %s without the password in its message', async (name, seen) => {
    const message = `Value '${PASSWORD}' at 'password' failed`;
    cognito.on(AdminSetUserPasswordCommand).rejects(sdkError(name, { message }));

    const error = await thrownBy(handler(input));

    expect(error.name).toBe(seen);
    expectNoLeak(PASSWORD, error, log());
  });

  it('refuses a redriven execution', async () => {
    await expect(handler({ ...input, redrive_count: 1 })).rejects.toMatchObject({ name: 'RedriveRefused' });
    expect([...kms.calls(), ...cognito.calls()]).toHaveLength(0);
  });

  it('sets nothing when the credentials do not decrypt for this user', async () => {
    kms.on(DecryptCommand).rejects(sdkError('InvalidCiphertextException'));

    await expect(handler(input)).rejects.toMatchObject({ name: 'CredentialsRejected' });
    expect(cognito.calls()).toHaveLength(0);
  });
});
