import { SFNClient } from '@aws-sdk/client-sfn';
import { provisioningInput } from '../../contracts/executions.ts';
import { stepClient } from '../shared/aws-clients.ts';
import { readEnvironment } from '../shared/environment.ts';
import { step } from '../shared/step.ts';
import { stopExecution, stopExecutionInput } from '../shared/stop-execution.ts';
import { creationRequested } from './lib/creation-requested.ts';
import { environments } from './lib/environments.ts';

const stepFunctions = stepClient(SFNClient);

/** First step of `RollBackProvisioning`: stops the provisioning. */
export const handler = step(
  stopExecutionInput,
  stopExecution({
    stepFunctions,
    creationRequested: (executionArn) => creationRequested(stepFunctions, executionArn),
    stateMachineArn: readEnvironment(environments['stop-provisioning']).STATE_MACHINE_ARN,
    inputSchema: provisioningInput,
    now: Date.now,
  }),
);
