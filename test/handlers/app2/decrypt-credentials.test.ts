import { DecryptCommand, KMSClient } from '@aws-sdk/client-kms';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { handler } from '../../../handlers/app2/decrypt-credentials.ts';
import { expectNoLeak, watchLog } from '../../support/leaks.ts';
import { ENCRYPTED, PASSWORD, PROVISIONING_ID, subject } from '../../support/subject.ts';
import { thrownBy } from '../../support/thrown.ts';

const kms = mockClient(KMSClient);
const log = watchLog();
const input = { ...subject, owner: 'machine', encrypted_password: ENCRYPTED };

beforeEach(() => {
  kms.reset();
});

describe('DecryptCredentials', () => {
  it('proves that the credentials decrypt, and returns nothing of them', async () => {
    kms.on(DecryptCommand).resolves({ Plaintext: Buffer.from(PASSWORD) });

    await expect(handler(input)).resolves.toEqual({});
    expect(kms.commandCalls(DecryptCommand)).toHaveLength(1);
  });

  it('rejects a password that the pool would not take, without repeating it', async () => {
    const weak = 'zq7xv2wk9m4tj8hb';
    kms.on(DecryptCommand).resolves({ Plaintext: Buffer.from(weak) });

    const error = await thrownBy(handler(input));

    expect(error.name).toBe('PasswordRejected');
    expectNoLeak(weak, error, log());
  });

  it('says when the turn of credentials that are in order has not come', async () => {
    kms.on(DecryptCommand).resolves({ Plaintext: Buffer.from(PASSWORD) });
    const at = (seconds: number) => new Date(Date.now() + seconds * 1000).toISOString();

    const waits = { ...input, can_wait: true };
    await expect(handler({ ...waits, not_before: at(60) })).rejects.toMatchObject({ name: 'TurnNotCome' });
    await expect(handler({ ...waits, not_before: at(-1) })).resolves.toEqual({});
    // A definition of the release before catches no such error: its execution begins at once.
    await expect(handler({ ...input, not_before: at(60) })).resolves.toEqual({});
  });

  it('refuses at once what is not in order, whenever its turn is', async () => {
    kms.on(DecryptCommand).resolves({ Plaintext: Buffer.from('weak') });
    const not_before = new Date(Date.now() + 60_000).toISOString();

    await expect(handler({ ...input, can_wait: true, not_before })).rejects.toMatchObject({
      name: 'PasswordRejected',
    });
  });

  it('ends a creation that was cancelled before it was requested, and decrypts nothing', async () => {
    const cancelled = { provisioning_id: PROVISIONING_ID, owner: 'machine', cancelled: true };

    await expect(handler(cancelled)).rejects.toMatchObject({ name: 'Cancelled' });
    expect(kms.calls()).toHaveLength(0);
  });
});
