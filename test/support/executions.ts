import type { DescribeExecutionCommandOutput } from '@aws-sdk/client-sfn';
import { sdkError } from './sdk-errors.ts';

/** What DescribeExecution answers, besides its input. */
type Seen = Partial<Omit<DescribeExecutionCommandOutput, 'input' | '$metadata'>>;

export const STARTED = new Date('2026-01-01T00:00:00Z');
export const STOPPED = new Date('2026-01-01T00:00:09Z');

/** A running execution, unless told otherwise. */
export function execution(input: object, seen: Seen = {}) {
  const running = seen.status === undefined || seen.status === 'RUNNING';
  return {
    status: 'RUNNING' as const,
    startDate: STARTED,
    ...(running ? {} : { stopDate: STOPPED }),
    ...seen,
    input: JSON.stringify(input),
  };
}

/** The end of a workflow whose Fail state says why. */
export const failedAs = (error: string, step: string, cause: string): Seen => ({
  status: 'FAILED',
  error,
  cause: JSON.stringify({ step, error: cause }),
});

/** There is none of this name, or it cannot be seen yet. */
export const notFound = () => sdkError('ExecutionDoesNotExist');
