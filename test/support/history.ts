import type { HistoryEvent } from '@aws-sdk/client-sfn';
import { STARTED } from './executions.ts';

/**
 * Builds a history as Step Functions records it: each event has the id of its predecessor, except the first StateEntered
 * event and the end by an abort or timeout. `after` advances the time; `iteration` continues an iteration of a Map.
 */
export function history(begin: Date) {
  const events: HistoryEvent[] = [];
  let at = begin.getTime();
  let previous = 0;
  let map = { name: '', started: 0 };
  /** The latest events of the iterations of the Map, by index, and the present iteration. */
  let iterations = new Map<number, number>();
  let current: number | undefined;
  const add = (type: HistoryEvent['type'], details: Partial<HistoryEvent> = {}) => {
    const id = events.length + 1;
    const hasNoPredecessor = id <= 2 || type === 'ExecutionAborted' || type === 'ExecutionTimedOut';
    const previousEventId = hasNoPredecessor ? 0 : previous;
    events.push({ type, id, previousEventId, timestamp: new Date(at), ...details });
    previous = id;
    if (current !== undefined) iterations.set(current, id);
    return builder;
  };
  const json = (value: unknown) => JSON.stringify(value);

  const task = { resourceType: 'lambda', resource: 'invoke' };

  const builder = {
    /** Sets the time, in milliseconds after the start of the execution. */
    at(milliseconds: number) {
      at = begin.getTime() + milliseconds;
      return builder;
    },
    /** Advances the time by milliseconds. */
    after(milliseconds: number) {
      at += milliseconds;
      return builder;
    },
    begin: (input: unknown) =>
      add('ExecutionStarted', { executionStartedEventDetails: { input: json(input) } }),
    enter: (name: string, input: unknown = {}, type: HistoryEvent['type'] = 'TaskStateEntered') =>
      add(type, { stateEnteredEventDetails: { name, input: json(input) } }),
    /** Starts an attempt. */
    schedule: () =>
      add('TaskScheduled', {
        taskScheduledEventDetails: { ...task, region: 'eu-west-1', parameters: '{}' },
      }).add('TaskStarted', { taskStartedEventDetails: task }),
    /** Finishes an attempt: without an error it succeeds. */
    finish(error?: string, message = 'The attempt fails.') {
      if (error === undefined) return add('TaskSucceeded', { taskSucceededEventDetails: task });
      const details = { ...task, error, cause: json({ errorType: error, errorMessage: message }) };
      return error === 'States.Timeout'
        ? add('TaskTimedOut', { taskTimedOutEventDetails: details })
        : add('TaskFailed', { taskFailedEventDetails: details });
    },
    /** An attempt that succeeds after some milliseconds. */
    done: (milliseconds: number) => builder.schedule().after(milliseconds).finish(),
    /** An attempt that fails after some milliseconds. */
    failed: (milliseconds: number, error: string, message?: string) =>
      builder.schedule().after(milliseconds).finish(error, message),
    /** A failed expression of the latest state. The event has the predecessor of its StateEntered event. */
    evaluationFailed(cause: string) {
      const entry = events.findLast(({ stateEnteredEventDetails }) => stateEnteredEventDetails !== undefined);
      return add('EvaluationFailed', {
        previousEventId: entry?.previousEventId,
        evaluationFailedEventDetails: {
          error: 'States.QueryEvaluationError',
          cause,
          state: entry?.stateEnteredEventDetails?.name,
          location: 'Arguments',
        },
      });
    },
    exit: (name: string, output: unknown = {}, assigned?: Record<string, unknown>) =>
      add('TaskStateExited', {
        stateExitedEventDetails: {
          name,
          output: json(output),
          ...(assigned === undefined
            ? {}
            : {
                assignedVariables: Object.fromEntries(
                  Object.entries(assigned).map(([variable, value]) => [variable, json(value)]),
                ),
              }),
        },
      }),
    /** A task from its entry to its exit, with one attempt that succeeds. */
    task: (name: string, milliseconds: number, output: unknown = {}, assigned?: Record<string, unknown>) =>
      builder.enter(name).done(milliseconds).exit(name, output, assigned),
    /** Enters a Map with this number of iterations. */
    map(name: string, length: number) {
      add('MapStateEntered', { stateEnteredEventDetails: { name, input: '{}' } });
      add('MapStateStarted', { mapStateStartedEventDetails: { length } });
      map = { name, started: previous };
      iterations = new Map();
      return builder;
    },
    /** Starts or continues an iteration of the Map: the next events belong to it. */
    iteration(index: number) {
      const latest = iterations.get(index);
      current = index;
      previous = latest ?? map.started;
      if (latest === undefined)
        add('MapIterationStarted', { mapIterationStartedEventDetails: { name: map.name, index } });
      return builder;
    },
    /** Ends the Map after its iterations have succeeded. */
    exitMap(output: unknown = []) {
      for (const index of iterations.keys())
        builder
          .iteration(index)
          .add('MapIterationSucceeded', { mapIterationSucceededEventDetails: { name: map.name, index } });
      current = undefined;
      return add('MapStateSucceeded').add('MapStateExited', {
        stateExitedEventDetails: { name: map.name, output: json(output) },
      });
    },
    /** Ends the Map after its present iteration has failed. The other iterations are aborted. */
    failMap() {
      const [failed, last] = [current, previous];
      const end = (type: HistoryEvent['type'], details: Partial<HistoryEvent> = {}) =>
        add(type, { previousEventId: last, ...details });
      end('MapIterationFailed', { mapIterationFailedEventDetails: { name: map.name, index: failed } });
      for (const index of iterations.keys())
        if (index !== failed) {
          end('TaskStateAborted');
          end('MapIterationAborted', { mapIterationAbortedEventDetails: { name: map.name, index } });
        }
      current = undefined;
      return end('MapStateFailed').add('MapStateExited', {
        stateExitedEventDetails: { name: map.name, output: '{}' },
      });
    },
    succeed: (name: string) =>
      add('SucceedStateEntered', { stateEnteredEventDetails: { name, input: '{}' } })
        .add('SucceedStateExited', { stateExitedEventDetails: { name, output: '{}' } })
        .add('ExecutionSucceeded', { executionSucceededEventDetails: { output: '{}' } }),
    fail: (name: string, cause: { step: string; error: string }) =>
      add('FailStateEntered', { stateEnteredEventDetails: { name, input: '{}' } }).add('ExecutionFailed', {
        executionFailedEventDetails: { error: name, cause: json(cause) },
      }),
    add,
    events: () => events,
    now: () => new Date(at),
  };
  return builder;
}

export type History = ReturnType<typeof history>;

/** A task of an execution, its times in milliseconds after the start; without an end it is running. */
interface Task {
  step: string;
  from: number;
  to?: number;
  attempts?: { from: number; to?: number; error?: string }[];
}

/** The events of an execution that starts at `STARTED`, with these tasks. The causes of failed attempts are canaries. */
export const historyOf = (...tasks: Task[]): HistoryEvent[] => withTasks(history(STARTED).begin({}), tasks);

/** As `historyOf`, with the tasks in the first iteration of a Map with this name. */
export const iterationHistoryOf = (map: string, ...tasks: Task[]): HistoryEvent[] =>
  withTasks(history(STARTED).begin({}).map(map, 1).iteration(0), tasks);

function withTasks(builder: History, tasks: readonly Task[]): HistoryEvent[] {
  for (const { step, from, to, attempts = [] } of tasks) {
    builder.at(from).enter(step);
    for (const attempt of attempts) {
      builder.at(attempt.from).schedule();
      if (attempt.to !== undefined) builder.at(attempt.to).finish(attempt.error, 'canary cause');
    }
    if (to !== undefined) builder.at(to).exit(step);
  }
  return builder.events();
}
