import { randomBytes } from 'node:crypto';
import { EncryptCommand, KMSClient } from '@aws-sdk/client-kms';
import { describe, expect, it } from '@jest/globals';
import { type EncryptionContext, encryptionContext } from '../../contracts/encryption-context.ts';
import { provisioningStatus } from '../../contracts/status.ts';
import {
  configuration,
  encryptFor,
  machineToken,
  newName,
  newPassword,
  outputs,
  system,
} from './support/deployed.ts';

const kms = new KMSClient(configuration);

/** Seals something as somebody could who may use the key. */
async function seal(
  plaintext: string,
  { key = outputs.app2.key_arn, context }: { key?: string; context?: Record<string, string> },
): Promise<Buffer> {
  const { CiphertextBlob } = await kms.send(
    new EncryptCommand({
      KeyId: key,
      Plaintext: Buffer.from(plaintext),
      ...(context === undefined ? {} : { EncryptionContext: context }),
    }),
  );
  return Buffer.from(CiphertextBlob ?? []);
}

interface Subject {
  id: string;
  username: string;
  password: string;
}

const contextOf = ({ id, username }: Subject, target: EncryptionContext['target'] = 'app2') =>
  encryptionContext({ provisioning_id: id, username }, target);
const right = ({ id, username, password }: Subject) => encryptFor(id, username, password);
const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');

/** One bit of the right ciphertext is another one; `part` says where, from its begin to its end. */
const flipped = (part: number, bit: number) => async (subject: Subject) => {
  const bytes = Buffer.from(await right(subject), 'base64');
  const at = Math.round(part * (bytes.length - 1));
  bytes.writeUInt8(bytes.readUInt8(at) ^ (1 << bit), at);
  return base64(bytes);
};

const cut = (part: number) => async (subject: Subject) => {
  const bytes = Buffer.from(await right(subject), 'base64');
  return base64(bytes.subarray(0, Math.floor(part * bytes.length)));
};

/** What App2 is sent in the place of the credentials that App1 has sealed for this user and this provisioning. */
const sent: Record<string, (subject: Subject) => Promise<string>> = {
  'sealed for another user': ({ id, password }) => encryptFor(id, newName('another'), password),
  'sealed for a user whose name differs in its case': ({ id, username, password }) =>
    encryptFor(id, username.toUpperCase(), password),
  'sealed for another provisioning': ({ username, password }) =>
    encryptFor(crypto.randomUUID(), username, password),
  'sealed for another service': async (subject) =>
    base64(await seal(subject.password, { context: contextOf(subject, 'app1') })),
  'sealed for nobody': async ({ password }) => base64(await seal(password, {})),
  'sealed with less context': async ({ id, password }) =>
    base64(await seal(password, { context: { provisioning_id: id } })),
  'sealed with more context': async (subject) =>
    base64(await seal(subject.password, { context: { ...contextOf(subject), more: 'x' } })),
  'sealed under another key': async (subject) =>
    base64(await seal(subject.password, { key: 'alias/app1-intake-key', context: contextOf(subject) })),
  'with a bit flipped in its first byte': flipped(0, 0),
  'with a bit flipped in its first quarter': flipped(0.25, 3),
  'with a bit flipped in its middle': flipped(0.5, 7),
  'with a bit flipped in its last quarter': flipped(0.75, 1),
  'with a bit flipped in its last byte': flipped(1, 5),
  'with one byte left': async () => base64(Buffer.from([1])),
  'cut in half': cut(0.5),
  'without its last bytes': cut(0.95),
  'twice in a row': async (subject) => {
    const bytes = Buffer.from(await right(subject), 'base64');
    return base64(Buffer.concat([bytes, bytes]));
  },
  'with a byte more': async (subject) =>
    base64(Buffer.concat([Buffer.from(await right(subject), 'base64'), Buffer.from([0])])),
  'not sealed at all': async ({ password }) => base64(Buffer.from(password)),
  'of random bytes': async () => base64(randomBytes(200)),
  'of zeros': async () => base64(Buffer.alloc(200)),
  'of 6 KB': async () => base64(randomBytes(6_144)),
  'of more than KMS takes': async () => base64(randomBytes(6_500)),
};

/** Everything that the sender of wrong credentials can learn, without what names this request. */
async function learnt(how: (subject: Subject) => Promise<string>) {
  const subject = { id: crypto.randomUUID(), username: newName('user'), password: newPassword() };
  const { id, username } = subject;
  const answer = await system.app2(
    'POST',
    '/admin/create-user',
    await machineToken(),
    { username, human_user_id: 'h-1', encrypted_password: await how(subject) },
    { 'Idempotency-Key': id, Prefer: 'wait=15' },
  );
  const { status, user, error } = provisioningStatus.parse(answer.body);
  const states = await system.states('CreateServiceUser', id);
  return {
    answered: answer.status,
    status,
    user,
    error,
    states: states.map(({ name, errors }) => [name, ...errors]),
    made: await system.user(username),
  };
}

describe('Credentials', () => {
  it('that are right are taken', async () => {
    expect(await learnt(right)).toMatchObject({ answered: 200, status: 'SUCCEEDED', user: 'present' });
  });

  it.each(Object.entries(sent))('%s are rejected, without a retry and without a hint', async (_, how) => {
    expect(await learnt(how)).toEqual({
      answered: 200,
      status: 'FAILED',
      user: 'absent',
      error: expect.objectContaining({
        code: 'CREDENTIALS_REJECTED',
        step: 'DecryptCredentials',
        retryable: false,
      }),
      states: [
        ['DecryptCredentials', 'CredentialsRejected'],
        ['PublishUserCreationRejected'],
        ['UserCreationRejected'],
      ],
      made: undefined,
    });
  });
});
