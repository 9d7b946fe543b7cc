import { SFNClient } from '@aws-sdk/client-sfn';
import * as z from 'zod';
import { provisioningInput } from '../../contracts/executions.ts';
import { stepClient } from '../shared/aws-clients.ts';
import { readEnvironment } from '../shared/environment.ts';
import { executionArn } from '../shared/executions.ts';
import { step } from '../shared/step.ts';
import { type StoppedExecution, stopExecution, stopExecutionInput } from '../shared/stop-execution.ts';
import { creationRequested } from './lib/creation-requested.ts';
import { environments } from './lib/environments.ts';

export const stopProvisioningInput = z.object({
  ...stopExecutionInput.shape,
  ...provisioningInput.pick({ targets: true }).shape,
});

interface Services {
  stop: ReturnType<typeof stopExecution>;
  creationRequested: (provisioningId: string, targets: readonly string[]) => Promise<string[]>;
}

/**
 * First step of `RollBackProvisioning`: stops the provisioning.
 * @returns also the names of the targets at which it may have created a user
 * @throws the errors of `stopExecution` and `creationRequested`
 */
export const stopProvisioning =
  ({ stop, creationRequested }: Services) =>
  async ({
    targets,
    ...input
  }: z.infer<typeof stopProvisioningInput>): Promise<StoppedExecution & { creation_requested: string[] }> => {
    const stopped = await stop(input);
    const requested = stopped.has_record ? await creationRequested(input.provisioning_id, targets) : targets;
    return { ...stopped, creation_requested: requested };
  };

const stepFunctions = stepClient(SFNClient);
const { STATE_MACHINE_ARN } = readEnvironment(environments['stop-provisioning']);

export const handler = step(
  stopProvisioningInput,
  stopProvisioning({
    stop: stopExecution({
      stepFunctions,
      stateMachineArn: STATE_MACHINE_ARN,
      inputSchema: provisioningInput,
      now: Date.now,
    }),
    creationRequested: (id, targets) =>
      creationRequested(stepFunctions, executionArn(STATE_MACHINE_ARN, id), targets),
  }),
);
