import { GetExecutionHistoryCommand, type HistoryEvent, type SFNClient } from '@aws-sdk/client-sfn';
import { hasErrorName } from './errors.ts';

/**
 * Reading of execution histories, and their steps and attempts.
 * docs.aws.amazon.com/step-functions/latest/apireference/API_GetExecutionHistory.html
 */

/** The most events that one call returns. */
const PAGE = 1000;

type StepFunctions = Pick<SFNClient, 'send'>;

interface ReadOptions {
  /** Whether the events carry input, output and variables of the states. Default: false. */
  includeExecutionData?: boolean;
  /** Reads pages until at least this number of events. Default: all events. */
  maxEvents?: number;
}

/**
 * Reads a history from its first event.
 * @returns the events, oldest first, and whether further events exist
 * @throws ExecutionDoesNotExist, and the other errors of the call
 */
export async function readHistory(
  stepFunctions: StepFunctions,
  executionArn: string,
  { includeExecutionData = false, maxEvents = Number.POSITIVE_INFINITY }: ReadOptions = {},
): Promise<{ events: HistoryEvent[]; truncated: boolean }> {
  const events: HistoryEvent[] = [];
  let nextToken: string | undefined;
  do {
    const page = await stepFunctions.send(
      new GetExecutionHistoryCommand({
        executionArn,
        includeExecutionData,
        maxResults: PAGE,
        ...(nextToken === undefined ? {} : { nextToken }),
      }),
    );
    events.push(...(page.events ?? []));
    nextToken = page.nextToken;
  } while (nextToken !== undefined && events.length < maxEvents);
  return { events, truncated: nextToken !== undefined };
}

/** All events of a history, oldest first, without data; `undefined` if the execution does not exist. */
export async function findHistory(
  stepFunctions: StepFunctions,
  executionArn: string,
): Promise<HistoryEvent[] | undefined> {
  try {
    return (await readHistory(stepFunctions, executionArn)).events;
  } catch (error) {
    if (hasErrorName(error, 'ExecutionDoesNotExist')) return undefined;
    throw error;
  }
}

/**
 * Reads the latest events of a history with one call, without data.
 * @returns the events, oldest first, and whether earlier events exist
 * @throws ExecutionDoesNotExist, and the other errors of the call
 */
export async function readLatestEvents(
  stepFunctions: StepFunctions,
  executionArn: string,
): Promise<{ events: HistoryEvent[]; truncated: boolean }> {
  const { events = [], nextToken } = await stepFunctions.send(
    new GetExecutionHistoryCommand({
      executionArn,
      includeExecutionData: false,
      reverseOrder: true,
      maxResults: PAGE,
    }),
  );
  return { events: events.toReversed(), truncated: nextToken !== undefined };
}

/** One attempt of a step. */
export interface HistoryAttempt {
  startedAt: Date;
  /** Absent while it is running. */
  endedAt?: Date;
  /** `stopped`: the execution finished while the attempt was running. */
  status: 'running' | 'succeeded' | 'failed' | 'timed_out' | 'stopped';
  /** Error name, as in the history. */
  error?: string;
  cause?: string | undefined;
}

/** A state that an execution entered. */
export interface HistoryStep {
  /** Id of its StateEntered event: unique within the execution. */
  id: number;
  name: string;
  /** As ASL names it: `Task`, `Choice`, … */
  type: string;
  /**
   * `retrying`: the latest attempt failed, and another one follows; `caught`: it failed, and a Catch continued the
   * execution; `failed`: it failed the execution; `stopped`: the execution was aborted or timed out in this step.
   */
  status: 'running' | 'retrying' | 'succeeded' | 'caught' | 'failed' | 'stopped';
  enteredAt: Date;
  /** Time at which the execution left the step or finished in it. */
  exitedAt?: Date;
  /** Empty for a state without a task. */
  attempts: HistoryAttempt[];
  /** JSON, as are `output` and the values of `assigned`; present in a history with data. */
  input?: string | undefined;
  output?: string | undefined;
  assigned: Record<string, string>;
}

/** A step while the history is being processed. */
interface OpenStep extends Omit<HistoryStep, 'status' | 'exitedAt'> {
  status: Exclude<HistoryStep['status'], 'running' | 'retrying'> | undefined;
  exitedAt: Date | undefined;
  /** previousEventId of its StateEntered event. */
  enteredAfter: number;
}

const FAILED = /^Task(Failed|TimedOut|StartFailed|SubmitFailed)$|^EvaluationFailed$/;
const ENDED = /^Execution(Succeeded|Failed|Aborted|TimedOut)$/;

/** Whether an event finishes an execution. Only a redrive can follow. */
export const isExecutionEnd = ({ type }: Pick<HistoryEvent, 'type'>): boolean => ENDED.test(type ?? '');

/**
 * The steps of a history in the order of their entries, each with its attempts. An event belongs to the step of its
 * predecessor (`previousEventId`), which separates parallel iterations. If the events start in the middle of a history,
 * events of earlier steps are omitted. A failed expression counts as an attempt. A redrive continues the step that failed
 * or enters it again.
 * docs.aws.amazon.com/step-functions/latest/apireference/API_HistoryEvent.html
 */
export function stepsOf(events: readonly HistoryEvent[]): HistoryStep[] {
  const steps: OpenStep[] = [];
  const stepOfEvent = new Map<number, OpenStep>();
  let redriven: OpenStep | undefined;

  for (const event of events) {
    const at = event.timestamp ?? new Date(0); // every event has a timestamp
    const predecessor = stepOfEvent.get(event.previousEventId ?? 0);
    let step: OpenStep | undefined;
    if (event.stateEnteredEventDetails === undefined) reopen(redriven);
    redriven = undefined;
    if (event.stateEnteredEventDetails !== undefined) {
      step = entered(event, at);
      steps.push(step);
    } else if (event.stateExitedEventDetails !== undefined) {
      const { name, output, assignedVariables = {} } = event.stateExitedEventDetails;
      step =
        predecessor?.name === name ? predecessor : steps.findLast((candidate) => candidate.name === name);
      if (step !== undefined) {
        const status = lastFailed(step) ? 'caught' : 'succeeded';
        Object.assign(step, { status, exitedAt: at, output, assigned: assignedVariables });
      }
    } else if (isExecutionEnd(event)) {
      for (const open of steps.filter(({ exitedAt }) => exitedAt === undefined)) endWith(open, event, at);
    } else if (event.type === 'ExecutionRedriven') {
      step = redriven = steps.at(-1);
    } else {
      step = event.type === 'EvaluationFailed' ? stepOfEvaluation(event, steps, predecessor) : predecessor;
      if (step !== undefined) addToAttempts(step, event, at);
    }
    if (step !== undefined) stepOfEvent.set(event.id ?? 0, step);
  }
  reopen(redriven);
  return steps.map(({ status, exitedAt, enteredAfter: _, ...step }) => ({
    ...step,
    ...(exitedAt === undefined ? {} : { exitedAt }),
    status: status ?? (lastFailed(step) ? 'retrying' : 'running'),
  }));
}

/**
 * The step whose expression failed. The predecessor of the event is the StateEntered event or its predecessor, which also
 * identifies the step among parallel iterations.
 */
function stepOfEvaluation(
  { evaluationFailedEventDetails, previousEventId = 0 }: HistoryEvent,
  steps: readonly OpenStep[],
  predecessor: OpenStep | undefined,
): OpenStep | undefined {
  const name = evaluationFailedEventDetails?.state;
  const open = steps.filter((step) => step.name === name && step.exitedAt === undefined);
  return open.find((step) => step === predecessor || step.enteredAfter === previousEventId) ?? open.at(-1);
}

const lastFailed = ({ attempts }: Pick<OpenStep, 'attempts'>): boolean =>
  ['failed', 'timed_out'].includes(attempts.at(-1)?.status ?? '');

function reopen(step: OpenStep | undefined): void {
  if (step !== undefined) Object.assign(step, { exitedAt: undefined, status: undefined });
}

/** Closes a step that is open when the execution finishes. */
function endWith(step: OpenStep, { type }: HistoryEvent, at: Date): void {
  step.exitedAt = at;
  const statuses = { ExecutionSucceeded: 'succeeded', ExecutionFailed: 'failed' } as const;
  step.status = type === 'ExecutionSucceeded' || type === 'ExecutionFailed' ? statuses[type] : 'stopped';
  const last = step.attempts.at(-1);
  if (last?.status === 'running') Object.assign(last, { status: 'stopped', endedAt: at });
}

const entered = (
  { id = 0, type, previousEventId = 0, stateEnteredEventDetails }: HistoryEvent,
  at: Date,
): OpenStep => ({
  id,
  name: stateEnteredEventDetails?.name ?? '',
  type: (type ?? '').replace(/StateEntered$/, ''),
  status: undefined,
  enteredAfter: previousEventId,
  enteredAt: at,
  exitedAt: undefined,
  attempts: [],
  input: stateEnteredEventDetails?.input,
  assigned: {},
});

function addToAttempts({ attempts }: OpenStep, event: HistoryEvent, at: Date): void {
  const { type = '' } = event;
  const last = attempts.at(-1);
  const open = last?.status === 'running' ? last : undefined;
  if (type === 'TaskScheduled') attempts.push({ startedAt: at, status: 'running' });
  else if (type === 'TaskSucceeded' && open !== undefined)
    Object.assign(open, { status: 'succeeded', endedAt: at });
  else if (FAILED.test(type)) {
    // An expression can fail before the task is scheduled, or after it has succeeded.
    const failed: HistoryAttempt = open ?? { startedAt: at, status: 'running' };
    if (open === undefined) attempts.push(failed);
    const { error = type, cause } = detailsOf(event);
    const status = type === 'TaskTimedOut' ? 'timed_out' : 'failed';
    Object.assign(failed, { status, endedAt: at, error, cause });
  }
}

/** The details of a failure, which each type of event has in another field. */
const detailsOf = (event: HistoryEvent): { error?: string | undefined; cause?: string | undefined } =>
  event.taskFailedEventDetails ??
  event.taskTimedOutEventDetails ??
  event.taskStartFailedEventDetails ??
  event.taskSubmitFailedEventDetails ??
  event.evaluationFailedEventDetails ??
  {};
