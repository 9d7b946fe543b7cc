import type { DescribeExecutionCommandOutput } from '@aws-sdk/client-sfn';
import { sdkError } from './sdk-errors.ts';

/** Output of DescribeExecution without the input. */
type Description = Partial<Omit<DescribeExecutionCommandOutput, 'input' | '$metadata'>>;

export const STARTED = new Date('2026-01-01T00:00:00Z');
export const STOPPED = new Date('2026-01-01T00:00:09Z');

/** Output of DescribeExecution, by default of a running execution. */
export function execution(input: object, description: Description = {}) {
  const running = description.status === undefined || description.status === 'RUNNING';
  return {
    status: 'RUNNING' as const,
    startDate: STARTED,
    ...(running ? {} : { stopDate: STOPPED }),
    ...description,
    input: JSON.stringify(input),
  };
}

/** Output of DescribeExecution after a Fail state. */
export const failedAs = (error: string, step: string, cause: string): Description => ({
  status: 'FAILED',
  error,
  cause: JSON.stringify({ step, error: cause }),
});

/** The error for an execution that does not exist, or does not exist yet. */
export const notFound = () => sdkError('ExecutionDoesNotExist');
