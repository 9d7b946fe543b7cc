import { DecryptCommand, type KMSClient } from '@aws-sdk/client-kms';
import { encryptionContext } from '../../../contracts/encryption-context.ts';
import { hasErrorName, StepError } from '../../shared/errors.ts';

interface Sealed {
  provisioning_id: string;
  username: string;
  encrypted_password: string;
}

/** Errors by which KMS says that the ciphertext is not one of this key and this context. */
const NOT_OURS = ['InvalidCiphertextException', 'IncorrectKeyException', 'ValidationException'];

/**
 * The password in plain text. It stays in the caller's memory: never return, log or throw it.
 * Whatever is wrong with the ciphertext is answered in one way, so that nothing can be learned by trying. A plaintext
 * that is not UTF-8 is no password: read with replacements, it would be one that nobody has chosen.
 * docs.aws.amazon.com/kms/latest/APIReference/API_Decrypt.html
 * @throws CredentialsRejected, PasswordRejected
 */
export async function decryptPassword(
  kms: Pick<KMSClient, 'send'>,
  keyArn: string,
  sealed: Sealed,
): Promise<string> {
  const { Plaintext } = await kms
    .send(
      new DecryptCommand({
        KeyId: keyArn,
        CiphertextBlob: Buffer.from(sealed.encrypted_password, 'base64'),
        EncryptionContext: encryptionContext(sealed, 'app2'),
      }),
    )
    .catch((error: unknown) => {
      if (hasErrorName(error, ...NOT_OURS)) throw rejected();
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
