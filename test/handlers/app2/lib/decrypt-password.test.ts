import { DecryptCommand, KMSClient } from '@aws-sdk/client-kms';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { decryptPassword } from '../../../../handlers/app2/lib/decrypt-password.ts';
import { expectNoLeak } from '../../../support/leaks.ts';
import { sdkError } from '../../../support/sdk-errors.ts';
import { ENCRYPTED, PASSWORD, PROVISIONING_ID } from '../../../support/subject.ts';
import { thrownBy } from '../../../support/thrown.ts';

const kms = mockClient(KMSClient);
const encrypted = { provisioning_id: PROVISIONING_ID, username: 'alice', encrypted_password: ENCRYPTED };
const decrypt = () =>
  decryptPassword(new KMSClient({}), { SERVICE: 'payments', KEY_ARN: 'key-of-payments' }, encrypted);

beforeEach(() => {
  kms.reset();
});

describe('decryptPassword', () => {
  it('decrypts with this key, and with user, provisioning and service in the encryption context', async () => {
    kms.on(DecryptCommand).resolves({ Plaintext: Buffer.from(PASSWORD) });

    await expect(decrypt()).resolves.toBe(PASSWORD);
    expect(kms.commandCalls(DecryptCommand).map(({ args }) => args[0].input)).toEqual([
      {
        KeyId: 'key-of-payments',
        CiphertextBlob: Buffer.from(ENCRYPTED, 'base64'),
        EncryptionContext: { provisioning_id: PROVISIONING_ID, username: 'alice', target: 'payments' },
      },
    ]);
  });

  it('preserves characters beyond ASCII', async () => {
    kms.on(DecryptCommand).resolves({ Plaintext: Buffer.from('Pässwörd-密-1') });

    await expect(decrypt()).resolves.toBe('Pässwörd-密-1');
  });

  it.each([
    ['Latin-1', Buffer.from('P\u00e4ssw\u00f6rd-1', 'latin1')],
    ['UTF-16', Buffer.from('\ufeffP\u00e4ssw\u00f6rd-1', 'utf16le')],
    ['cut off', Buffer.from('P\u00e4ssw\u00f6rd-\u5bc6').subarray(0, -1)],
  ])('refuses a plaintext that is %s, without its content in the message', async (_what, Plaintext) => {
    kms.on(DecryptCommand).resolves({ Plaintext });

    const error = await thrownBy(decrypt());

    expect(error.name).toBe('PasswordRejected');
    expectNoLeak(Plaintext.toString('latin1'), error);
  });

  it('preserves a byte order mark, which the policy refuses', async () => {
    kms.on(DecryptCommand).resolves({ Plaintext: Buffer.from('\ufeffPassw0rd-1!') });

    await expect(decrypt()).resolves.toBe('\ufeffPassw0rd-1!');
  });

  it('fails with the same error for every invalid ciphertext', async () => {
    const wrong = [
      () => kms.on(DecryptCommand).rejects(sdkError('InvalidCiphertextException', { message: ENCRYPTED })),
      () => kms.on(DecryptCommand).rejects(sdkError('IncorrectKeyException', { message: ENCRYPTED })),
      () => kms.on(DecryptCommand).rejects(sdkError('ValidationException', { message: ENCRYPTED })),
      () => kms.on(DecryptCommand).resolves({}),
      () => kms.on(DecryptCommand).resolves({ Plaintext: Buffer.alloc(0) }),
    ];
    const errors: Error[] = [];
    for (const arrange of wrong) {
      arrange();
      errors.push(await thrownBy(decrypt()));
    }

    expect(new Set(errors.map(({ name, message }) => `${name}: ${message}`)).size).toBe(1);
    expect(errors[0]?.name).toBe('CredentialsRejected');
    expectNoLeak(ENCRYPTED, ...errors);
  });

  it('does not report a denied or throttled key as rejected credentials', async () => {
    for (const name of ['AccessDeniedException', 'ThrottlingException', 'KMSInternalException']) {
      kms.on(DecryptCommand).rejects(sdkError(name));
      await expect(decrypt()).rejects.toMatchObject({ name });
    }
  });
});
