import type { Service } from './services.ts';
/**
 * What a ciphertext of a password is bound to. KMS decrypts it only for the same user, provisioning and service.
 * Readable in CloudTrail, so it holds nothing secret.
 * docs.aws.amazon.com/kms/latest/developerguide/encrypt_context.html
 */
export interface EncryptionContext extends Record<string, string> {
  provisioning_id: string;
  username: string;
  target: Service;
}

/** What App1's sealed task tokens are bound to. */
export const taskTokenContext = (provisioning_id: string) =>
  ({ provisioning_id, target: 'task-token' }) as const;

/** `target` is the service whose key seals the password: App1's intake key, or the one that App2 decrypts with. */
export function encryptionContext(
  subject: { provisioning_id: string; username: string },
  target: EncryptionContext['target'],
): EncryptionContext {
  return { provisioning_id: subject.provisioning_id, username: subject.username, target };
}
