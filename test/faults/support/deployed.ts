import type { Target } from '../../../cli/outputs.ts';
import { type Machine, systemOf } from '../../../local/system.ts';
import * as deployed from '../../e2e/support/deployed.ts';
import { withObservers } from '../../e2e/support/observed.ts';
import { target } from './target.ts';

/** The deployed system as the clients and administrators of the target under test have access to it. */

const { outputs } = deployed;

/** The outputs of the target under test. @throws Error if the setup has not deployed it */
export const targetOutputs: Target = (() => {
  const found = outputs.targets[target];
  if (found === undefined) throw new Error(`The target ${target} is not deployed.`);
  return found;
})();

export const system = withObservers(systemOf(outputs, targetOutputs));

/** Every other deployed target: no case may change anything there. */
export const otherTargets = Object.entries(outputs.targets)
  .filter(([name]) => name !== target)
  .map(([name, other]) => ({ name, system: systemOf(outputs, other), pool: other.user_pool_id }));

/** Names of the states that an execution has entered, in their order. */
export const statesOf = async (machine: Machine, id: string): Promise<string[]> =>
  (await system.states(machine, id)).map(({ name }) => name);

/** An access token of the machine client, as App1 obtains it. */
export const machineToken = (): Promise<string> => deployed.machineToken(targetOutputs);

/** Encrypts a password under the key of the target under test, as App1 does. */
export const encryptFor = (id: string, username: string, password: string): Promise<string> =>
  deployed.encryptFor(id, username, password, target);
