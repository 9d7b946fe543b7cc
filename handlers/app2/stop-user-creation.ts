import { SFNClient } from '@aws-sdk/client-sfn';
import { anyCreationInput } from '../../contracts/executions.ts';
import { stepClient } from '../shared/aws-clients.ts';
import { readEnvironment } from '../shared/environment.ts';
import { step } from '../shared/step.ts';
import { stopExecution, stopExecutionInput } from '../shared/stop-execution.ts';
import { environments } from './environments.ts';

/** Stops the creation that a roll-back is about to undo. */
export const handler = step(
  stopExecutionInput,
  stopExecution({
    stepFunctions: stepClient(SFNClient),
    stateMachineArn: readEnvironment(environments['stop-user-creation']).STATE_MACHINE_ARN,
    inputSchema: anyCreationInput,
    now: Date.now,
  }),
);
