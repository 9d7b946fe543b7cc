import { type RetryPolicy, retryPolicies, totalDelaySeconds } from '../../../workflows/retry-policies.ts';

const listErrors = (errors: readonly string[]): string => errors.map((error) => `\`${error}\``).join(', ');

const duration = (seconds: number): string => {
  if (seconds < 100) return `${Math.round(seconds)} s`;
  return seconds < 2 * 3600 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`;
};

/** Section of docs/failures.md: the duration of each retry policy when all its retries fail. */
export const policiesDocument = (): string[] => [
  '## Durations of the retry policies',
  '',
  'Each retry policy of [the workflows](../workflows/retry-policies.ts), when all its retries fail: the number of retries,',
  'the longest pause, and the sum of the pauses. The attempts take time in addition. With full jitter, Step Functions draws',
  'each pause between zero and its length, so the sum is half of it on average.',
  '',
  '| Policy | Errors | Retries | Longest pause | All pauses | Jitter |',
  '|---|---|---|---|---|---|',
  ...Object.entries(retryPolicies).map(([name, policy]: [string, RetryPolicy]) => {
    const { errors, maxAttempts, maxDelaySeconds, jitter } = policy;
    return `| ${name} | ${listErrors(errors)} | ${maxAttempts} | ${duration(maxDelaySeconds)} | ${duration(totalDelaySeconds(policy))} | ${jitter ? 'full' : 'none'} |`;
  }),
  '',
];
