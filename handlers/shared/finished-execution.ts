import * as z from 'zod';
import { isRedelivery } from '../../contracts/redelivery.ts';
import type { CleanOutcomes } from './clean-outcomes.ts';
import { StepError } from './errors.ts';
import { describe } from './executions.ts';
import { addLogContext, logger } from './logger.ts';
import { originAfter } from './origin.ts';
import { rollBackInputOf, type Subject, startRollBack, type Workflows } from './roll-backs.ts';
import { isFailedWith } from './status.ts';
import type { StepContext } from './step.ts';

/** What is read of a status-change event. docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html */
export const statusChange = z.object({
  detail: z.object({
    name: z.string(),
    status: z.string(),
    error: z.string().nullish(),
    /** Milliseconds since the epoch. */
    stopDate: z.number().nullish(),
  }),
});

/** What was done about an execution that may have ended badly. */
export type Finding =
  /** Nothing is left to do: a clean end, nothing that can have been made, or an execution that runs again. */
  | 'clean'
  /** A roll-back was started now. */
  | 'started'
  /** There was a roll-back already. */
  | 'existed';

/**
 * Rolls an execution back if it ended in another way than a clean end.
 * @throws ServiceUnavailable while the execution cannot be seen; ZodError when its input is none of ours
 */
export async function rollBackIfNeeded<Input extends z.ZodType<Subject>>(
  workflows: Workflows<Input>,
  name: string,
): Promise<Finding> {
  const { stepFunctions, machines, inputSchema, cleanOutcomes } = workflows;
  addLogContext({ provisioning_id: name, execution: name });
  const execution = await describe(stepFunctions, machines.STATE_MACHINE_ARN, name, inputSchema);
  if (execution === undefined) throw new StepError('ServiceUnavailable', 'The execution cannot be seen yet.');
  const { status, error } = execution;
  addLogContext({ trace_id: execution.parsedInput.trace_id });
  const origin = originAfter(machines.STATE_MACHINE_ARN, name, execution.parsedInput);
  const input = rollBackInputOf(execution, origin);
  // An operator may have started it again since.
  const wellOrRunning = status === 'SUCCEEDED' || status === 'RUNNING';
  if (wellOrRunning || input === undefined || isFailedWith(execution, cleanOutcomes)) return 'clean';
  const start = await startRollBack(workflows, input);
  logger.info(start === 'started' ? 'Roll-back started' : 'Roll-back repeated', {
    provisioning_id: input.provisioning_id,
    status,
    error,
  });
  return start;
}

/**
 * Handler of the rule on executions that failed, timed out or were stopped. An outcome that is clean is recorded for the
 * sweep, which then does not have to describe the execution. When the handler fails, Lambda calls it twice more, and then
 * the sweep finds what it missed.
 *
 * An event that comes from a dead-letter queue was perhaps written by whoever may send to that queue. So what it says of
 * the outcome counts for nothing: AWS is asked, and nothing is recorded.
 * docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
 */
export const rollBackEnded =
  <Input extends z.ZodType<Subject>>(workflows: Workflows<Input>, outcomes: Pick<CleanOutcomes, 'record'>) =>
  async ({ detail }: z.infer<typeof statusChange>, context?: StepContext): Promise<{ finding: Finding }> => {
    if (!isFailedWith(detail, workflows.cleanOutcomes) || isRedelivery(context))
      return { finding: await rollBackIfNeeded(workflows, detail.name) };
    if (typeof detail.stopDate === 'number')
      await outcomes.record({ name: detail.name, stoppedAt: detail.stopDate });
    return { finding: 'clean' };
  };
