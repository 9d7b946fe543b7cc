import {
  CreateAliasCommand,
  CreateKeyCommand,
  DecryptCommand,
  EncryptCommand,
  GenerateDataKeyCommand,
  GenerateMacCommand,
  KMSClient,
  ReEncryptCommand,
  VerifyMacCommand,
} from '@aws-sdk/client-kms';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { type Credentials, client } from './support/clients.ts';
import { present } from './support/present.ts';
import { callerWho } from './support/roles.ts';
import { unique } from './support/unique.ts';

const kms = client(KMSClient);
const context = { provisioning_id: 'p-1', username: 'alice' };
const password = Buffer.from('correct horse battery staple');

let key: string;
let otherKey: string;

beforeAll(async () => {
  [key, otherKey] = await Promise.all([createKey(), createKey()]);
});

describe('unchanged: KMS', () => {
  // kms/latest/APIReference/API_Decrypt (EncryptionContext)
  // recorded: kms test_encrypt_decrypt_encryption_context
  it('decrypts with the encryption context that was used to encrypt', async () => {
    const blob = await encrypt();
    const { Plaintext, KeyId } = await kms.send(
      new DecryptCommand({ KeyId: key, CiphertextBlob: blob, EncryptionContext: context }),
    );

    expect([text(Plaintext), KeyId]).toEqual([password.toString(), key]);
  });

  // kms/latest/APIReference/API_Decrypt (EncryptionContext): case-sensitive, no value may differ
  it.each([
    ['another value', { ...context, username: 'mallory' }],
    ['a value in another case', { ...context, username: 'Alice' }],
    ['one pair less', { username: 'alice' }],
    ['no context', undefined],
  ])('rejects a decryption with %s', async (_, EncryptionContext) => {
    const attempt = kms.send(
      new DecryptCommand({
        CiphertextBlob: await encrypt(),
        ...(EncryptionContext === undefined ? {} : { EncryptionContext }),
      }),
    );

    await expect(attempt).rejects.toMatchObject({ name: 'InvalidCiphertextException' });
  });

  // kms/latest/APIReference/API_Decrypt (KeyId)
  // recorded: kms test_all_types_of_key_id_can_be_used_for_encryption
  it('decrypts by alias name and by alias ARN', async () => {
    const AliasName = `alias/${unique('cross-service')}`;
    await kms.send(new CreateAliasCommand({ AliasName, TargetKeyId: key }));
    const CiphertextBlob = await encrypt();

    for (const KeyId of [AliasName, key.replace(/key\/.*/, AliasName)]) {
      const { Plaintext } = await kms.send(
        new DecryptCommand({ KeyId, CiphertextBlob, EncryptionContext: context }),
      );
      expect(text(Plaintext)).toBe(password.toString());
    }
  });

  // kms/latest/APIReference/API_Decrypt (Errors): InvalidCiphertextException
  it('does not decrypt a blob that is not a KMS ciphertext', async () => {
    const attempt = kms.send(new DecryptCommand({ KeyId: key, CiphertextBlob: Buffer.alloc(200, 'x') }));

    await expect(attempt).rejects.toMatchObject({ name: 'InvalidCiphertextException' });
  });

  // kms/latest/APIReference/API_GenerateMac, API_VerifyMac
  // recorded: kms test_generate_and_verify_mac
  it('computes and verifies an HMAC, which is equal for equal messages only', async () => {
    const macKey = await createKey({ KeySpec: 'HMAC_256', KeyUsage: 'GENERATE_VERIFY_MAC' });
    const mac = async (Message: Buffer) =>
      (await kms.send(new GenerateMacCommand({ KeyId: macKey, MacAlgorithm: 'HMAC_SHA_256', Message }))).Mac;
    const made = await mac(password);

    const verify = (Message: Buffer) =>
      kms.send(
        new VerifyMacCommand({ KeyId: macKey, MacAlgorithm: 'HMAC_SHA_256', Message, Mac: present(made) }),
      );

    expect(await mac(password)).toEqual(made);
    expect(await mac(Buffer.from('other'))).not.toEqual(made);
    expect(await verify(password)).toMatchObject({ MacValid: true });
    await expect(verify(Buffer.from('other'))).rejects.toMatchObject({ name: 'KMSInvalidMacException' });
  });

  // kms/latest/developerguide/key-policies: without permission in the key policy, no principal may use a key
  it('denies the use of a key without permission', async () => {
    const stranger = client(KMSClient, await callerWho());
    const attempt = stranger.send(new EncryptCommand({ KeyId: key, Plaintext: password }));

    await expect(attempt).rejects.toMatchObject({ name: 'AccessDeniedException' });
  });

  // kms/latest/APIReference/API_GenerateDataKey
  it('decrypts a data key', async () => {
    const made = await kms.send(
      new GenerateDataKeyCommand({ KeyId: key, KeySpec: 'AES_256', EncryptionContext: context }),
    );
    const blob = present(made.CiphertextBlob);
    const opened = await kms.send(new DecryptCommand({ CiphertextBlob: blob, EncryptionContext: context }));

    expect(opened.Plaintext).toEqual(made.Plaintext);
  });
});

describe('corrected: KMS ciphertexts', () => {
  // kms/latest/APIReference/API_Decrypt (Errors): InvalidCiphertextException
  it.each([
    ['was changed in its last byte', (blob: Uint8Array) => flip(blob, blob.length - 1)],
    ['was changed in the middle', (blob: Uint8Array) => flip(blob, blob.length - 20)],
    ['was cut short', (blob: Uint8Array) => blob.subarray(0, blob.length - 1)],
    ['was cut down to its first bytes', (blob: Uint8Array) => blob.subarray(0, 70)],
  ])('does not decrypt a ciphertext that %s', async (_, change) => {
    const CiphertextBlob = change(await encrypt());

    for (const KeyId of [key, undefined]) {
      const attempt = kms.send(
        new DecryptCommand({ CiphertextBlob, EncryptionContext: context, ...(KeyId && { KeyId }) }),
      );
      await expect(attempt).rejects.toMatchObject({ name: 'InvalidCiphertextException' });
    }
  });

  // kms/latest/APIReference/API_Decrypt (KeyId): IncorrectKeyException
  // recorded: kms test_error_messaging_for_invalid_keys
  it('does not decrypt with another key than the one that encrypted', async () => {
    const attempt = kms.send(
      new DecryptCommand({ KeyId: otherKey, CiphertextBlob: await encrypt(), EncryptionContext: context }),
    );

    await expect(attempt).rejects.toMatchObject({ name: 'IncorrectKeyException' });
  });

  // kms/latest/APIReference/API_Encrypt (Plaintext), API_Decrypt (CiphertextBlob): 4096 and 6144 bytes
  // recorded: kms test_plaintext_size_for_encrypt
  it('accepts plaintexts of 1 to 4096 bytes', async () => {
    const encrypted = await kms.send(new EncryptCommand({ KeyId: key, Plaintext: Buffer.alloc(4096, 'x') }));
    const opened = await kms.send(new DecryptCommand({ CiphertextBlob: encrypted.CiphertextBlob }));

    expect(present(opened.Plaintext)).toHaveLength(4096);
    for (const length of [0, 4097]) {
      const attempt = kms.send(new EncryptCommand({ KeyId: key, Plaintext: Buffer.alloc(length, 'x') }));
      await expect(attempt).rejects.toMatchObject({ name: 'ValidationException' });
    }
  });

  it('rejects ciphertexts of more than 6144 bytes', async () => {
    const attempt = kms.send(new DecryptCommand({ CiphertextBlob: Buffer.alloc(6145, 'x') }));

    await expect(attempt).rejects.toMatchObject({ name: 'ValidationException' });
  });

  // kms/latest/APIReference/API_GenerateDataKey: authenticated like every other ciphertext
  // recorded: kms test_encryption_context_generate_data_key
  it('does not decrypt a data key whose ciphertext was changed', async () => {
    const made = await kms.send(
      new GenerateDataKeyCommand({ KeyId: key, KeySpec: 'AES_256', EncryptionContext: context }),
    );
    const blob = present(made.CiphertextBlob);
    const attempt = kms.send(
      new DecryptCommand({ CiphertextBlob: flip(blob, blob.length - 1), EncryptionContext: context }),
    );

    await expect(attempt).rejects.toMatchObject({ name: 'InvalidCiphertextException' });
  });
});

describe('corrected: KMS ReEncrypt', () => {
  // kms/latest/APIReference/API_ReEncrypt
  // recorded: kms test_re_encrypt
  it('moves a ciphertext to another key and another context', async () => {
    const moved = await reEncrypt(kms);
    const opened = await kms.send(
      new DecryptCommand({
        KeyId: otherKey,
        CiphertextBlob: moved.CiphertextBlob,
        EncryptionContext: { ...context, target: 'app2' },
      }),
    );

    expect(moved).toMatchObject({ SourceKeyId: key, KeyId: otherKey });
    expect(text(opened.Plaintext)).toBe(password.toString());
  });

  // kms/latest/APIReference/API_ReEncrypt (SourceEncryptionContext, SourceKeyId)
  // recorded: kms test_re_encrypt_incorrect_source_key
  it('rejects another source context and another source key', async () => {
    await expect(reEncrypt(kms, { SourceEncryptionContext: { username: 'mallory' } })).rejects.toMatchObject({
      name: 'InvalidCiphertextException',
    });
    await expect(reEncrypt(kms, { SourceKeyId: otherKey })).rejects.toMatchObject({
      name: 'IncorrectKeyException',
    });
  });

  // kms/latest/developerguide/kms-api-permissions-reference (ReEncrypt)
  it('requires kms:ReEncryptFrom on the source and kms:ReEncryptTo on the destination', async () => {
    const from = { Effect: 'Allow', Action: 'kms:ReEncryptFrom', Resource: key } as const;
    const to = { Effect: 'Allow', Action: 'kms:ReEncryptTo', Resource: otherKey } as const;
    const as = async (...may: Parameters<typeof callerWho>) =>
      reEncrypt(client(KMSClient, await callerWho(...may)));

    await expect(as(from)).rejects.toThrow(/kms:ReEncryptTo/);
    await expect(as(to)).rejects.toThrow(/kms:ReEncryptFrom/);
    await expect(as({ ...from, Resource: otherKey }, { ...to, Resource: key })).rejects.toMatchObject({
      name: 'AccessDeniedException',
    });
    expect(await as(from, to)).toMatchObject({ KeyId: otherKey });
  });
});

describe('corrected: KMS authorization', () => {
  // kms/latest/developerguide/conditions-kms (kms:EncryptionContext:context-key)
  it('evaluates kms:EncryptionContext:<key>', async () => {
    const caller = await callerWhoMayDecrypt({ StringEquals: { 'kms:EncryptionContext:username': 'alice' } });
    const blobOf = (EncryptionContext: Record<string, string>) => encrypt({ EncryptionContext });
    const otherContext = { ...context, username: 'mallory' };

    await expect(decryptAs(caller, await blobOf(context), context)).resolves.toBeDefined();
    await expect(decryptAs(caller, await blobOf(otherContext), otherContext)).rejects.toMatchObject({
      name: 'AccessDeniedException',
    });
  });

  // kms/latest/developerguide/conditions-kms (kms:EncryptionContextKeys)
  it('evaluates kms:EncryptionContextKeys', async () => {
    const caller = await callerWhoMayDecrypt({
      'ForAnyValue:StringEquals': { 'kms:EncryptionContextKeys': 'provisioning_id' },
    });
    const without = { username: 'alice' };
    const blob = await encrypt({ EncryptionContext: without });

    await expect(decryptAs(caller, await encrypt(), context)).resolves.toBeDefined();
    await expect(decryptAs(caller, blob, without)).rejects.toMatchObject({ name: 'AccessDeniedException' });
  });

  // kms/latest/developerguide/conditions-kms: ReEncrypt has a context on either side
  it('evaluates both encryption contexts in a ReEncrypt', async () => {
    const as = async (fromUser: string, toTarget: string) =>
      reEncrypt(
        client(
          KMSClient,
          await callerWho(
            {
              Effect: 'Allow',
              Action: 'kms:ReEncryptFrom',
              Resource: key,
              Condition: { StringEquals: { 'kms:EncryptionContext:username': fromUser } },
            },
            {
              Effect: 'Allow',
              Action: 'kms:ReEncryptTo',
              Resource: otherKey,
              Condition: { StringEquals: { 'kms:EncryptionContext:target': toTarget } },
            },
          ),
        ),
      );

    await expect(as('alice', 'app2')).resolves.toMatchObject({ KeyId: otherKey });
    await expect(as('mallory', 'app2')).rejects.toThrow(/kms:ReEncryptFrom/);
    await expect(as('alice', 'app3')).rejects.toThrow(/kms:ReEncryptTo/);
  });

  // kms/latest/developerguide/alias-authorization: a policy's Resource is the key, whatever the caller names
  it('authorizes a request with an alias by the key of the alias', async () => {
    const AliasName = `alias/${unique('cross-service')}`;
    await kms.send(new CreateAliasCommand({ AliasName, TargetKeyId: key }));
    const caller = client(
      KMSClient,
      await callerWho({ Effect: 'Allow', Action: 'kms:Encrypt', Resource: key }),
    );

    await expect(
      caller.send(new EncryptCommand({ KeyId: AliasName, Plaintext: password })),
    ).resolves.toMatchObject({ KeyId: key });
  });
});

async function createKey(kind: { KeySpec?: 'HMAC_256'; KeyUsage?: 'GENERATE_VERIFY_MAC' } = {}) {
  const { KeyMetadata } = await kms.send(new CreateKeyCommand(kind));
  return present(KeyMetadata?.Arn);
}

async function encrypt({ EncryptionContext = context }: { EncryptionContext?: Record<string, string> } = {}) {
  const { CiphertextBlob } = await kms.send(
    new EncryptCommand({ KeyId: key, Plaintext: password, EncryptionContext }),
  );
  return present(CiphertextBlob);
}

async function reEncrypt(
  caller: KMSClient,
  different: { SourceKeyId?: string; SourceEncryptionContext?: Record<string, string> } = {},
) {
  return caller.send(
    new ReEncryptCommand({
      CiphertextBlob: await encrypt(),
      SourceKeyId: key,
      SourceEncryptionContext: context,
      DestinationKeyId: otherKey,
      DestinationEncryptionContext: { ...context, target: 'app2' },
      ...different,
    }),
  );
}

function callerWhoMayDecrypt(Condition: Record<string, Record<string, string>>) {
  return callerWho({ Effect: 'Allow', Action: 'kms:Decrypt', Resource: key, Condition });
}

function decryptAs(
  caller: Credentials,
  CiphertextBlob: Uint8Array,
  EncryptionContext: Record<string, string>,
) {
  return client(KMSClient, caller).send(new DecryptCommand({ CiphertextBlob, EncryptionContext }));
}

function flip(blob: Uint8Array, position: number): Uint8Array {
  return blob.map((byte, index) => (index === position ? byte ^ 1 : byte));
}

function text(plaintext: Uint8Array | undefined): string {
  return Buffer.from(present(plaintext)).toString();
}
