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
  /** State machine of the execution, and the schema of its input. */
  stateMachineArn: string;
  inputSchema: z.ZodType<{ creation_id: string; cancelled?: true }>;
  now: () => number;
}

export const stopExecutionInput = z.object({
  ...rollBackInput.pick({ provisioning_id: true, creation_id: true, had_succeeded: true, failure: true })
    .shape,
  /** Time at which the execution entered the state; equal for all attempts. */
  entered_at: z.iso.datetime({ offset: true }),
});

/** State of the stopped execution: variables of the roll-back. */
export interface StoppedExecution {
  /** Whether Step Functions has a record of the execution. */
  has_record: boolean;
  /** Whether it had succeeded, so that the roll-back removes the user of a successful provisioning. */
  had_succeeded: boolean;
  /** Whether a call that creates the user may be in flight. */
  creation_in_flight: boolean;
  /** Cause of the roll-back. */
  failure: FailureCause;
}

/**
 * First step of a roll-back: stops the execution, so that it starts no further step. The execution can finish at the same
 * time, so its outcome is read after the stop.
 *
 * If the record of the execution has expired, or another generation or a cancellation uses its name, there is nothing to
 * stop and no call in flight; then the roll-back's own input has the outcome. DescribeExecution is eventually consistent,
 * so "not found" counts as expired only after the time in which a call can be in flight.
 * docs.aws.amazon.com/step-functions/latest/apireference/API_StopExecution.html
 * @throws AbsenceNotConfirmed while the execution is not found; ServiceUnavailable while it is not reported as finished
 */
export const stopExecution =
  ({ stepFunctions, stateMachineArn, inputSchema, now }: Services) =>
  async (input: z.infer<typeof stopExecutionInput>): Promise<StoppedExecution> => {
    const { provisioning_id, creation_id, had_succeeded, failure, entered_at } = input;
    const expired = { has_record: false, had_succeeded, creation_in_flight: false, failure };
    const describeExecution = () => describe(stepFunctions, stateMachineArn, provisioning_id, inputSchema);
    const isOwn = ({ parsedInput }: { parsedInput: z.infer<typeof inputSchema> }) =>
      parsedInput.creation_id === creation_id && parsedInput.cancelled !== true;

    let execution = await describeExecution();
    if (execution === undefined) {
      if (now() - Date.parse(entered_at) >= IN_FLIGHT_SECONDS * 1000) return expired;
      throw new StepError('AbsenceNotConfirmed', 'The execution is not found: not yet, or not any more.');
    }
    if (!isOwn(execution)) return expired;
    if (execution.status === 'RUNNING') {
      await stop(stepFunctions, executionArn(stateMachineArn, provisioning_id));
      execution = await describeExecution();
    }
    if (execution === undefined || execution.status === 'RUNNING')
      throw new StepError('ServiceUnavailable', 'The execution is not reported as finished yet.');
    const stoppedAt = execution.stopDate?.getTime() ?? now();
    return {
      has_record: true,
      had_succeeded: execution.status === 'SUCCEEDED',
      creation_in_flight: now() - stoppedAt < IN_FLIGHT_SECONDS * 1000,
      failure: failureOf(execution) ?? CANCELLED_BY_OWNER,
    };
  };

async function stop(stepFunctions: Services['stepFunctions'], arn: string): Promise<void> {
  const command = new StopExecutionCommand({
    executionArn: arn,
    error: CANCELLED,
    cause: 'The provisioning is being rolled back.',
  });
  await stepFunctions.send(command).catch((error: unknown) => {
    // The execution has finished.
    if (!hasErrorName(error, 'ValidationException')) throw error;
  });
}
