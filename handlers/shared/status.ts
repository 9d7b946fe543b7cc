import type { DescribeExecutionOutput } from '@aws-sdk/client-sfn';
import {
  explainFailure,
  type FailureCause,
  type FailureReport,
  failureCause,
  rollBackFailedCause,
} from '../../contracts/failures.ts';
import { CANCELLED, OUTCOME_NOT_PUBLISHED, ROLL_BACK_FAILED } from '../../contracts/outcomes.ts';
import {
  executionStatus,
  type ProvisioningStatus,
  type UserAtTarget,
  type UserPresence,
} from '../../contracts/status.ts';
import { IN_FLIGHT_SECONDS } from '../../contracts/time-limits.ts';
import type { Execution } from './executions.ts';

interface StatusInput {
  provisioning_id: string;
  username?: string;
  human_user_id?: string;
  /** Names of the targets; at App1 only. */
  targets?: readonly string[] | undefined;
  /** The execution is a cancellation that reserves the name. */
  cancelled?: true | undefined;
  /** Estimated start of a queued creation. */
  estimated_start_at?: string | undefined;
}

/** The part of a status that determines the next poll. */
interface Progress extends Pick<ProvisioningStatus, 'status'> {
  user?: UserPresence;
  /** Absent if it was started just now. */
  started_at?: string;
  estimated_end_at?: string | undefined;
}

/** Usual duration of a creation, in seconds. */
const USUAL_SECONDS = 2;

/** Bounds of `Retry-After`, in seconds. */
const MIN_RETRY_AFTER = 1;
const MAX_RETRY_AFTER = 30;

/** `Retry-After` during a removal, in seconds: a roll-back waits until no call can be in flight. */
const REMOVAL_RETRY_AFTER = Math.ceil(IN_FLIGHT_SECONDS / 4);

/**
 * The header `Retry-After` (RFC 9110) for the next poll: for a queued creation its estimated end; for a running
 * provisioning half its age, because most finish within seconds; none for a final status.
 */
export function retryAfter(
  { status, user, started_at, estimated_end_at }: Progress,
  now: number,
): Record<string, string> {
  if (user === 'being_removed') return { 'Retry-After': String(REMOVAL_RETRY_AFTER) };
  if (status !== 'RUNNING') return {};
  const queuedSeconds = (Date.parse(estimated_end_at ?? '') - now) / 1000;
  if (queuedSeconds > 0)
    return { 'Retry-After': String(Math.max(MIN_RETRY_AFTER, Math.ceil(queuedSeconds))) };
  const age = started_at === undefined ? 0 : (now - Date.parse(started_at)) / 1000;
  return { 'Retry-After': String(Math.min(MAX_RETRY_AFTER, Math.max(MIN_RETRY_AFTER, Math.ceil(age / 2)))) };
}

/**
 * The status of an execution for its owner, without its roll-backs.
 * @param cleanOutcomes errors of outcomes after which nothing is left to do
 */
export function statusOf(
  execution: Execution<StatusInput>,
  cleanOutcomes: readonly string[],
): ProvisioningStatus {
  const { provisioning_id, username, human_user_id, targets, estimated_start_at } = execution.parsedInput;
  const error = errorOf(execution);
  const user = execution.parsedInput.cancelled === true ? 'unknown' : presenceAfter(execution, cleanOutcomes);
  const usersAtTargets = targets === undefined ? {} : { targets: usersAt(targets, user, execution) };
  return {
    provisioning_id,
    status: executionStatus.parse(execution.status),
    user,
    ...usersAtTargets,
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

/**
 * A status that reports nothing about the pools of targets that are gone, because they are not checked: the user is `gone`
 * there, and the user of the whole provisioning is `unknown`, unless the removal has not finished.
 * @param gone names of the targets that are registered as gone
 */
export function withGone(status: ProvisioningStatus, gone: readonly string[]): ProvisioningStatus {
  const { user, targets = [] } = status;
  if (!targets.some(({ target }) => gone.includes(target))) return status;
  return {
    ...status,
    user: user === 'being_removed' ? user : 'unknown',
    targets: targets.map((at) => (gone.includes(at.target) ? { ...at, user: 'gone' } : at)),
  };
}

type Failure = Partial<Pick<DescribeExecutionOutput, 'status' | 'error' | 'cause'>>;

/**
 * A status with another presence of the user, also at each target that is not gone and has not confirmed its absence.
 * @param rollBack the roll-back that determines the presence, if it has started
 */
export function withUser(
  status: ProvisioningStatus,
  user: UserPresence,
  rollBack: Failure = {},
): ProvisioningStatus {
  const { targets } = status;
  if (targets === undefined) return { ...status, user };
  const names = targets.map(({ target }) => target);
  const found = usersAt(names, user, rollBack);
  const isFinal = ({ user: at }: UserAtTarget) => at === 'gone' || at === 'absent';
  return { ...status, user, targets: targets.map((at, n) => (isFinal(at) ? at : (found[n] ?? at))) };
}

/** Names of the targets at which the user may remain after a failed compensation; `undefined` if they are not known. */
export const remainingTargets = ({ status, error, cause }: Failure): readonly string[] | undefined =>
  isFailedWith({ status, error }, [ROLL_BACK_FAILED])
    ? rollBackFailedCause.safeParse(parsedOrUndefined(cause)).data?.remaining
    : undefined;

/** The user at each target, from its presence in general and from the targets that a failed compensation names. */
function usersAt(targets: readonly string[], user: UserPresence, execution: Failure): UserAtTarget[] {
  const remaining = remainingTargets(execution);
  const isRemoved = (target: string) => remaining !== undefined && !remaining.includes(target);
  return targets.map((target) => ({ target, user: isRemoved(target) ? 'absent' : user }));
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

/**
 * Whether an execution failed in one of these Fail states. The status is checked, too, because StopExecution can set any
 * error.
 */
export function isFailedWith(
  { status, error }: { status?: string | undefined; error?: string | null | undefined },
  outcomes: readonly string[],
): boolean {
  return status === 'FAILED' && outcomes.includes(error ?? '');
}

function errorOf(execution: DescribeExecutionOutput): FailureReport | undefined {
  const failure = failureOf(execution);
  if (failure === undefined) return undefined;
  const rollBackFailed = isFailedWith(execution, [ROLL_BACK_FAILED]);
  return explainFailure(rollBackFailed ? { ...failure, error: ROLL_BACK_FAILED } : failure);
}

/** The failure of an execution; `undefined` if it is running or succeeded. */
export function failureOf({ status, error, cause }: DescribeExecutionOutput): FailureCause | undefined {
  switch (status) {
    case 'ABORTED':
      return { step: 'Execution', error: error === CANCELLED ? CANCELLED : 'ExecutionAborted' };
    case 'TIMED_OUT':
      return { step: 'Execution', error: 'ExecutionTimedOut' };
    case 'FAILED': {
      const parsed = failureCause.safeParse(parsedOrUndefined(cause));
      return parsed.data ?? { step: 'Execution', error: error ?? 'StepFailed' };
    }
    default:
      return undefined;
  }
}

/** The Cause is JSON if a Fail state wrote it, and free text if Step Functions failed the execution. */
function parsedOrUndefined(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? '');
  } catch {
    return undefined;
  }
}
