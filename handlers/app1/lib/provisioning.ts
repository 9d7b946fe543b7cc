import type { SFNClient } from '@aws-sdk/client-sfn';
import { type ProvisioningInput, provisioningInput } from '../../../contracts/executions.ts';
import { cleanOutcomes } from '../../../contracts/outcomes.ts';
import { describe, type Execution } from '../../shared/executions.ts';
import type { Machines, Workflows } from '../../shared/roll-backs.ts';

/** What App1's functions have in common that look at provisionings. */

type StepFunctions = Pick<SFNClient, 'send'>;

/** App1's machines, and how their executions are to be read. */
export function provisionings(
  stepFunctions: StepFunctions,
  machines: Machines,
): Workflows<typeof provisioningInput> {
  return { stepFunctions, machines, inputSchema: provisioningInput, cleanOutcomes: cleanOutcomes.app1 };
}

/** Looks the provisioning up. */
export const findProvisioning = (
  stepFunctions: StepFunctions,
  machines: Pick<Machines, 'STATE_MACHINE_ARN'>,
  id: string,
): Promise<Execution<ProvisioningInput> | undefined> =>
  describe(stepFunctions, machines.STATE_MACHINE_ARN, id, provisioningInput);
