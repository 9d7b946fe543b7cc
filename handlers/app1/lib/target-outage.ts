import { classifyError, StepError } from '../../shared/errors.ts';

/**
 * Maps an AWS error of a part of a target: to `TargetUnavailable`, which is retried for hours, if its classified name is
 * in `transient`; otherwise returns the error itself.
 */
export function asTargetOutage(part: string, error: unknown, transient: readonly string[]): unknown {
  const { name, message } = classifyError(error);
  return transient.includes(name)
    ? new StepError('TargetUnavailable', `${part} is not available: ${message}.`)
    : error;
}
