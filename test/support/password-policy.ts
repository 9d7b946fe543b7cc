import type { PasswordPolicy } from '../../contracts/password-policy.ts';

/** A policy with every rule. */
export const POLICY: PasswordPolicy = {
  minimum_length: 12,
  require_lowercase: true,
  require_uppercase: true,
  require_numbers: true,
  require_symbols: true,
};
