/**
 * Encryption context of an encrypted password. KMS decrypts it only with the same context.
 * CloudTrail records the context in plaintext, so it contains nothing secret.
 * docs.aws.amazon.com/kms/latest/developerguide/encrypt_context.html
 */
export interface EncryptionContext extends Record<string, string> {
  provisioning_id: string;
  username: string;
  /** Name of the service whose key it is. */
  target: string;
}

/** Encryption context of App1's encrypted task tokens. @param waits_for name of the target for which the task waits */
export const taskTokenContext = (provisioning_id: string, waits_for: string) =>
  ({ provisioning_id, target: 'task-token', waits_for }) as const;

/** @param target name of the service of the key: App1 for the intake key, a target for the key under which it decrypts */
export function encryptionContext(
  subject: { provisioning_id: string; username: string },
  target: EncryptionContext['target'],
): EncryptionContext {
  return { provisioning_id: subject.provisioning_id, username: subject.username, target };
}
