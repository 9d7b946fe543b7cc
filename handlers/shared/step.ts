import type { Context } from 'aws-lambda';
import * as z from 'zod';
import { stepContext } from '../../contracts/executions.ts';
import { classifyError, StepError } from './errors.ts';
import { type LogContext, logger, withLogContext } from './logger.ts';
import { embeddedMetrics } from './metrics.ts';
import { currentTraceId } from './trace-header.ts';

/** The used part of Lambda's context. docs.aws.amazon.com/lambda/latest/dg/nodejs-context.html */
export type InvocationContext = Pick<Context, 'awsRequestId'> & Partial<Pick<Context, 'clientContext'>>;

/**
 * Creates the Lambda handler of a step: parses the input, runs the step, and replaces a thrown error by a classified one
 * without its message. The last log line of the step contains its metrics.
 * docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
 */
export function step<Input extends z.ZodType, Output>(
  inputSchema: Input,
  run: (input: z.infer<Input>, context?: InvocationContext) => Promise<Output>,
): (event: unknown, context?: InvocationContext) => Promise<Output> {
  return (event, context) => {
    const ids = stepContext.safeParse(event).data?.step;
    const logContext = ids === undefined ? logContextOf(event) : withStepContext(ids, event);
    return withLogContext({ ...logContext, function_request_id: context?.awsRequestId }, async () => {
      const startedAt = Date.now();
      const measured = (failures: number) => {
        const duration_ms = Date.now() - startedAt;
        if (ids === undefined) return { duration_ms };
        return { duration_ms, ...metricsOf(duration_ms, ids.attempt, failures) };
      };
      try {
        const input = inputSchema.safeParse(event);
        if (!input.success) {
          const fields = input.error.issues.map(({ path }) => path.join('.') || '(input)');
          throw new StepError('InvalidStepInput', `The step's input is not valid in: ${fields.join(', ')}.`);
        }
        const output = await run(input.data, context);
        logger.info('Step succeeded', measured(0));
        return output;
      } catch (thrown) {
        const error = classifyError(thrown);
        // A StepError is an expected failure, which is retried or compensated, and reported to the caller.
        const level = error instanceof StepError ? 'warn' : 'error';
        logger[level]('Step failed', { error: error.name, reason: error.message, ...measured(1) });
        throw error;
      }
    });
  };
}

type StepIds = z.infer<typeof stepContext>['step'];

const withStepContext = ({ state, trace_id, ...ids }: StepIds, event: unknown): LogContext => ({
  ...ids,
  step: state,
  target: z.object({ target: z.string() }).safeParse(event).data?.target,
  trace_id: trace_id ?? currentTraceId(),
});

const metricsOf = (stepDuration: number, attempt: number, stepFailures: number) =>
  embeddedMetrics({
    stepDuration,
    ...(attempt > 1 ? { stepRetries: 1 } : {}),
    ...(stepFailures > 0 ? { stepFailures } : {}),
  });

/** For an invocation that is not by a state. */
function logContextOf(event: unknown): LogContext {
  const parsed = z.object({ provisioning_id: z.string().optional() }).safeParse(event);
  return { trace_id: currentTraceId(), provisioning_id: parsed.data?.provisioning_id };
}
