import * as z from 'zod';
import { StepError } from './errors.ts';

/** Number of redrives of the execution. */
export const redriveCount = z.int().nonnegative().default(0);

/**
 * Refuses a step of a redriven execution. The failed execution was or is being rolled back, so a redriven step could
 * create the user again. And a roll-back that found no request to the target did not notify the target.
 * docs.aws.amazon.com/step-functions/latest/dg/redrive-executions.html
 * @throws RedriveRefused
 */
export function refuseRedriven(redrives: number): void {
  if (redrives > 0) throw new StepError('RedriveRefused', 'A redriven execution must not create a user.');
}
