import * as z from 'zod';
import { isRedelivery } from '../../contracts/redelivery.ts';
import type { CleanOutcomes } from './clean-outcomes.ts';
import { StepError } from './errors.ts';
import { describe } from './executions.ts';
import { addLogContext, logger } from './logger.ts';
import { originAfter } from './origin.ts';
import { type ProvisioningSubject, rollBackInputOf, startRollBack, type Workflows } from './roll-backs.ts';
import { isFailedWith } from './status.ts';
import type { InvocationContext } from './step.ts';

/** A status-change event of Step Functions. docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html */
export const statusChange = z.object({
  detail: z.object({
    name: z.string(),
    status: z.string(),
    error: z.string().nullish(),
    /** Milliseconds since the epoch. */
    stopDate: z.number().nullish(),
  }),
});

/** Result of the check of a finished execution. */
export type Finding =
  /** Nothing is left to do: a clean outcome, nothing to compensate, or an execution that runs again. */
  | 'clean'
  /** The check started a roll-back. */
  | 'started'
  /** A roll-back existed. */
  | 'existed';

/**
 * Starts the roll-back of an execution, unless its outcome is clean or success.
 * @throws ServiceUnavailable while DescribeExecution does not find the execution; ZodError if its input is not valid
 */
export async function rollBackIfNeeded<Input extends z.ZodType<ProvisioningSubject>>(
  workflows: Workflows<Input>,
  name: string,
): Promise<Finding> {
  const { stepFunctions, machines, inputSchema, cleanOutcomes } = workflows;
  addLogContext({ provisioning_id: name, execution: name });
  const execution = await describe(stepFunctions, machines.STATE_MACHINE_ARN, name, inputSchema);
  if (execution === undefined)
    throw new StepError('ServiceUnavailable', 'DescribeExecution does not find the execution yet.');
  const { status, error } = execution;
  addLogContext({ trace_id: execution.parsedInput.trace_id });
  const origin = originAfter(machines.STATE_MACHINE_ARN, name, execution.parsedInput);
  const input = rollBackInputOf(execution, origin);
  // An operator may have redriven it in between.
  const succeededOrRunning = status === 'SUCCEEDED' || status === 'RUNNING';
  if (succeededOrRunning || input === undefined || isFailedWith(execution, cleanOutcomes)) return 'clean';
  const start = await startRollBack(workflows, input);
  logger.info(start === 'started' ? 'Roll-back started' : 'Roll-back exists', {
    provisioning_id: input.provisioning_id,
    status,
    error,
  });
  return start;
}

/**
 * Handler of the rule on executions that failed, timed out or were aborted. It records a clean outcome for the sweep,
 * which then skips the execution. If the handler fails, Lambda retries twice; then the sweep finds the execution.
 *
 * Any principal with sqs:SendMessage on the dead-letter queue can have written a redelivered event. So the handler reads
 * the outcome from Step Functions and records nothing.
 * docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
 */
export const statusChangeHandler =
  <Input extends z.ZodType<ProvisioningSubject>>(
    workflows: Workflows<Input>,
    outcomes: Pick<CleanOutcomes, 'record'>,
  ) =>
  async (
    { detail }: z.infer<typeof statusChange>,
    context?: InvocationContext,
  ): Promise<{ finding: Finding }> => {
    if (!isFailedWith(detail, workflows.cleanOutcomes) || isRedelivery(context))
      return { finding: await rollBackIfNeeded(workflows, detail.name) };
    if (typeof detail.stopDate === 'number')
      await outcomes.record({ name: detail.name, stoppedAt: detail.stopDate });
    return { finding: 'clean' };
  };
