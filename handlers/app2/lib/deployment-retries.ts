import * as z from 'zod';
import { classifyError, hasErrorName } from '../../shared/errors.ts';
import type { Clock } from '../../shared/executions.ts';
import { logger } from '../../shared/logger.ts';

/**
 * Errors by which AWS answers while a role or a policy that was just made is not known everywhere yet. Nothing tells them
 * from a right that is missing, except that they pass.
 * docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html#troubleshoot_general_eventual-consistency
 */
const NOT_PROPAGATED = ['AccessDeniedException', 'UnrecognizedClientException'];

const PASSING = ['ServiceThrottled', 'ServiceUnavailable'];

/** CloudFormation hands over every property as text. */
const retried = z.object({ RetrySeconds: z.string().transform(Number).pipe(z.number().positive()) });

/** Longest pause between two attempts, in milliseconds; the first is a second, each later one twice as long. */
const LONGEST_PAUSE = 8_000;

/** Repeats a call until it succeeds, fails for good, or the time is over. */
export type Retry = <Result>(call: () => Promise<Result>) => Promise<Result>;

/**
 * Retries of one run of a function that CloudFormation calls. Nobody but CloudFormation waits, and one throttled call
 * would roll back the whole stack, so it retries longer than a function that a workflow or a caller waits for: for as many
 * seconds as the template says, all calls of the run together.
 */
export function deploymentRetries(properties: unknown, clock: Clock): Retry {
  const end = clock.now() + retried.parse(properties).RetrySeconds * 1000;
  return async (call) => {
    for (let pause = 1_000; ; pause = Math.min(pause * 2, LONGEST_PAUSE)) {
      try {
        return await call();
      } catch (thrown) {
        const { name: error, message: reason } = classifyError(thrown);
        const passes = PASSING.includes(error) || hasErrorName(thrown, ...NOT_PROPAGATED);
        if (!passes || clock.now() + pause >= end) throw thrown;
        logger.warn('Call failed and is repeated', { error, reason });
      }
      await clock.sleep(pause);
    }
  };
}
