import { randomBytes } from 'node:crypto';
import type { Outputs } from '../../cli/outputs.ts';
import { withVariables } from './variables.ts';

/**
 * A target whose policy is stricter than App1 was told, as after a change that App1's team has not heard of: App1 lets a
 * password without a symbol pass, and the target refuses it.
 */
export const withLaxPolicy = <Result>(outputs: Outputs, run: () => Promise<Result>): Promise<Result> => {
  const told = { ...outputs.app2.password_policy, require_symbols: false };
  return withVariables(outputs, 'app1-start-provisioning', { PASSWORD_POLICY: JSON.stringify(told) }, run);
};

/** A password that only such an App1 lets pass. */
export const passwordWithoutSymbol = (): string => `Pw${randomBytes(12).toString('hex')}1a`;
