import * as z from 'zod';

/** The user pool's password policy: infra gives it to the pool, DecryptCredentials checks against the same. */
export const passwordPolicy = z.strictObject({
  minimum_length: z.int().min(6).max(99),
  require_lowercase: z.boolean(),
  require_uppercase: z.boolean(),
  require_numbers: z.boolean(),
  require_symbols: z.boolean(),
});
export type PasswordPolicy = z.infer<typeof passwordPolicy>;

/** Cognito's special characters; a space counts when it is neither first nor last. */
const SYMBOLS = /[\^$*.[\]{}()?"!@#%&/\\,><':;|_~`=+-]|\S +\S/;

/**
 * Whether Cognito will take the password. Cognito has the last word; asking first means that nothing has to be undone.
 * docs.aws.amazon.com/cognito/latest/developerguide/managing-users-passwords.html
 */
export function meetsPolicy(password: string, policy: PasswordPolicy): boolean {
  return (
    password.length >= policy.minimum_length &&
    password.length <= 256 &&
    password.trim() === password &&
    (!policy.require_lowercase || /[a-z]/.test(password)) &&
    (!policy.require_uppercase || /[A-Z]/.test(password)) &&
    (!policy.require_numbers || /[0-9]/.test(password)) &&
    (!policy.require_symbols || SYMBOLS.test(password))
  );
}
