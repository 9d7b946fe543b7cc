import { classifyError, StepError } from '../../shared/errors.ts';

/**
 * The error to throw for an AWS error of a part of a target: `TargetUnavailable`, which is waited out, when its name, or
 * the name of the failure that it stands for, is one of those that pass; otherwise the error itself.
 */
export function asTargetOutage(part: string, error: unknown, passing: readonly string[]): unknown {
  const { name, message } = classifyError(error);
  return passing.includes(name)
    ? new StepError('TargetUnavailable', `${part} cannot be used: ${message}.`)
    : error;
}
