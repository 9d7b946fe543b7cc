import type { DoctorAnswer } from '../answers.ts';
import { explain } from '../explain.ts';

/** What a check found. `unseen`: it cannot be looked at from here, for want of a right or because it is elsewhere. */
export type Finding = Omit<DoctorAnswer['checks'][number], 'service' | 'check'>;

export interface Check {
  service: DoctorAnswer['checks'][number]['service'];
  check: string;
  look: () => Promise<Finding>;
}

export const ok = (saw: string): Finding => ({ verdict: 'ok', saw });
/** It works, and will not for long if nobody sees to it. */
export const warning = (saw: string, remedy: string): Finding => ({ verdict: 'warning', saw, remedy });
export const wrong = (saw: string, remedy: string): Finding => ({ verdict: 'wrong', saw, remedy });
export const unseen = (saw: string, remedy: string): Finding => ({ verdict: 'unseen', saw, remedy });

/** Looks, whatever happens: what cannot be looked at is a finding, too. */
export async function findingOf({ look }: Check): Promise<Finding> {
  try {
    return await look();
  } catch (error) {
    const { exit, message, remedy } = explain(error);
    return exit === 'unreachable' ? unseen(message, remedy) : wrong(message, remedy);
  }
}

/** Whether AWS says that there is no such thing. */
export const isMissing = (error: unknown): boolean =>
  error instanceof Error &&
  [
    'ResourceNotFoundException',
    'NotFoundException',
    'StateMachineDoesNotExist',
    'ParameterNotFound',
    'QueueDoesNotExist',
    'AWS.SimpleQueueService.NonExistentQueue',
  ].includes(error.name);

/** The answer of AWS; `undefined` when there is no such thing. */
export async function ifThere<Answer>(answer: Promise<Answer>): Promise<Answer | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}
