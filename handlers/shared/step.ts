import type * as z from 'zod';
import { noFailures } from '../../contracts/failures.ts';
import { StepError, withoutSecrets } from './errors.ts';
import { logger } from './logger.ts';

/**
 * Makes the handler of a workflow's step: checks the input, does the one thing, and lets nothing but a name and a
 * harmless message out when it fails.
 * docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
 */
export function step<Input extends z.ZodType, Output>(
  inputSchema: Input,
  run: (input: z.infer<Input>) => Promise<Output>,
): (event: unknown) => Promise<Output> {
  return async (event) => {
    const input = inputSchema.safeParse(event);
    try {
      if (!input.success) {
        const fields = input.error.issues.map(({ path }) => path.join('.') || '(input)');
        throw new StepError('InvalidStepInput', `The step's input is not valid in: ${fields.join(', ')}.`);
      }
      return await run(input.data);
    } catch (thrown) {
      const error = withoutSecrets(thrown);
      const waits = noFailures.includes(error.name);
      logger[waits ? 'info' : 'error'](waits ? 'Workflow waits' : 'Step failed', {
        error: error.name,
        reason: error.message,
        provisioning_id: provisioningIdOf(event),
      });
      throw error;
    }
  };
}

function provisioningIdOf(event: unknown): unknown {
  return typeof event === 'object' && event !== null && 'provisioning_id' in event
    ? event.provisioning_id
    : undefined;
}
