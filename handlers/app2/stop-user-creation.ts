import { SFNClient, StopExecutionCommand } from '@aws-sdk/client-sfn';
import * as z from 'zod';
import { anyCreationInput } from '../../contracts/executions.ts';
import { provisioningId } from '../../contracts/fields.ts';
import { IN_FLIGHT_SECONDS } from '../../contracts/time-limits.ts';
import { stepClient } from '../shared/aws-clients.ts';
import { readEnvironment } from '../shared/environment.ts';
import { StepError } from '../shared/errors.ts';
import { describe, executionArn } from '../shared/executions.ts';
import { step } from '../shared/step.ts';
import { environments } from './environments.ts';

interface Services {
  stepFunctions: Pick<SFNClient, 'send'>;
  environment: z.infer<(typeof environments)['stop-user-creation']>;
  now: () => number;
}

export const stopUserCreationInput = z.strictObject({ provisioning_id: provisioningId });

/**
 * Stops the creation, so that nothing more is begun, and says whether something it began may still be under way.
 * docs.aws.amazon.com/step-functions/latest/apireference/API_StopExecution.html
 */
export const stopUserCreation =
  ({ stepFunctions, environment, now }: Services) =>
  async ({
    provisioning_id,
  }: z.infer<typeof stopUserCreationInput>): Promise<{ creation_in_flight: boolean }> => {
    const machine = environment.STATE_MACHINE_ARN;
    const creation = await describe(stepFunctions, machine, provisioning_id, anyCreationInput);
    if (creation === undefined) throw new StepError('ServiceUnavailable', 'The creation cannot be seen yet.');
    if (creation.status === 'RUNNING') {
      await stepFunctions.send(
        new StopExecutionCommand({
          executionArn: executionArn(machine, provisioning_id),
          error: 'RollBackRequested',
          cause: 'The user is not wanted any more.',
        }),
      );
      return { creation_in_flight: true };
    }
    const endedAt = creation.stopDate?.getTime() ?? now();
    return { creation_in_flight: now() - endedAt < IN_FLIGHT_SECONDS * 1000 };
  };

export const handler = step(
  stopUserCreationInput,
  stopUserCreation({
    stepFunctions: stepClient(SFNClient),
    environment: readEnvironment(environments['stop-user-creation']),
    now: Date.now,
  }),
);
