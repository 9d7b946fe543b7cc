import { randomBytes } from 'node:crypto';
import type { Outputs } from '../../cli/outputs.ts';
import { formatPolicy } from '../../contracts/targets.ts';
import { withTarget } from './variables.ts';

/**
 * Runs a function while App1 has a weaker password policy than the target, as after a change of the target's policy that App1
 * has not deployed: App1 accepts a password without a symbol, and the target rejects it.
 */
export const withLaxPolicy = <Result>(outputs: Outputs, run: () => Promise<Result>): Promise<Result> => {
  const weakerPolicy = { ...outputs.app2.password_policy, require_symbols: false };
  return withTarget(
    outputs,
    'app1-start-provisioning',
    'app2',
    { password_policy: formatPolicy(weakerPolicy) },
    run,
  );
};

/** A password that only the weaker policy accepts. */
export const passwordWithoutSymbol = (): string => `Pw${randomBytes(12).toString('hex')}1a`;
