import type { Target } from '../../../cli/outputs.ts';
import { sourceOf } from '../../../contracts/events/catalogue.ts';
import { type Machine, type System, systemOf } from '../../../local/system.ts';
import * as deployed from '../../e2e/support/deployed.ts';
import { withObservers } from '../../e2e/support/observed.ts';
import { provisionedTargets, target } from './target.ts';

/** The deployed system as the clients and administrators of the target under test have access to it. */

const { outputs } = deployed;

/** The outputs of the target under test. @throws Error if the setup has not deployed it */
export const targetOutputs: Target = (() => {
  const found = outputs.targets[target];
  if (found === undefined) throw new Error(`The target ${target} is not deployed.`);
  return found;
})();

export const system = withObservers(systemOf(outputs, targetOutputs));

/** A deployed target, and the system with access to its pool and its executions. Observers receive calls of `system` only. */
export interface DeployedTarget {
  name: string;
  outputs: Target;
  system: System;
  /** Source of its audit events. */
  source: string;
}

/** Every deployed target; a provisioning changes nothing at those that it does not name. */
export const deployedTargets: readonly DeployedTarget[] = Object.entries(outputs.targets).map(
  ([name, deployedTarget]) => ({
    name,
    outputs: deployedTarget,
    system: name === target ? system : systemOf(outputs, deployedTarget),
    source: sourceOf(name),
  }),
);

/** @throws Error if the setup has not deployed the target */
export function targetNamed(name: string): DeployedTarget {
  const found = deployedTargets.find((deployedTarget) => deployedTarget.name === name);
  if (found === undefined) throw new Error(`The target ${name} is not deployed.`);
  return found;
}

/** The targets of a provisioning, in the order of its request. */
export const targetsOf = ({
  targets = provisionedTargets,
}: {
  targets?: readonly string[];
}): DeployedTarget[] => targets.map(targetNamed);

/** Names of the states that an execution has entered, in their order. */
export const statesOf = async (machine: Machine, id: string): Promise<string[]> =>
  (await system.states(machine, id)).map(({ name }) => name);

/** An access token of the machine client, as App1 obtains it. */
export const machineToken = (): Promise<string> => deployed.machineToken(targetOutputs);

/** Encrypts a password under the key of the target under test, as App1 does. */
export const encryptFor = (id: string, username: string, password: string): Promise<string> =>
  deployed.encryptFor(id, username, password, target);
