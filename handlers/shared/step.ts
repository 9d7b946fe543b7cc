import type { Context } from 'aws-lambda';
import * as z from 'zod';
import { stepContext } from '../../contracts/executions.ts';
import { classifyError, StepError } from './errors.ts';
import { logger, type Subject, withLogContext } from './logger.ts';
import { embeddedMetrics } from './metrics.ts';
import { presentTrace } from './trace-header.ts';

/** What is used of Lambda's context; some callers give none. docs.aws.amazon.com/lambda/latest/dg/nodejs-context.html */
export type StepContext = Pick<Context, 'awsRequestId'> & Partial<Pick<Context, 'clientContext'>>;

/**
 * Makes the handler of a workflow's step: checks the input, does the one thing, and lets nothing but a name and a
 * harmless message out when it fails. Its last line in the log is also its metrics.
 * docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
 */
export function step<Input extends z.ZodType, Output>(
  inputSchema: Input,
  run: (input: z.infer<Input>, context?: StepContext) => Promise<Output>,
): (event: unknown, context?: StepContext) => Promise<Output> {
  return (event, context) => {
    const told = stepContext.safeParse(event).data?.step;
    const subject = told === undefined ? subjectOf(event) : subjectTold(told);
    return withLogContext({ ...subject, function_request_id: context?.awsRequestId }, async () => {
      const startedAt = Date.now();
      const measured = (failures: number) => {
        const duration_ms = Date.now() - startedAt;
        if (told === undefined) return { duration_ms };
        return { duration_ms, ...metricsOf(duration_ms, told.attempt, failures) };
      };
      try {
        const input = inputSchema.safeParse(event);
        if (!input.success) {
          const fields = input.error.issues.map(({ path }) => path.join('.') || '(input)');
          throw new StepError('InvalidStepInput', `The step's input is not valid in: ${fields.join(', ')}.`);
        }
        const output = await run(input.data, context);
        logger.info('Step done', measured(0));
        return output;
      } catch (thrown) {
        const error = classifyError(thrown);
        // A reason that has a name was foreseen: it is retried, or undone, and told to the caller.
        const level = error instanceof StepError ? 'warn' : 'error';
        const why = { error: error.name, reason: error.message };
        logger[level]('Step failed', { ...why, ...measured(1) });
        throw error;
      }
    });
  };
}

type Told = z.infer<typeof stepContext>['step'];

const subjectTold = ({ state, trace_id, ...told }: Told): Subject => ({
  ...told,
  step: state,
  trace_id: trace_id ?? presentTrace(),
});

const metricsOf = (stepDuration: number, attempt: number, stepFailures: number) =>
  embeddedMetrics({
    stepDuration,
    ...(attempt > 1 ? { stepRetries: 1 } : {}),
    ...(stepFailures > 0 ? { stepFailures } : {}),
  });

/** What no state called, or one of a definition of the release before. */
function subjectOf(event: unknown): Subject {
  const known = z.object({ provisioning_id: z.string().optional() }).safeParse(event);
  return { trace_id: presentTrace(), provisioning_id: known.data?.provisioning_id };
}
