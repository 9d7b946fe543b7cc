import type { HistoryEvent, SFNClient } from '@aws-sdk/client-sfn';
import { explainFailure, type FailureName } from '../../contracts/failures.ts';
import type { Attempt, TimelineStep, WaitingFor } from '../../contracts/status.ts';
import { outagePause } from '../../contracts/time-limits.ts';
import { classifyError } from './errors.ts';
import type { Execution } from './executions.ts';
import { readLatestEvents, stepsOf } from './history.ts';
import { logger } from './logger.ts';
import { timelineStepOf } from './timeline.ts';

/** Age in milliseconds from which the history of an execution is read: most have finished by then. */
const MIN_AGE = 10_000;

const reasons: Partial<Record<string, WaitingFor['what']>> = {
  TargetUnavailable: 'target',
  TargetAuthenticationFailed: 'target',
  TargetQueueFull: 'target_queue',
  UserCreationPending: 'target_result',
  UserRemovalPending: 'target_result',
  AbsenceNotConfirmed: 'calls_in_flight',
} satisfies Partial<Record<FailureName, WaitingFor['what']>>;

/** Errors that a step retries with the delays of an outage. One policy counts their attempts. */
export const outageErrors = (step: string): readonly FailureName[] =>
  step === 'CancelUserCreation'
    ? ['TargetUnavailable', 'TargetAuthenticationFailed', 'UserRemovalPending']
    : ['TargetUnavailable'];

/**
 * The condition for which a running execution waits, from the latest events of its history: a present step has failed
 * attempts. `undefined` if the execution does not exist, is young or has finished, if no attempt has failed, or if the
 * history cannot be read.
 * @param targets at App1: names of the targets, in the order of the iterations
 * docs.aws.amazon.com/step-functions/latest/apireference/API_GetExecutionHistory.html
 */
export async function waitingForOf(
  stepFunctions: Pick<SFNClient, 'send'>,
  execution: Pick<Execution<unknown>, 'executionArn' | 'status' | 'startDate'> | undefined,
  service: string,
  now: number,
  targets?: readonly string[],
): Promise<WaitingFor | undefined> {
  if (execution?.status !== 'RUNNING' || now - (execution.startDate?.getTime() ?? now) < MIN_AGE)
    return undefined;
  try {
    // One page has more events than the step with the most attempts. Iterations share it, so their Map is read from its start.
    const isEnough = targets === undefined ? undefined : (latest: HistoryEvent[]) => latest.some(isBoundary);
    const { events } = await readLatestEvents(stepFunctions, execution.executionArn ?? '', isEnough);
    return waitingIn(events, service, targets);
  } catch (thrown) {
    // The status is returned without the condition.
    const { name: error, message: reason } = classifyError(thrown);
    logger.warn('The history could not be read', { error, reason });
    return undefined;
  }
}

/** Whether an event starts or ends a Map. After the latest such event, no step was open before it. */
const isBoundary = ({ type }: HistoryEvent): boolean =>
  type === 'MapStateStarted' || type === 'MapStateExited';

/**
 * The condition for which an execution with these latest events waits, oldest event first. If several iterations of a Map
 * wait, it is that of the longest wait.
 * @param targets at App1: names of the targets, in the order of the iterations
 */
export function waitingIn(
  events: readonly HistoryEvent[],
  service: string,
  targets?: readonly string[],
): WaitingFor | undefined {
  const waits = stepsOf(events)
    .filter(({ status }) => status === 'running' || status === 'retrying')
    .map((step) => timelineStepOf(step, { service, workflow: '', execution: '' }, targets))
    .flatMap(waitOf)
    .sort((one, other) => Date.parse(one.first.started_at) - Date.parse(other.first.started_at));
  const [longest] = waits;
  if (longest === undefined) return undefined;
  const { step, failed, first, last } = longest;
  const what = reasons[last.error.name] ?? 'aws';
  const counted: readonly string[] = outageErrors(step.step);
  const outages = failed.filter(({ error }) => counted.includes(error.name)).length;
  const retriesLater = step.attempts.at(-1) === last && counted.includes(last.error.name);
  return {
    what,
    ...(what.startsWith('target') && step.target !== undefined ? { target: step.target } : {}),
    step: step.step,
    since: first.started_at,
    code: explainFailure({ step: step.step, error: last.error.name }).code,
    ...(retriesLater ? { retry_at: later(last, outagePause(outages)) } : {}),
  };
}

interface Wait {
  step: TimelineStep;
  failed: Failed[];
  first: Failed;
  last: Failed;
}

/** The wait of an open step; empty if no attempt has failed. */
function waitOf(step: TimelineStep): Wait[] {
  const failed = step.attempts.filter(hasFailed);
  const [first] = failed;
  const last = failed.at(-1);
  return first === undefined || last === undefined ? [] : [{ step, failed, first, last }];
}

type Failed = Attempt & { error: NonNullable<Attempt['error']> };

const hasFailed = (attempt: Attempt): attempt is Failed => attempt.error !== undefined;

/** The time `seconds` after the end of an attempt. */
const later = ({ started_at, duration_ms = 0 }: Attempt, seconds: number): string =>
  new Date(Date.parse(started_at) + duration_ms + seconds * 1000).toISOString();
