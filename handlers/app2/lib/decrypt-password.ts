import { DecryptCommand, type KMSClient } from '@aws-sdk/client-kms';
import { encryptionContext } from '../../../contracts/encryption-context.ts';
import { hasErrorName, StepError } from '../../shared/errors.ts';

interface EncryptedPassword {
  provisioning_id: string;
  username: string;
  encrypted_password: string;
}

/** The key under which a target decrypts passwords. */
interface TargetKey {
  /** Name of the target, which is in the encryption context. */
  SERVICE: string;
  KEY_ARN: string;
}

/** Errors of KMS for a ciphertext of another key or another context. */
const INVALID_CIPHERTEXT = ['InvalidCiphertextException', 'IncorrectKeyException', 'ValidationException'];

/**
 * Decrypts the password. The plaintext stays in the memory of the calling function: never return, log or throw it.
 * Every invalid ciphertext has the same error, so that an attacker learns nothing from attempts. A plaintext that is not
 * UTF-8 is refused, because decoding with replacements would change the password.
 * docs.aws.amazon.com/kms/latest/APIReference/API_Decrypt.html
 * @throws CredentialsRejected, PasswordRejected
 */
export async function decryptPassword(
  kms: Pick<KMSClient, 'send'>,
  { SERVICE, KEY_ARN }: TargetKey,
  encrypted: EncryptedPassword,
): Promise<string> {
  const { Plaintext } = await kms
    .send(
      new DecryptCommand({
        KeyId: KEY_ARN,
        CiphertextBlob: Buffer.from(encrypted.encrypted_password, 'base64'),
        EncryptionContext: encryptionContext(encrypted, SERVICE),
      }),
    )
    .catch((error: unknown) => {
      if (hasErrorName(error, ...INVALID_CIPHERTEXT)) throw rejected();
      throw error;
    });
  if (Plaintext === undefined || Plaintext.byteLength === 0) throw rejected();
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Plaintext);
  } catch {
    throw new StepError('PasswordRejected', 'The password is not well-formed UTF-8.');
  }
}

const rejected = () =>
  new StepError('CredentialsRejected', 'The credentials do not decrypt for this user and this provisioning.');
