import { explain } from '../explain.ts';
import type { DoctorOutput } from '../json-output.ts';

/** The result of a check. `unchecked`: a permission is missing, or the resource is in another account or region. */
export type Finding = Omit<DoctorOutput['checks'][number], 'service' | 'check'>;

export interface Check {
  service: DoctorOutput['checks'][number]['service'];
  check: string;
  run: () => Promise<Finding>;
}

export const ok = (found: string): Finding => ({ verdict: 'ok', found });
/** It works now and will fail unless an operator acts. */
export const warning = (found: string, remedy: string): Finding => ({ verdict: 'warning', found, remedy });
export const failed = (found: string, remedy: string): Finding => ({ verdict: 'failed', found, remedy });
export const unchecked = (found: string, remedy: string): Finding => ({
  verdict: 'unchecked',
  found,
  remedy,
});

/** Runs a check. An error is a finding, too. */
export async function runCheck({ run }: Check): Promise<Finding> {
  try {
    return await run();
  } catch (error) {
    const { exit, message, remedy } = explain(error);
    return exit === 'unreachable' ? unchecked(message, remedy) : failed(message, remedy);
  }
}

/** Whether AWS returned that the resource does not exist. */
export const isNotFound = (error: unknown): boolean =>
  error instanceof Error &&
  [
    'ResourceNotFoundException',
    'NotFoundException',
    'StateMachineDoesNotExist',
    'ParameterNotFound',
    'QueueDoesNotExist',
    'AWS.SimpleQueueService.NonExistentQueue',
  ].includes(error.name);

/** The response of AWS; `undefined` when the resource does not exist. */
export async function ifFound<Answer>(call: Promise<Answer>): Promise<Answer | undefined> {
  try {
    return await call;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}
