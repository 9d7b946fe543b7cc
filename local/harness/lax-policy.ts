import { randomBytes } from 'node:crypto';
import type { Outputs } from '../../cli/outputs.ts';
import { formatPolicy } from '../../contracts/targets.ts';
import { withTarget } from './variables.ts';

/**
 * Runs a function while App1 has a weaker password policy than each target, as after a change of a target's policy that App1
 * has not deployed: App1 accepts a password without a symbol, and the targets reject it.
 */
export const withLaxPolicy = <Result>(outputs: Outputs, run: () => Promise<Result>): Promise<Result> => {
  const weaken = Object.entries(outputs.targets).map(([name, { password_policy }]) => {
    const weakerPolicy = formatPolicy({ ...password_policy, require_symbols: false });
    return (next: () => Promise<Result>) => () =>
      withTarget(outputs, 'app1-start-provisioning', name, { password_policy: weakerPolicy }, next);
  });
  return weaken.reduce((next, change) => change(next), run)();
};

/** A password that only the weaker policy accepts. */
export const passwordWithoutSymbol = (): string => `Pw${randomBytes(12).toString('hex')}1a`;
