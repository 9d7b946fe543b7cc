import * as z from 'zod';
import { classifyError, hasErrorName } from '../../shared/errors.ts';
import type { Clock } from '../../shared/executions.ts';
import { logger } from '../../shared/logger.ts';

/**
 * Errors while a new role or policy is not propagated yet (IAM is eventually consistent). They cannot be distinguished
 * from a missing permission, so they are retried, too.
 * docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html#troubleshoot_general_eventual-consistency
 */
const NOT_PROPAGATED = ['AccessDeniedException', 'UnrecognizedClientException'];

const TRANSIENT = ['ServiceThrottled', 'ServiceUnavailable'];

/** CloudFormation passes every property as text. */
const retryProperties = z.object({ RetrySeconds: z.string().transform(Number).pipe(z.number().positive()) });

/** Longest delay between two attempts, in milliseconds. The first delay is a second, and it doubles. */
const MAX_DELAY = 8_000;

/** Retries a call until it succeeds, fails with a permanent error, or the time is over. */
export type Retry = <Result>(call: () => Promise<Result>) => Promise<Result>;

/**
 * Retries for one invocation of a custom resource. One failed call rolls back the whole stack, so it retries longer than
 * other functions: in total for the seconds of the property `RetrySeconds`.
 */
export function deploymentRetries(properties: unknown, clock: Clock): Retry {
  const end = clock.now() + retryProperties.parse(properties).RetrySeconds * 1000;
  return async (call) => {
    for (let delay = 1_000; ; delay = Math.min(delay * 2, MAX_DELAY)) {
      try {
        return await call();
      } catch (thrown) {
        const { name: error, message: reason } = classifyError(thrown);
        const isTransient = TRANSIENT.includes(error) || hasErrorName(thrown, ...NOT_PROPAGATED);
        if (!isTransient || clock.now() + delay >= end) throw thrown;
        logger.warn('Call failed and is retried', { error, reason });
      }
      await clock.sleep(delay);
    }
  };
}
