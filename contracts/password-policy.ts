import * as z from 'zod';
import { password as passwordField } from './fields.ts';
import { jsonText } from './json-text.ts';

/** Cognito's bounds for the minimum length of a policy, in characters. */
export const MINIMUM_LENGTH = { min: 6, max: 99 } as const;

/**
 * The password policy of a target's user pool. The target's stack configures the pool with it and has it as an output,
 * so that App1 can refuse a password before an execution is started; the target's functions check the same policy.
 * A rule that this release does not know is ignored: the target checks the password again.
 * docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_PasswordPolicyType.html
 */
export const passwordPolicy = z.object({
  /** In characters (code points). */
  minimum_length: z.int().min(MINIMUM_LENGTH.min).max(MINIMUM_LENGTH.max),
  require_lowercase: z.boolean(),
  require_uppercase: z.boolean(),
  require_numbers: z.boolean(),
  require_symbols: z.boolean(),
});
export type PasswordPolicy = z.infer<typeof passwordPolicy>;

/** A policy in JSON: the output of the target's stack, App1's parameter, and an environment variable. */
export const passwordPolicyText = jsonText.pipe(passwordPolicy);

/** Cognito's special characters. A space that is neither first nor last counts, too. */
export const SYMBOLS = '^ $ * . [ ] { } ( ) ? " ! @ # % & / \\ , > < \' : ; | _ ~ ` = + -';
const SYMBOL = /[\^$*.[\]{}()?"!@#%&/\\,><':;|_~`=+-]|\S +\S/;

/**
 * Every rule of the policy that a password breaks, as a phrase that follows the name of the field and never contains the
 * value. Only Basic Latin letters and digits count as letters and digits. Length is counted in code points: never more
 * than characters in any unit that Cognito may count.
 * docs.aws.amazon.com/cognito/latest/developerguide/managing-users-passwords.html
 */
export function brokenRules(password: string, policy: PasswordPolicy): string[] {
  const rules: [rule: string, isMet: boolean][] = [
    [`must have at least ${policy.minimum_length} characters`, [...password].length >= policy.minimum_length],
    ['must have a lower-case letter (a to z)', !policy.require_lowercase || /[a-z]/.test(password)],
    ['must have an upper-case letter (A to Z)', !policy.require_uppercase || /[A-Z]/.test(password)],
    ['must have a digit (0 to 9)', !policy.require_numbers || /[0-9]/.test(password)],
    [
      `must have a symbol: a space inside, or one of ${SYMBOLS}`,
      !policy.require_symbols || SYMBOL.test(password),
    ],
  ];
  return rules.filter(([, isMet]) => !isMet).map(([rule]) => rule);
}

/** Whether Cognito is expected to accept the password. A check before CreateUser avoids a compensation. */
export const meetsPolicy = (password: string, policy: PasswordPolicy): boolean =>
  passwordField.safeParse(password).success && brokenRules(password, policy).length === 0;
