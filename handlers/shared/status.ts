import type { DescribeExecutionOutput } from '@aws-sdk/client-sfn';
import {
  explainFailure,
  type FailureCause,
  type FailureReport,
  failureCause,
} from '../../contracts/failures.ts';
import { CANCELLED, OUTCOME_NOT_PUBLISHED, ROLL_BACK_FAILED } from '../../contracts/outcomes.ts';
import { executionStatus, type ProvisioningStatus, type UserPresence } from '../../contracts/status.ts';
import { IN_FLIGHT_SECONDS } from '../../contracts/time-limits.ts';
import type { Execution } from './executions.ts';

interface Subject {
  provisioning_id: string;
  username?: string;
  human_user_id?: string;
  /** It took the name before the request came, or after its record had expired. */
  cancelled?: true | undefined;
  /** When the creation will probably start. */
  estimated_start_at?: string | undefined;
}

/** How far a provisioning has come. */
interface Progress extends Pick<ProvisioningStatus, 'status'> {
  user?: UserPresence;
  /** Absent when it began a moment ago. */
  started_at?: string;
  estimated_end_at?: string | undefined;
}

/** How long a creation usually takes once it has started, in seconds. */
const USUAL_SECONDS = 2;

/** Bounds in seconds of what a caller is asked to wait before it looks again. */
const SOONEST = 1;
const LATEST = 30;

/** A roll-back waits out what may still be under way, so nobody has to look more often than this, in seconds. */
const WHILE_REMOVED = Math.ceil(IN_FLIGHT_SECONDS / 4);

/**
 * When it is worth looking again (`Retry-After`, RFC 9110): one that is queued, when it will have ended. Most provisionings end within seconds, so a young one is
 * looked at soon, an old one again after half the time that it has taken. Nothing for one that is settled.
 */
export function retryAfter(
  { status, user, started_at, estimated_end_at }: Progress,
  now: number,
): Record<string, string> {
  if (user === 'being_removed') return { 'Retry-After': String(WHILE_REMOVED) };
  if (status !== 'RUNNING') return {};
  const left = (Date.parse(estimated_end_at ?? '') - now) / 1000;
  if (left > 0) return { 'Retry-After': String(Math.max(SOONEST, Math.ceil(left))) };
  const age = started_at === undefined ? 0 : (now - Date.parse(started_at)) / 1000;
  return { 'Retry-After': String(Math.min(LATEST, Math.max(SOONEST, Math.ceil(age / 2)))) };
}

/**
 * What the owner sees of an execution.
 * `cleanOutcomes` are the errors of ends after which nothing is left to undo.
 */
export function statusOf(
  execution: Execution<Subject>,
  cleanOutcomes: readonly string[],
): ProvisioningStatus {
  const { provisioning_id, username, human_user_id, estimated_start_at } = execution.parsedInput;
  const error = errorOf(execution);
  return {
    provisioning_id,
    status: executionStatus.parse(execution.status),
    user: execution.parsedInput.cancelled === true ? 'unknown' : presenceAfter(execution, cleanOutcomes),
    ...(username === undefined ? {} : { username }),
    ...(human_user_id === undefined ? {} : { human_user_id }),
    started_at: (execution.startDate ?? new Date()).toISOString(),
    ...(execution.stopDate === undefined ? {} : { stopped_at: execution.stopDate.toISOString() }),
    ...(execution.status === 'RUNNING' && estimated_start_at !== undefined
      ? { estimated_end_at: new Date(Date.parse(estimated_start_at) + USUAL_SECONDS * 1000).toISOString() }
      : {}),
    ...(error === undefined ? {} : { error }),
  };
}

function presenceAfter(
  { status, error }: DescribeExecutionOutput,
  cleanOutcomes: readonly string[],
): UserPresence {
  if (status === 'SUCCEEDED') return 'present';
  if (status === 'RUNNING') return 'unknown';
  return isFailedWith({ status, error }, [...cleanOutcomes, OUTCOME_NOT_PUBLISHED])
    ? 'absent'
    : 'being_removed';
}

/** Whether an execution ended in one of these Fail states. Whoever stops one can give it any error, so that is asked. */
export function isFailedWith(
  { status, error }: { status?: string | undefined; error?: string | null | undefined },
  ends: readonly string[],
): boolean {
  return status === 'FAILED' && ends.includes(error ?? '');
}

function errorOf(execution: DescribeExecutionOutput): FailureReport | undefined {
  const failure = failureOf(execution);
  if (failure === undefined) return undefined;
  const rollBackFailed = isFailedWith(execution, [ROLL_BACK_FAILED]);
  return explainFailure(rollBackFailed ? { ...failure, error: ROLL_BACK_FAILED } : failure);
}

/** Why an execution ended badly; `undefined` when it did not. */
export function failureOf({ status, error, cause }: DescribeExecutionOutput): FailureCause | undefined {
  switch (status) {
    case 'ABORTED':
      return { step: 'Execution', error: error === CANCELLED ? CANCELLED : 'ExecutionAborted' };
    case 'TIMED_OUT':
      return { step: 'Execution', error: 'ExecutionTimedOut' };
    case 'FAILED': {
      const told = failureCause.safeParse(parsedOrUndefined(cause));
      return told.data ?? { step: 'Execution', error: error ?? 'StepFailed' };
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
