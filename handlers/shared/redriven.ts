import * as z from 'zod';
import { StepError } from './errors.ts';

/** How often the execution was started again after its end. Definitions before this field do not say it. */
export const redriveCount = z.int().nonnegative().default(0);

/**
 * Refuses to go on in an execution that was redriven: its end has been seen, so that what it had made is rolled back, at
 * this very moment perhaps, and must not rise again. A roll-back that found that it had asked for nothing has not told the
 * target, either.
 * docs.aws.amazon.com/step-functions/latest/dg/redrive-executions.html
 * @throws RedriveRefused
 */
export function refuseRedriven(redrives: number): void {
  if (redrives > 0)
    throw new StepError('RedriveRefused', 'An execution that was redriven gives nobody a user.');
}
