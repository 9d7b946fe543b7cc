import { SendTaskFailureCommand, SendTaskSuccessCommand, type SFNClient } from '@aws-sdk/client-sfn';
import { hasErrorName } from '../../shared/errors.ts';
import { logger } from '../../shared/logger.ts';
import type { WaitingTask } from './callback-registry.ts';
import type { Outcome } from './outcome.ts';

/** Ends a task that waits for a callback. Nothing happens when it has ended before, or waits no longer. */
export type ResumeTask = (
  task: Pick<WaitingTask, 'provisioning_id' | 'task_token'>,
  outcome: Outcome,
) => Promise<void>;

/** docs.aws.amazon.com/step-functions/latest/apireference/API_SendTaskSuccess.html */
const WAITS_NO_LONGER = ['TaskTimedOut', 'TaskDoesNotExist', 'InvalidToken'];

export const resumeTask =
  (stepFunctions: Pick<SFNClient, 'send'>): ResumeTask =>
  async ({ provisioning_id, task_token: taskToken }, outcome) => {
    const cause = 'App2 says that the creation has ended so.';
    const sent =
      outcome === 'UserCreated'
        ? stepFunctions.send(new SendTaskSuccessCommand({ taskToken, output: '{}' }))
        : stepFunctions.send(new SendTaskFailureCommand({ taskToken, error: outcome, cause }));
    await sent.then(
      () => logger.info('Provisioning resumed', { provisioning_id, outcome }),
      (error: unknown) => {
        if (!hasErrorName(error, ...WAITS_NO_LONGER)) throw error;
        logger.info('Task waits no longer', { provisioning_id, outcome });
      },
    );
  };
