import type { DescribeExecutionOutput } from '@aws-sdk/client-sfn';
import { END_NOT_ANNOUNCED, ROLL_BACK_FAILED } from '../../contracts/ends.ts';
import { explainFailure, type FailureReport, failureCause } from '../../contracts/failures.ts';
import { executionStatus, type ProvisioningStatus, type UserPresence } from '../../contracts/status.ts';
import type { Execution } from './executions.ts';

interface Subject {
  provisioning_id: string;
  username?: string;
  human_user_id?: string;
}

/**
 * What the owner sees of an execution.
 * `cleanEnds` are the errors of ends after which nothing is left to undo.
 */
export function statusOf(execution: Execution<Subject>, cleanEnds: readonly string[]): ProvisioningStatus {
  const { provisioning_id, username, human_user_id } = execution.parsedInput;
  const error = errorOf(execution);
  return {
    provisioning_id,
    status: executionStatus.parse(execution.status),
    user: presenceAfter(execution, cleanEnds),
    ...(username === undefined ? {} : { username }),
    ...(human_user_id === undefined ? {} : { human_user_id }),
    started_at: (execution.startDate ?? new Date()).toISOString(),
    ...(execution.stopDate === undefined ? {} : { stopped_at: execution.stopDate.toISOString() }),
    ...(error === undefined ? {} : { error }),
  };
}

function presenceAfter(
  { status, error }: DescribeExecutionOutput,
  cleanEnds: readonly string[],
): UserPresence {
  if (status === 'SUCCEEDED') return 'present';
  if (status === 'RUNNING') return 'absent';
  const nothingLeft = status === 'FAILED' && [...cleanEnds, END_NOT_ANNOUNCED].includes(error ?? '');
  return nothingLeft ? 'absent' : 'being_removed';
}

function errorOf({ status, error, cause }: DescribeExecutionOutput): FailureReport | undefined {
  switch (status) {
    case 'ABORTED':
      return explainFailure({ step: 'Execution', error: 'ExecutionAborted' });
    case 'TIMED_OUT':
      return explainFailure({ step: 'Execution', error: 'ExecutionTimedOut' });
    case 'FAILED': {
      const told = failureCause.safeParse(parsedOrUndefined(cause));
      if (error === ROLL_BACK_FAILED) return explainFailure({ step: told.data?.step ?? 'Execution', error });
      return explainFailure(told.data ?? { step: 'Execution', error: error ?? 'StepFailed' });
    }
    default:
      return undefined;
  }
}

/** Only our own Fail states write JSON; a machine that Step Functions itself failed has free text. */
function parsedOrUndefined(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? '');
  } catch {
    return undefined;
  }
}
