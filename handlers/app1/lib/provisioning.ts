import type { SFNClient } from '@aws-sdk/client-sfn';
import { type ProvisioningInput, provisioningInput } from '../../../contracts/executions.ts';
import { cleanOutcomes } from '../../../contracts/outcomes.ts';
import { describe, type Execution } from '../../shared/executions.ts';
import type { Machines, Workflows } from '../../shared/roll-backs.ts';

type StepFunctions = Pick<SFNClient, 'send'>;

/** App1's state machines, with the schema of their inputs and their clean outcomes. */
export function provisionings(
  stepFunctions: StepFunctions,
  machines: Machines,
): Workflows<typeof provisioningInput> {
  return { stepFunctions, machines, inputSchema: provisioningInput, cleanOutcomes: cleanOutcomes.app1 };
}

/** Describes the execution of a provisioning; `undefined` if it does not exist, or does not exist yet. */
export const findProvisioning = (
  stepFunctions: StepFunctions,
  machines: Pick<Machines, 'STATE_MACHINE_ARN'>,
  id: string,
): Promise<Execution<ProvisioningInput> | undefined> =>
  describe(stepFunctions, machines.STATE_MACHINE_ARN, id, provisioningInput);
