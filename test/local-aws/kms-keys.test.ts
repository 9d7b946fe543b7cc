import {
  CreateKeyCommand,
  type CreateKeyCommandInput,
  DecryptCommand,
  EnableKeyRotationCommand,
  EncryptCommand,
  GenerateDataKeyPairCommand,
  GetKeyRotationStatusCommand,
  KMSClient,
  ReEncryptCommand,
  ScheduleKeyDeletionCommand,
  SignCommand,
  TagResourceCommand,
  VerifyCommand,
} from '@aws-sdk/client-kms';
import { describe, expect, it } from '@jest/globals';
import { client } from './support/clients.ts';
import { present } from './support/present.ts';

const kms = client(KMSClient);
const Plaintext = Buffer.from('text');

async function createKey(input: CreateKeyCommandInput = {}): Promise<string> {
  const { KeyMetadata } = await kms.send(new CreateKeyCommand(input));
  return present(KeyMetadata?.KeyId);
}
const encrypt = (KeyId: string) => kms.send(new EncryptCommand({ KeyId, Plaintext }));

describe('corrected: usage of a KMS key', () => {
  const SigningAlgorithm = 'ECDSA_SHA_256';
  const signature = { SigningAlgorithm, Message: Plaintext } as const;

  // kms/latest/APIReference/API_Encrypt, API_Sign and API_Verify (Errors)
  // recorded: kms test_invalid_key_usage, test_error_messaging_for_invalid_keys
  it('rejects a key of another usage', async () => {
    const [encryptionKey, signingKey] = [
      await createKey(),
      await createKey({ KeyUsage: 'SIGN_VERIFY', KeySpec: 'ECC_NIST_P256' }),
    ];

    for (const attempt of [
      encrypt(signingKey),
      kms.send(new SignCommand({ KeyId: encryptionKey, ...signature })),
      kms.send(new VerifyCommand({ KeyId: encryptionKey, ...signature, Signature: Plaintext })),
    ])
      await expect(attempt).rejects.toMatchObject({ name: 'InvalidKeyUsageException' });
  });

  // kms/latest/APIReference/API_Decrypt (IncorrectKeyException)
  // recorded: kms test_re_encrypt_incorrect_source_key, test_error_messaging_for_invalid_keys
  it('returns the same error for any key that did not encrypt, regardless of its usage', async () => {
    const { CiphertextBlob } = await encrypt(await createKey());
    const other = await createKey({ KeyUsage: 'GENERATE_VERIFY_MAC', KeySpec: 'HMAC_256' });

    for (const attempt of [
      kms.send(new DecryptCommand({ KeyId: other, CiphertextBlob })),
      kms.send(new ReEncryptCommand({ SourceKeyId: other, DestinationKeyId: other, CiphertextBlob })),
    ])
      await expect(attempt).rejects.toMatchObject({ name: 'IncorrectKeyException' });
  });

  // kms/latest/APIReference/API_Encrypt (Plaintext): 190 bytes
  // recorded: kms test_encrypt_validate_plaintext_size_per_key_type
  it('limits the plaintext by the size of an RSA key', async () => {
    const KeyId = await createKey({ KeySpec: 'RSA_2048' });
    const attempt = (size: number) =>
      kms.send(
        new EncryptCommand({
          KeyId,
          Plaintext: Buffer.alloc(size),
          EncryptionAlgorithm: 'RSAES_OAEP_SHA_256',
        }),
      );

    await expect(attempt(190)).resolves.toBeDefined();
    await expect(attempt(191)).rejects.toMatchObject({ name: 'ValidationException' });
  });

  // kms/latest/developerguide/testing-permissions
  // recorded: kms test_generate_data_key_pair_dry_run
  it('creates no key pair in a dry run', async () => {
    const pair = { KeyId: await createKey(), KeyPairSpec: 'ECC_NIST_P256', DryRun: true } as const;

    await expect(kms.send(new GenerateDataKeyPairCommand(pair))).rejects.toMatchObject({
      name: 'DryRunOperationException',
    });
  });
});

describe('corrected: tags, rotation and deletion of KMS keys', () => {
  const tag = (TagKey: string, TagValue = 'value') => ({ TagKey, TagValue });

  // kms/latest/APIReference/API_TagResource and API_Tag
  // recorded: kms test_tag_key_with_duplicate_tag_keys_raises_error, test_create_key_with_invalid_tag_key
  // recorded: kms test_create_key_with_too_many_tags_raises_error, test_key_with_long_tag_value_raises_error
  it.each([
    ['a reserved one', [tag('aws:one')], 'TagException'],
    ['one twice', [tag('one'), tag('one')], 'TagException'],
    ['51 of them', Array.from({ length: 51 }, (_, n) => tag(`tag${n}`)), 'TagException'],
    ['a long value', [tag('one', 'v'.repeat(257))], 'ValidationException'],
    ['a long key', [tag('k'.repeat(129))], 'ValidationException'],
  ])('rejects tags with %s', async (_, Tags, name) => {
    const command = new TagResourceCommand({ KeyId: await createKey(), Tags });

    await expect(createKey({ Tags })).rejects.toMatchObject({ name });
    await expect(kms.send(command)).rejects.toMatchObject({ name });
  });

  // kms/latest/APIReference/API_GetKeyRotationStatus
  // recorded: kms test_key_enable_rotation_status
  it('returns the time of the next rotation', async () => {
    const KeyId = await createKey();
    await kms.send(new EnableKeyRotationCommand({ KeyId, RotationPeriodInDays: 90 }));

    expect(await kms.send(new GetKeyRotationStatusCommand({ KeyId }))).toMatchObject({
      KeyId,
      KeyRotationEnabled: true,
      RotationPeriodInDays: 90,
      NextRotationDate: expect.any(Date),
    });
  });

  // kms/latest/developerguide/key-state
  // recorded: kms test_cant_delete_deleted_key
  it('schedules the deletion of a key once', async () => {
    const command = new ScheduleKeyDeletionCommand({ KeyId: await createKey() });
    await kms.send(command);

    await expect(kms.send(command)).rejects.toMatchObject({ name: 'KMSInvalidStateException' });
  });
});
