import type { SFNClient } from '@aws-sdk/client-sfn';
import { type ProvisioningInput, provisioningInput } from '../../../contracts/executions.ts';
import { cleanOutcomes } from '../../../contracts/outcomes.ts';
import { describe, type Execution } from '../../shared/executions.ts';
import type { Machines, Workflows } from '../../shared/roll-backs.ts';
import { goneTargets, type RegisteredTarget } from './registry.ts';

type StepFunctions = Pick<SFNClient, 'send'>;

/**
 * App1's state machines, with the schema of their inputs and their clean outcomes.
 * @param registry the registered targets, for statuses
 */
export function provisionings(
  stepFunctions: StepFunctions,
  machines: Machines,
  registry: readonly RegisteredTarget[] = [],
): Workflows<typeof provisioningInput> {
  return {
    stepFunctions,
    machines,
    inputSchema: provisioningInput,
    cleanOutcomes: cleanOutcomes.app1,
    gone: goneTargets(registry),
  };
}

/** Describes the execution of a provisioning; `undefined` if it does not exist, or does not exist yet. */
export const findProvisioning = (
  stepFunctions: StepFunctions,
  machines: Pick<Machines, 'STATE_MACHINE_ARN'>,
  id: string,
): Promise<Execution<ProvisioningInput> | undefined> =>
  describe(stepFunctions, machines.STATE_MACHINE_ARN, id, provisioningInput);
