import { type RetryPolicy, retryPolicies, totalDelaySeconds } from '../../../workflows/retry-policies.ts';

const named = (errors: readonly string[]): string => errors.map((error) => `\`${error}\``).join(', ');

const duration = (seconds: number): string => {
  if (seconds < 100) return `${Math.round(seconds)} s`;
  return seconds < 2 * 3600 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`;
};

/** Section of docs/failures.md: what each retry policy comes to when all of it is used up. */
export const policiesDocument = (): string[] => [
  '## How long each retry policy waits',
  '',
  'Each retry policy of [the workflows](../workflows/retry-policies.ts), used up: that many retries, and the sum of their',
  'pauses; the attempts themselves take time in addition. With jitter the pauses are drawn between nothing and their',
  'length, so half of it is usual.',
  '',
  '| Policy | Errors | Retries | Longest pause | All pauses | Jitter |',
  '|---|---|---|---|---|---|',
  ...Object.entries(retryPolicies).map(([name, policy]: [string, RetryPolicy]) => {
    const { errors, maxAttempts, maxDelaySeconds, jitter } = policy;
    return `| ${name} | ${named(errors)} | ${maxAttempts} | ${duration(maxDelaySeconds)} | ${duration(totalDelaySeconds(policy))} | ${jitter ? 'full' : 'none'} |`;
  }),
  '',
];
