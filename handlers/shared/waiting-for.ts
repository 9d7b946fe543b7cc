import type { HistoryEvent, SFNClient } from '@aws-sdk/client-sfn';
import { explainFailure, type FailureName } from '../../contracts/failures.ts';
import type { Service } from '../../contracts/services.ts';
import type { Attempt, WaitingFor } from '../../contracts/status.ts';
import { outagePause } from '../../contracts/time-limits.ts';
import { classifyError } from './errors.ts';
import type { Execution } from './executions.ts';
import { readLatestEvents } from './history.ts';
import { logger } from './logger.ts';
import { timelineSteps } from './timeline.ts';

/** Age in milliseconds from which an execution is asked what it waits for: most have ended by then. */
const YOUNG = 10_000;

const reasons: Partial<Record<string, WaitingFor['what']>> = {
  TargetUnavailable: 'target',
  App2AuthenticationFailed: 'target',
  App2QueueFull: 'target_queue',
  UserCreationPending: 'target_result',
  UserRemovalPending: 'target_result',
  AbsenceNotConfirmed: 'calls_in_flight',
} satisfies Partial<Record<FailureName, WaitingFor['what']>>;

/** Errors after which a step waits as in an outage, counted together. */
export const waitedOut = (step: string): readonly FailureName[] =>
  step === 'CancelUserCreation'
    ? ['TargetUnavailable', 'App2AuthenticationFailed', 'UserRemovalPending']
    : ['TargetUnavailable'];

/**
 * What a running execution waits for, by the latest events of its history: its latest step has failed attempts, and goes
 * on trying. `undefined` when there is nothing to say: there is none, it is young or has ended, no attempt has failed, or
 * its history cannot be read now.
 * docs.aws.amazon.com/step-functions/latest/apireference/API_GetExecutionHistory.html
 */
export async function waitingForOf(
  stepFunctions: Pick<SFNClient, 'send'>,
  execution: Pick<Execution<unknown>, 'executionArn' | 'status' | 'startDate'> | undefined,
  service: Service,
  now: number,
): Promise<WaitingFor | undefined> {
  if (execution?.status !== 'RUNNING' || now - (execution.startDate?.getTime() ?? now) < YOUNG)
    return undefined;
  try {
    // More than the step with the most attempts can write.
    const { events } = await readLatestEvents(stepFunctions, execution.executionArn ?? '');
    return waitingIn(events, service);
  } catch (thrown) {
    // A status without it is better than none.
    const { name: error, message: reason } = classifyError(thrown);
    logger.warn('The history could not be read', { error, reason });
    return undefined;
  }
}

/** What an execution waits for that has these latest events, in their order. */
export function waitingIn(events: readonly HistoryEvent[], service: Service): WaitingFor | undefined {
  const step = timelineSteps(events, { service, workflow: '', execution: '' }).at(-1);
  if (step === undefined || step.duration_ms !== undefined) return undefined;
  const failed = step.attempts.filter(hasFailed);
  const [first] = failed;
  const last = failed.at(-1);
  if (first === undefined || last === undefined) return undefined;
  const what = reasons[last.error.name] ?? 'aws';
  const counted: readonly string[] = waitedOut(step.step);
  const outages = failed.filter(({ error }) => counted.includes(error.name)).length;
  const retriesLater = step.attempts.at(-1) === last && counted.includes(last.error.name);
  return {
    what,
    ...(what.startsWith('target') ? { target: 'app2' } : {}),
    step: step.step,
    since: first.started_at,
    code: explainFailure({ step: step.step, error: last.error.name }).code,
    ...(retriesLater ? { retry_at: later(last, outagePause(outages)) } : {}),
  };
}

type Failed = Attempt & { error: NonNullable<Attempt['error']> };

const hasFailed = (attempt: Attempt): attempt is Failed => attempt.error !== undefined;

/** A point in time some seconds after the end of an attempt. */
const later = ({ started_at, duration_ms = 0 }: Attempt, seconds: number): string =>
  new Date(Date.parse(started_at) + duration_ms + seconds * 1000).toISOString();
