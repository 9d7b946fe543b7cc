import { KMSClient, ReEncryptCommand } from '@aws-sdk/client-kms';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { handler } from '../../../handlers/app1/encrypt-credentials.ts';
import { expectNoLeak, watchLog } from '../../support/leaks.ts';
import { sdkError } from '../../support/sdk-errors.ts';
import { ENCRYPTED, INTAKE_CIPHERTEXT, PROVISIONING_ID } from '../../support/subject.ts';
import { thrownBy } from '../../support/thrown.ts';

const kms = mockClient(KMSClient);
const log = watchLog();
const input = {
  target: 'app2',
  provisioning_id: PROVISIONING_ID,
  username: 'alice',
  intake_ciphertext: INTAKE_CIPHERTEXT,
};
const subject = { provisioning_id: PROVISIONING_ID, username: 'alice' };

beforeEach(() => {
  kms.reset();
});

describe('EncryptCredentials', () => {
  it("re-encrypts the password under App2's key without its plaintext", async () => {
    kms.on(ReEncryptCommand).resolves({ CiphertextBlob: Buffer.from(ENCRYPTED, 'base64') });

    await expect(handler(input)).resolves.toEqual({ encrypted_password: ENCRYPTED });
    expect(kms.calls().map(({ args }) => args[0].input)).toEqual([
      {
        CiphertextBlob: Buffer.from(INTAKE_CIPHERTEXT, 'base64'),
        SourceKeyId: 'arn:aws:kms:eu-central-1:111122223333:key/intake',
        SourceEncryptionContext: { ...subject, target: 'app1' },
        DestinationKeyId: 'arn:aws:kms:eu-central-1:111122223333:key/app2',
        DestinationEncryptionContext: { ...subject, target: 'app2' },
      },
    ]);
  });

  it.each([
    ['InvalidCiphertextException', 'CredentialsRejected'],
    ['IncorrectKeyException', 'CredentialsRejected'],
    ['ThrottlingException', 'ServiceThrottled'],
    ['KMSInternalException', 'TargetUnavailable'],
    ['KeyUnavailableException', 'TargetUnavailable'],
    ['TimeoutError', 'TargetUnavailable'],
    ['DisabledException', 'TargetUnavailable'],
    ['KMSInvalidStateException', 'TargetUnavailable'],
    ['AccessDeniedException', 'AccessDeniedException'],
  ])('maps %s to %s without the ciphertext in the message', async (name, seen) => {
    kms.on(ReEncryptCommand).rejects(sdkError(name, { message: `cannot read ${INTAKE_CIPHERTEXT}` }));

    const error = await thrownBy(handler(input));

    expect(error.name).toBe(seen);
    expectNoLeak(INTAKE_CIPHERTEXT, error, log());
  });

  it('encrypts for another target under its key, with its name in the encryption context', async () => {
    kms.on(ReEncryptCommand).resolves({ CiphertextBlob: Buffer.from(ENCRYPTED, 'base64') });

    await handler({ ...input, target: 'payments' });

    expect(kms.commandCalls(ReEncryptCommand)[0]?.args[0].input).toMatchObject({
      DestinationKeyId: 'arn:aws:kms:eu-central-1:111122223333:key/payments',
      DestinationEncryptionContext: { ...subject, target: 'payments' },
    });
  });

  it.each(['old', 'unknown'])('fails with TargetNotRegistered for the target %s', async (target) => {
    await expect(handler({ ...input, target })).rejects.toMatchObject({ name: 'TargetNotRegistered' });
    expect(kms.calls()).toEqual([]);
  });

  it('fails without a ciphertext in the response', async () => {
    kms.on(ReEncryptCommand).resolves({});

    await expect(handler(input)).rejects.toThrow();
  });
});
