import { SendTaskFailureCommand, SendTaskSuccessCommand, type SFNClient } from '@aws-sdk/client-sfn';
import { hasErrorName } from '../../shared/errors.ts';
import { logger } from '../../shared/logger.ts';
import type { WaitingTask } from './callback-registry.ts';
import type { Outcome } from './outcome.ts';

/** Finishes a task that waits for a callback. A task that has finished or timed out is ignored. */
export type ResumeTask = (
  task: Pick<WaitingTask, 'provisioning_id' | 'task_token'>,
  outcome: Outcome,
) => Promise<void>;

/**
 * Errors of a task that does not wait.
 * docs.aws.amazon.com/step-functions/latest/apireference/API_SendTaskSuccess.html
 */
const TASK_FINISHED = ['TaskTimedOut', 'TaskDoesNotExist', 'InvalidToken'];

export const resumeTask =
  (stepFunctions: Pick<SFNClient, 'send'>): ResumeTask =>
  async ({ provisioning_id, task_token: taskToken }, outcome) => {
    const cause = 'The target reported this outcome of the creation.';
    const sent =
      outcome === 'UserCreated'
        ? stepFunctions.send(new SendTaskSuccessCommand({ taskToken, output: '{}' }))
        : stepFunctions.send(new SendTaskFailureCommand({ taskToken, error: outcome, cause }));
    await sent.then(
      () => logger.info('Provisioning resumed', { provisioning_id, outcome }),
      (error: unknown) => {
        if (!hasErrorName(error, ...TASK_FINISHED)) throw error;
        logger.info('Task does not wait any more', { provisioning_id, outcome });
      },
    );
  };
