import { DecryptCommand, KMSClient } from '@aws-sdk/client-kms';
import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { decryptCredentials } from '../../../handlers/app2/decrypt-credentials.ts';
import type { CreationLimiter } from '../../../handlers/app2/lib/creation-limiter.ts';
import { environments } from '../../../handlers/app2/lib/environments.ts';
import { readEnvironment } from '../../../handlers/shared/environment.ts';
import { StepError } from '../../../handlers/shared/errors.ts';
import { expectNoLeak, watchLog } from '../../support/leaks.ts';
import { CREATION_ID, ENCRYPTED, GENERATION, PASSWORD, subject } from '../../support/subject.ts';
import { thrownBy } from '../../support/thrown.ts';

const kms = mockClient(KMSClient);
const log = watchLog();
const limiter = { reserve: jest.fn<CreationLimiter['reserve']>() };
const START = Date.parse('2026-01-01T00:00:00Z');
const input = { ...subject, owner: 'machine', encrypted_password: ENCRYPTED };
const handler = decryptCredentials({
  kms: new KMSClient({}),
  limiter,
  environment: readEnvironment(environments['decrypt-credentials']),
});

beforeEach(() => {
  kms.reset();
  limiter.reserve.mockReset().mockResolvedValue(START);
});

describe('DecryptCredentials', () => {
  it('decrypts the credentials, and returns only the start time of the creation', async () => {
    kms.on(DecryptCommand).resolves({ Plaintext: Buffer.from(PASSWORD) });

    await expect(handler(input)).resolves.toEqual({ start_at: '2026-01-01T00:00:00.000Z' });
    expect(kms.commandCalls(DecryptCommand)).toHaveLength(1);
  });

  it.each([
    ['the caller in On-Behalf-Of', { on_behalf_of: 'a caller' }, 'a caller'],
    ['the owner without On-Behalf-Of', {}, 'machine'],
  ])('reserves the start for %s', async (_who, fields, caller) => {
    kms.on(DecryptCommand).resolves({ Plaintext: Buffer.from(PASSWORD) });

    await handler({ ...input, ...fields });

    expect(limiter.reserve.mock.calls).toEqual([[{ id: CREATION_ID, caller }]]);
  });

  it('fails with CreationDeferred when the limiter defers the creation', async () => {
    kms.on(DecryptCommand).resolves({ Plaintext: Buffer.from(PASSWORD) });
    limiter.reserve.mockRejectedValue(new StepError('CreationDeferred', 'full'));

    await expect(handler(input)).rejects.toMatchObject({ name: 'CreationDeferred' });
  });

  it('rejects a password that breaks the policy, without its value in the message, and reserves nothing', async () => {
    const weak = 'zq7xv2wk9m4tj8hb';
    kms.on(DecryptCommand).resolves({ Plaintext: Buffer.from(weak) });

    const error = await thrownBy(handler(input));

    expect(error.name).toBe('PasswordRejected');
    expect(limiter.reserve).not.toHaveBeenCalled();
    expectNoLeak(weak, error, log());
  });

  it('reserves nothing for credentials that do not decrypt', async () => {
    kms.on(DecryptCommand).resolves({});

    await expect(handler(input)).rejects.toMatchObject({ name: 'CredentialsRejected' });
    expect(limiter.reserve).not.toHaveBeenCalled();
  });

  it('fails with Cancelled for a cancellation, and decrypts and reserves nothing', async () => {
    const cancelled = { ...GENERATION, owner: 'machine', cancelled: true } as const;

    await expect(handler(cancelled)).rejects.toMatchObject({ name: 'Cancelled' });
    expect(kms.calls()).toHaveLength(0);
    expect(limiter.reserve).not.toHaveBeenCalled();
  });
});
