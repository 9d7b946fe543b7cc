import {
  GetExecutionHistoryCommand,
  type GetExecutionHistoryInput,
  type HistoryEvent,
  type SFNClient,
} from '@aws-sdk/client-sfn';
import { hasErrorName } from './errors.ts';

/**
 * Reading of execution histories, and their steps and attempts.
 * docs.aws.amazon.com/step-functions/latest/apireference/API_GetExecutionHistory.html
 */

/** The most events that one call returns. */
const PAGE = 1000;

type StepFunctions = Pick<SFNClient, 'send'>;

/** Events of a history, and whether it has further ones. */
interface HistoryPart {
  events: HistoryEvent[];
  truncated: boolean;
}

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
): Promise<HistoryPart> {
  return readPages(
    stepFunctions,
    { executionArn, includeExecutionData },
    (events) => events.length >= maxEvents,
  );
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
 * Reads the latest events of a history, without data.
 * @param isEnough whether the events read so far, latest first, are enough; by default those of one call are
 * @returns the events, oldest first, and whether earlier events exist
 * @throws ExecutionDoesNotExist, and the other errors of the call
 */
export async function readLatestEvents(
  stepFunctions: StepFunctions,
  executionArn: string,
  isEnough: (events: HistoryEvent[]) => boolean = () => true,
): Promise<HistoryPart> {
  const request = { executionArn, includeExecutionData: false, reverseOrder: true };
  const { events, truncated } = await readPages(stepFunctions, request, isEnough);
  return { events: events.toReversed(), truncated };
}

/** Reads pages in the order of the request, until the events read so far are enough. */
async function readPages(
  stepFunctions: StepFunctions,
  request: GetExecutionHistoryInput,
  isEnough: (events: HistoryEvent[]) => boolean,
): Promise<HistoryPart> {
  const events: HistoryEvent[] = [];
  let nextToken: string | undefined;
  do {
    const page = await stepFunctions.send(
      new GetExecutionHistoryCommand({
        ...request,
        maxResults: PAGE,
        ...(nextToken === undefined ? {} : { nextToken }),
      }),
    );
    events.push(...(page.events ?? []));
    nextToken = page.nextToken;
  } while (nextToken !== undefined && !isEnough(events));
  return { events, truncated: nextToken !== undefined };
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

/** An iteration of a Map state. */
export interface MapIteration {
  /** Name of the Map state. */
  map: string;
  /** Index of the item, from 0. */
  index: number;
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
   * execution; `failed`: it failed the execution or its iteration of a Map; `stopped`: the execution was aborted or timed
   * out in this step, or another iteration failed.
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
  /** The iterations that contain the step, outermost first. Absent outside a Map. */
  iterations?: readonly MapIteration[];
}

/** A step while the history is being processed. */
interface OpenStep extends Omit<HistoryStep, 'status' | 'exitedAt' | 'iterations'> {
  status: Exclude<HistoryStep['status'], 'running' | 'retrying'> | undefined;
  exitedAt: Date | undefined;
  /** previousEventId of its StateEntered event. */
  enteredAfter: number;
  /** Whether the latest attempt of a Map failed. */
  hasFailed: boolean;
  iteration: Iteration | undefined;
}

interface Iteration {
  map: OpenStep;
  index: number;
}

/** To what an event belongs. MapIterationStarted belongs to an iteration only, its Map's other events to the Map's step. */
interface EventScope {
  step?: OpenStep | undefined;
  iteration?: Iteration | undefined;
  /** Whether it is ExecutionRedriven, whose step is the one that most probably continues. */
  isRedrive?: boolean;
}

const FAILED = /^Task(Failed|TimedOut|StartFailed|SubmitFailed)$|^EvaluationFailed$/;
const ENDED = /^Execution(Succeeded|Failed|Aborted|TimedOut)$/;

/** Whether an event finishes an execution. Only a redrive can follow. */
export const isExecutionEnd = ({ type }: Pick<HistoryEvent, 'type'>): boolean => ENDED.test(type ?? '');

/**
 * The steps of a history in the order of their entries, each with its attempts. An event belongs to the step of its
 * predecessor (`previousEventId`), which separates the iterations of a Map. If the events start in the middle of a
 * history, events of earlier steps are omitted, and steps of iterations that started earlier have no `iterations`. A
 * failed expression counts as an attempt. A redrive continues the steps that failed or enters them again.
 * docs.aws.amazon.com/step-functions/latest/apireference/API_HistoryEvent.html
 */
export function stepsOf(events: readonly HistoryEvent[]): HistoryStep[] {
  const reader = new StepReader();
  for (const event of events) reader.read(event);
  return reader.steps();
}

class StepReader {
  readonly #steps: OpenStep[] = [];
  readonly #iterations: Iteration[] = [];
  readonly #scopes = new Map<number, EventScope>();
  /** The Map of a failed iteration, by the predecessor of its MapIterationFailed and of the events that follow. */
  readonly #failedMaps = new Map<number, OpenStep>();
  #redriven: OpenStep | undefined;

  read(event: HistoryEvent): void {
    const before = this.#scopes.get(event.previousEventId ?? 0) ?? {};
    if (!STARTS.test(event.type ?? '')) this.#reopenRedriven(event, before);
    this.#redriven = undefined;
    this.#scopes.set(event.id ?? 0, this.#apply(event, before));
  }

  steps(): HistoryStep[] {
    reopen(this.#redriven);
    return this.#steps.map(
      ({ status, exitedAt, enteredAfter: _, hasFailed: __, iteration, ...step }): HistoryStep => ({
        ...step,
        ...(exitedAt === undefined ? {} : { exitedAt }),
        status: status ?? (lastFailed(step) ? 'retrying' : 'running'),
        ...(iteration === undefined ? {} : { iterations: pathOf(iteration) }),
      }),
    );
  }

  /** Processes an event, and returns its scope. */
  #apply(event: HistoryEvent, before: EventScope): EventScope {
    const at = event.timestamp ?? new Date(0); // every event has a timestamp
    if (event.stateEnteredEventDetails !== undefined) return this.#enter(event, at, before);
    if (event.stateExitedEventDetails !== undefined) return this.#exit(event, at, before);
    if (event.type?.startsWith('MapIteration')) return this.#applyToIteration(event, at, before);
    if (isExecutionEnd(event)) return this.#end(event, at);
    if (event.type === 'ExecutionRedriven') return this.#redrive();
    const step = this.#stepOf(event, before);
    if (step !== undefined) addToAttempts(step, event, at);
    return scopeOf(step);
  }

  #enter(event: HistoryEvent, at: Date, before: EventScope): EventScope {
    const name = event.stateEnteredEventDetails?.name;
    const isSame = (one: OpenStep) => one.name === name && isUnfinished(one);
    const again = before.isRedrive === true ? this.#steps.findLast(isSame) : before;
    const step = entered(event, at, again?.iteration);
    this.#steps.push(step);
    return scopeOf(step);
  }

  #exit({ stateExitedEventDetails }: HistoryEvent, at: Date, before: EventScope): EventScope {
    const { name, output, assignedVariables = {} } = stateExitedEventDetails ?? {};
    const step = before.step?.name === name ? before.step : this.#steps.findLast((one) => one.name === name);
    if (step !== undefined) {
      const status = step.hasFailed || lastFailed(step) ? 'caught' : 'succeeded';
      Object.assign(step, { status, exitedAt: at, output, assigned: assignedVariables });
    }
    return scopeOf(step);
  }

  #end(event: HistoryEvent, at: Date): EventScope {
    const statuses: Partial<Record<string, 'succeeded' | 'failed'>> = {
      ExecutionSucceeded: 'succeeded',
      ExecutionFailed: 'failed',
    };
    for (const step of this.#steps) close(step, statuses[event.type ?? ''] ?? 'stopped', at);
    return {};
  }

  /**
   * Processes MapIterationStarted, MapIterationSucceeded, MapIterationFailed or MapIterationAborted. A failed iteration
   * and those that are aborted with it have the same predecessor: the last event of the failed one.
   */
  #applyToIteration(event: HistoryEvent, at: Date, before: EventScope): EventScope {
    const { name = '', index = 0 } = iterationDetailsOf(event);
    const previous = event.previousEventId ?? 0;
    const failed = this.#failedMaps.get(previous);
    const map = failed?.name === name ? failed : this.#mapOf(name, before);
    if (map === undefined) return {};
    if (event.type === 'MapIterationStarted') {
      reopen(map); // closed only if a redrive continues it
      map.hasFailed = false;
      const iteration = { map, index };
      this.#iterations.push(iteration);
      return { iteration };
    }
    if (event.type === 'MapIterationFailed') this.#failedMaps.set(previous, map);
    if (event.type !== 'MapIterationSucceeded') {
      const iteration = this.#iterations.findLast((one) => one.map === map && one.index === index);
      const status = event.type === 'MapIterationFailed' ? 'failed' : 'stopped';
      for (const step of this.#steps) if (isWithin(step, iteration)) close(step, status, at);
    }
    return scopeOf(map);
  }

  /** The Map with this name of which the event with this scope is, or in whose iteration it is. */
  #mapOf(name: string, { step, iteration }: EventScope): OpenStep | undefined {
    if (step?.type === 'Map' && step.name === name) return step;
    for (let outer = iteration; outer !== undefined; outer = outer.map.iteration)
      if (outer.map.name === name) return outer.map;
    return this.#steps.findLast((one) => one.type === 'Map' && one.name === name);
  }

  #stepOf(event: HistoryEvent, { step }: EventScope): OpenStep | undefined {
    if (event.type === 'EvaluationFailed') return stepOfEvaluation(event, this.#steps, step);
    const failed = this.#failedMaps.get(event.previousEventId ?? 0);
    if (event.type === 'MapStateFailed' || event.type === 'MapStateStarted') {
      const map = failed ?? (step?.type === 'Map' ? step : undefined);
      if (map !== undefined) map.hasFailed = event.type === 'MapStateFailed';
      return map;
    }
    // a later attempt, when a redrive continues the step
    if (event.type === 'TaskScheduled') reopen(step);
    return step;
  }

  #redrive(): EventScope {
    const last = this.#steps.at(-1);
    // The iteration with the last step can have succeeded.
    this.#redriven = last?.iteration === undefined ? last : this.#steps.findLast(isUnfinished);
    return { step: this.#redriven, isRedrive: true };
  }

  /** Reopens the step that an event continues after a redrive. */
  #reopenRedriven({ evaluationFailedEventDetails: failed }: HistoryEvent, { step }: EventScope): void {
    if (this.#redriven === undefined) return;
    const named = this.#steps.findLast(({ name }) => name === failed?.state);
    reopen((failed === undefined ? step : named) ?? this.#redriven);
  }
}

/** The events after a redrive that do not continue the last step. */
const STARTS = /StateEntered$|^MapIterationStarted$|^MapStateStarted$/;

const scopeOf = (step: OpenStep | undefined): EventScope => ({ step, iteration: step?.iteration });

const pathOf = ({ map, index }: Iteration): MapIteration[] => [
  ...(map.iteration === undefined ? [] : pathOf(map.iteration)),
  { map: map.name, index },
];

/** Whether a step is in the iteration, or in one of a Map in it. */
function isWithin({ iteration }: OpenStep, outer: Iteration | undefined): boolean {
  if (iteration === undefined || outer === undefined) return false;
  return iteration === outer || isWithin(iteration.map, outer);
}

const iterationDetailsOf = (event: HistoryEvent): { name?: string | undefined; index?: number | undefined } =>
  event.mapIterationStartedEventDetails ??
  event.mapIterationSucceededEventDetails ??
  event.mapIterationFailedEventDetails ??
  event.mapIterationAbortedEventDetails ??
  {};

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

const isUnfinished = ({ status }: OpenStep): boolean => status === 'failed' || status === 'stopped';

const lastFailed = ({ attempts }: Pick<OpenStep, 'attempts'>): boolean =>
  ['failed', 'timed_out'].includes(attempts.at(-1)?.status ?? '');

function reopen(step: OpenStep | undefined): void {
  if (step !== undefined) Object.assign(step, { exitedAt: undefined, status: undefined });
}

/** Ends a step that is open, and its running attempt. */
function close(step: OpenStep, status: OpenStep['status'], at: Date): void {
  if (step.exitedAt !== undefined) return;
  step.exitedAt = at;
  step.status = status;
  const last = step.attempts.at(-1);
  if (last?.status === 'running') Object.assign(last, { status: 'stopped', endedAt: at });
}

const entered = (
  { id = 0, type, previousEventId = 0, stateEnteredEventDetails }: HistoryEvent,
  at: Date,
  iteration: Iteration | undefined,
): OpenStep => ({
  id,
  name: stateEnteredEventDetails?.name ?? '',
  type: (type ?? '').replace(/StateEntered$/, ''),
  status: undefined,
  enteredAfter: previousEventId,
  enteredAt: at,
  exitedAt: undefined,
  hasFailed: false,
  iteration,
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
