import { type SFNClient, StopExecutionCommand } from '@aws-sdk/client-sfn';
import * as z from 'zod';
import { rollBackInput } from '../../contracts/executions.ts';
import type { FailureCause } from '../../contracts/failures.ts';
import { CANCELLED } from '../../contracts/outcomes.ts';
import { IN_FLIGHT_SECONDS } from '../../contracts/time-limits.ts';
import { hasErrorName, StepError } from './errors.ts';
import { describe, executionArn } from './executions.ts';
import { CANCELLED_BY_OWNER } from './roll-backs.ts';
import { failureOf } from './status.ts';

interface Services {
  stepFunctions: Pick<SFNClient, 'send'>;
  /** The machine whose execution is stopped, and the schema of its input. */
  stateMachineArn: string;
  inputSchema: z.ZodType<{ creation_id: string; cancelled?: true }>;
  now: () => number;
  /** Whether the execution, which has ended, has asked for something that has to be taken back; if that can be known. */
  creationRequested?: (executionArn: string) => Promise<boolean>;
}

export const stopExecutionInput = z.object({
  ...rollBackInput.pick({ provisioning_id: true, creation_id: true, had_succeeded: true, failure: true })
    .shape,
  /** When the step was entered; the same for each of its attempts. */
  entered_at: z.iso.datetime({ offset: true }),
});

/** What a roll-back needs to know of the execution that it rolls back. */
export interface Stopped {
  /** Whether it had ended well, so that the roll-back takes away what was given before. */
  had_succeeded: boolean;
  /** Whether a call that creates something may still be under way. */
  creation_in_flight: boolean;
  /** Whether something may have been made, because it was asked for. */
  creation_requested: boolean;
  /** Why there is a roll-back. */
  failure: FailureCause;
}

/**
 * First step of a roll-back: stops the execution, so that nothing more is begun. It may come to its own end in the
 * very moment in which it is stopped, so how it ended is what is seen afterwards.
 *
 * The record of the execution may have expired, and its name may have been taken by another generation or by a
 * cancellation: then there is nothing to stop, nothing is under way, and what the roll-back was started with counts. Not
 * seen is not expired: that counts when the execution is not seen after everything that was under way has landed.
 * docs.aws.amazon.com/step-functions/latest/apireference/API_StopExecution.html
 * @throws AbsenceNotConfirmed while the execution is not seen; ServiceUnavailable while its end is not
 */
export const stopExecution =
  ({ stepFunctions, stateMachineArn, inputSchema, now, creationRequested = async () => true }: Services) =>
  async (input: z.infer<typeof stopExecutionInput>): Promise<Stopped> => {
    const { provisioning_id, creation_id, had_succeeded, failure, entered_at } = input;
    const asStarted: Stopped = {
      had_succeeded,
      creation_in_flight: false,
      creation_requested: true,
      failure,
    };
    const look = () => describe(stepFunctions, stateMachineArn, provisioning_id, inputSchema);
    const isOwn = ({ parsedInput }: { parsedInput: z.infer<typeof inputSchema> }) =>
      parsedInput.creation_id === creation_id && parsedInput.cancelled !== true;

    let execution = await look();
    if (execution === undefined) {
      if (now() - Date.parse(entered_at) >= IN_FLIGHT_SECONDS * 1000) return asStarted;
      throw new StepError('AbsenceNotConfirmed', 'The execution is not seen: not yet, or not any more.');
    }
    if (!isOwn(execution)) return asStarted;
    if (execution.status === 'RUNNING') {
      await stop(stepFunctions, executionArn(stateMachineArn, provisioning_id));
      execution = await look();
    }
    if (execution === undefined || execution.status === 'RUNNING')
      throw new StepError('ServiceUnavailable', 'The end of the execution cannot be seen yet.');
    const endedAt = execution.stopDate?.getTime() ?? now();
    return {
      had_succeeded: execution.status === 'SUCCEEDED',
      creation_in_flight: now() - endedAt < IN_FLIGHT_SECONDS * 1000,
      creation_requested: await creationRequested(executionArn(stateMachineArn, provisioning_id)),
      failure: failureOf(execution) ?? CANCELLED_BY_OWNER,
    };
  };

async function stop(stepFunctions: Services['stepFunctions'], arn: string): Promise<void> {
  const command = new StopExecutionCommand({
    executionArn: arn,
    error: CANCELLED,
    cause: 'The user is not wanted any more.',
  });
  await stepFunctions.send(command).catch((error: unknown) => {
    // There is nothing to stop any more.
    if (!hasErrorName(error, 'ValidationException')) throw error;
  });
}
