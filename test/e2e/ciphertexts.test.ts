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

/** Encrypts a text with the permission to use the key. */
async function encrypt(
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

interface TestUser {
  id: string;
  username: string;
  password: string;
}

const contextOf = ({ id, username }: TestUser, target: EncryptionContext['target'] = 'app2') =>
  encryptionContext({ provisioning_id: id, username }, target);
const encryptCorrectly = ({ id, username, password }: TestUser) => encryptFor(id, username, password);
const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');

/** Flips one bit of the correct ciphertext; `part` is the position, from 0 (first byte) to 1 (last byte). */
const flipBit = (part: number, bit: number) => async (user: TestUser) => {
  const bytes = Buffer.from(await encryptCorrectly(user), 'base64');
  const index = Math.round(part * (bytes.length - 1));
  bytes.writeUInt8(bytes.readUInt8(index) ^ (1 << bit), index);
  return base64(bytes);
};

const truncate = (part: number) => async (user: TestUser) => {
  const bytes = Buffer.from(await encryptCorrectly(user), 'base64');
  return base64(bytes.subarray(0, Math.floor(part * bytes.length)));
};

/** Ciphertexts that replace the one that App1 has encrypted for this user and this provisioning. */
const ciphertexts: Record<string, (user: TestUser) => Promise<string>> = {
  'encrypted for another user': ({ id, password }) => encryptFor(id, newName('another'), password),
  'encrypted for a username that differs in case': ({ id, username, password }) =>
    encryptFor(id, username.toUpperCase(), password),
  'encrypted for another provisioning': ({ username, password }) =>
    encryptFor(crypto.randomUUID(), username, password),
  'encrypted for another service': async (user) =>
    base64(await encrypt(user.password, { context: contextOf(user, 'app1') })),
  'encrypted without a context': async ({ password }) => base64(await encrypt(password, {})),
  'encrypted with less context': async ({ id, password }) =>
    base64(await encrypt(password, { context: { provisioning_id: id } })),
  'encrypted with more context': async (user) =>
    base64(await encrypt(user.password, { context: { ...contextOf(user), more: 'x' } })),
  'encrypted under another key': async (user) =>
    base64(await encrypt(user.password, { key: 'alias/app1-intake-key', context: contextOf(user) })),
  'with a bit flipped in its first byte': flipBit(0, 0),
  'with a bit flipped in its first quarter': flipBit(0.25, 3),
  'with a bit flipped in its middle': flipBit(0.5, 7),
  'with a bit flipped in its last quarter': flipBit(0.75, 1),
  'with a bit flipped in its last byte': flipBit(1, 5),
  'of one byte': async () => base64(Buffer.from([1])),
  'truncated to half': truncate(0.5),
  'without its last bytes': truncate(0.95),
  'repeated twice': async (user) => {
    const bytes = Buffer.from(await encryptCorrectly(user), 'base64');
    return base64(Buffer.concat([bytes, bytes]));
  },
  'with an additional byte': async (user) =>
    base64(Buffer.concat([Buffer.from(await encryptCorrectly(user), 'base64'), Buffer.from([0])])),
  'not encrypted': async ({ password }) => base64(Buffer.from(password)),
  'of random bytes': async () => base64(randomBytes(200)),
  'of zeros': async () => base64(Buffer.alloc(200)),
  'of 6 KB': async () => base64(randomBytes(6_144)),
  'of more than KMS accepts': async () => base64(randomBytes(6_500)),
};

/** Everything that the sender of a ciphertext can observe, except identifiers of the request. */
async function observe(encryptFor: (user: TestUser) => Promise<string>) {
  const testUser = { id: crypto.randomUUID(), username: newName('user'), password: newPassword() };
  const { id, username } = testUser;
  const response = await system.app2(
    'POST',
    '/admin/create-user',
    await machineToken(),
    { username, human_user_id: 'h-1', encrypted_password: await encryptFor(testUser) },
    { 'Idempotency-Key': id, Prefer: 'wait=15' },
  );
  const { status, user, error } = provisioningStatus.parse(response.body);
  const states = await system.states('CreateServiceUser', id);
  return {
    responseStatus: response.status,
    status,
    user,
    error,
    states: states.map(({ name, errors }) => [name, ...errors]),
    poolUser: await system.user(username),
  };
}

describe('Credentials', () => {
  it('encrypted correctly are accepted', async () => {
    expect(await observe(encryptCorrectly)).toMatchObject({
      responseStatus: 200,
      status: 'SUCCEEDED',
      user: 'present',
    });
  });

  it.each(Object.entries(ciphertexts))(
    '%s are rejected without a retry and without details',
    async (_, encryptFor) => {
      expect(await observe(encryptFor)).toEqual({
        responseStatus: 200,
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
        poolUser: undefined,
      });
    },
  );
});
