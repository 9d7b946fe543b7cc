import type { HistoryEvent } from '@aws-sdk/client-sfn';
import { explain } from './explain.ts';
import type { Attempt, Graph, Step, StepStatus } from './model.ts';
import { readable } from './shorten.ts';

/** What a step is made of while its history is read. */
interface OpenStep extends Omit<Step, 'status'> {
  status: StepStatus | undefined;
  /** The event that the one of its entry names as the one before it. */
  enteredAfter: number;
}

const SCHEDULED = /^(Task|LambdaFunction|Activity)Scheduled$/;
const SUCCEEDED = /^(Task|LambdaFunction|Activity)Succeeded$/;
const FAILED =
  /^(Task|LambdaFunction|Activity)(Failed|TimedOut|StartFailed|SubmitFailed|ScheduleFailed)$|^EvaluationFailed$/;
const ENDED = /^Execution(Succeeded|Failed|Aborted|TimedOut)$/;

/**
 * The steps of an execution in the order in which they were entered, each with its attempts, from its history.
 * An event belongs to the step of the event before it (`previousEventId`), so branches that run side by side are kept
 * apart; an expression that failed, to the state in its details. A redrive goes on with the step that had failed, or
 * enters its state again.
 * docs.aws.amazon.com/step-functions/latest/apireference/API_HistoryEvent.html
 */
export function stepsOf(events: readonly HistoryEvent[], graph: Graph): Step[] {
  const steps: OpenStep[] = [];
  const stepOfEvent = new Map<number, OpenStep>();
  let redriven: OpenStep | undefined;

  for (const event of events) {
    const at = (event.timestamp ?? new Date(0)).toISOString();
    const { type = '', id = 0 } = event;
    const before = stepOfEvent.get(event.previousEventId ?? 0);
    let step: OpenStep | undefined;
    if (event.stateEnteredEventDetails === undefined) reopen(redriven);
    redriven = undefined;
    if (event.stateEnteredEventDetails !== undefined) {
      step = entered(event, at, graph);
      steps.push(step);
    } else if (event.stateExitedEventDetails !== undefined) {
      const { name, output, assignedVariables = {} } = event.stateExitedEventDetails;
      step = before?.name === name ? before : steps.findLast((one) => one.name === name);
      if (step !== undefined) {
        step.output = readable(output);
        step.assigned = Object.fromEntries(
          Object.entries(assignedVariables).map(([variable, value]) => [variable, readable(value)]),
        );
        close(step, at);
      }
    } else if (ENDED.test(type)) {
      for (const open of steps.filter(({ exited_at }) => exited_at === undefined)) endWith(open, type, at);
    } else if (type === 'ExecutionRedriven') {
      step = redriven = steps.at(-1);
    } else {
      step = event.type === 'EvaluationFailed' ? stepOfEvaluation(event, steps, before) : before;
      if (step !== undefined) addToAttempts(step, event, at);
    }
    if (step !== undefined) stepOfEvent.set(id, step);
  }
  reopen(redriven);
  return steps.map(({ status, exited_at, enteredAfter: _, ...step }) => ({
    ...step,
    ...(exited_at === undefined ? {} : { exited_at }),
    status: status ?? (lastFailed(step) ? 'retrying' : 'running'),
  }));
}

/**
 * The step whose expression failed. The event names as the one before it that before the state's entry, or the entry
 * itself; so of iterations that are in a state of the same name, one is found.
 */
function stepOfEvaluation(
  { evaluationFailedEventDetails, previousEventId = 0 }: HistoryEvent,
  steps: readonly OpenStep[],
  before: OpenStep | undefined,
): OpenStep | undefined {
  const name = evaluationFailedEventDetails?.state;
  const open = steps.filter((step) => step.name === name && step.exited_at === undefined);
  return open.find((step) => step === before || step.enteredAfter === previousEventId) ?? open.at(-1);
}

const lastFailed = ({ attempts }: Pick<Step, 'attempts'>): boolean =>
  ['failed', 'timed_out'].includes(attempts.at(-1)?.status ?? '');

function reopen(step: OpenStep | undefined): void {
  if (step === undefined) return;
  step.exited_at = undefined;
  step.status = undefined;
}

/** The workflow goes on: a step whose last attempt has failed was caught. */
function close(step: OpenStep, at: string): void {
  step.exited_at = at;
  step.status = lastFailed(step) ? 'caught' : 'succeeded';
}

/** The execution ends while the step is open. */
function endWith(step: OpenStep, type: string, at: string): void {
  step.exited_at = at;
  const ends = { ExecutionSucceeded: 'succeeded', ExecutionFailed: 'failed' } as const;
  step.status = type === 'ExecutionSucceeded' || type === 'ExecutionFailed' ? ends[type] : 'stopped';
  const last = step.attempts.at(-1);
  if (last?.status === 'running') Object.assign(last, { status: 'stopped', ended_at: at });
}

function entered(
  { id, type, previousEventId = 0, stateEnteredEventDetails }: HistoryEvent,
  at: string,
  graph: Graph,
): OpenStep {
  const name = stateEnteredEventDetails?.name ?? '';
  const node = graph.nodes.find((one) => one.name === name);
  return {
    id: String(id),
    name,
    type: node?.type ?? (type ?? '').replace(/StateEntered$/, ''),
    undo: node?.undo ?? false,
    status: undefined,
    enteredAfter: previousEventId,
    entered_at: at,
    attempts: [],
    input: readable(stateEnteredEventDetails?.input),
    assigned: {},
  };
}

function addToAttempts(step: OpenStep, event: HistoryEvent, at: string): void {
  const { type = '' } = event;
  const { attempts } = step;
  const last = attempts.at(-1);
  const open = last?.status === 'running' ? last : undefined;
  if (SCHEDULED.test(type)) attempts.push({ started_at: at, status: 'running' });
  else if (SUCCEEDED.test(type) && open !== undefined)
    Object.assign(open, { status: 'succeeded', ended_at: at });
  else if (FAILED.test(type)) {
    const { error = type, cause } = detailsOf(event);
    // Some fail before they are scheduled: an expression that cannot be evaluated.
    const failed: Attempt = open ?? { started_at: at, status: 'running' };
    if (open === undefined) attempts.push(failed);
    Object.assign(failed, {
      status: type.endsWith('TimedOut') ? 'timed_out' : 'failed',
      ended_at: at,
      error,
      cause: readable(cause),
      failure: explain({ step: step.name, error }),
    });
  }
}

/** The details of a failure: each type of event has a field of its own for them. */
function detailsOf(event: HistoryEvent): { error?: string; cause?: string } {
  const { error, cause } =
    event.taskFailedEventDetails ??
    event.taskTimedOutEventDetails ??
    event.taskStartFailedEventDetails ??
    event.taskSubmitFailedEventDetails ??
    event.lambdaFunctionFailedEventDetails ??
    event.lambdaFunctionTimedOutEventDetails ??
    event.lambdaFunctionScheduleFailedEventDetails ??
    event.lambdaFunctionStartFailedEventDetails ??
    event.activityFailedEventDetails ??
    event.activityTimedOutEventDetails ??
    event.activityScheduleFailedEventDetails ??
    event.evaluationFailedEventDetails ??
    {};
  return { ...(error === undefined ? {} : { error }), ...(cause === undefined ? {} : { cause }) };
}
