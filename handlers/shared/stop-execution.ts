import { type SFNClient, StopExecutionCommand } from '@aws-sdk/client-sfn';
import * as z from 'zod';
import { CANCELLED } from '../../contracts/ends.ts';
import type { FailureCause } from '../../contracts/failures.ts';
import { provisioningId } from '../../contracts/fields.ts';
import { IN_FLIGHT_SECONDS } from '../../contracts/time-limits.ts';
import { StepError } from './errors.ts';
import { describe, executionArn } from './executions.ts';
import { failureOf } from './status.ts';

interface Services {
  stepFunctions: Pick<SFNClient, 'send'>;
  /** The machine whose execution is stopped, and the schema of its input. */
  stateMachineArn: string;
  inputSchema: z.ZodType;
  now: () => number;
}

export const stopExecutionInput = z.object({ provisioning_id: provisioningId });

/** What a roll-back needs to know of the execution that it rolls back. */
export interface Stopped {
  /** Whether it had ended well, so that the roll-back takes away what was given before. */
  had_succeeded: boolean;
  /** Whether a call that creates something may still be under way. */
  creation_in_flight: boolean;
  /** Why there is a roll-back. */
  failure: FailureCause;
}

/**
 * First step of a roll-back: stops the execution, so that nothing more is begun.
 * docs.aws.amazon.com/step-functions/latest/apireference/API_StopExecution.html
 * @throws ServiceUnavailable while the execution cannot be seen
 */
export const stopExecution =
  ({ stepFunctions, stateMachineArn, inputSchema, now }: Services) =>
  async ({ provisioning_id }: z.infer<typeof stopExecutionInput>): Promise<Stopped> => {
    const cancelled = { step: 'Execution', error: CANCELLED };
    const execution = await describe(stepFunctions, stateMachineArn, provisioning_id, inputSchema);
    if (execution === undefined)
      throw new StepError('ServiceUnavailable', 'The execution cannot be seen yet.');
    if (execution.status === 'RUNNING') {
      await stepFunctions.send(
        new StopExecutionCommand({
          executionArn: executionArn(stateMachineArn, provisioning_id),
          error: CANCELLED,
          cause: 'The user is not wanted any more.',
        }),
      );
      return { had_succeeded: false, creation_in_flight: true, failure: cancelled };
    }
    const endedAt = execution.stopDate?.getTime() ?? now();
    return {
      had_succeeded: execution.status === 'SUCCEEDED',
      creation_in_flight: now() - endedAt < IN_FLIGHT_SECONDS * 1000,
      failure: failureOf(execution) ?? cancelled,
    };
  };
