import type { HistoryEvent } from '@aws-sdk/client-sfn';

/**
 * Builds a history as Step Functions records it: each event has the id of its predecessor, except the first StateEntered
 * event and the end by an abort or timeout. `after` advances the time.
 */
export function history(begin: Date) {
  const events: HistoryEvent[] = [];
  let at = begin.getTime();
  const add = (type: HistoryEvent['type'], details: Partial<HistoryEvent> = {}) => {
    const id = events.length + 1;
    const hasNoPredecessor = id <= 2 || type === 'ExecutionAborted' || type === 'ExecutionTimedOut';
    const previousEventId = hasNoPredecessor ? 0 : id - 1;
    events.push({ type, id, previousEventId, timestamp: new Date(at), ...details });
    return builder;
  };
  const json = (value: unknown) => JSON.stringify(value);

  const builder = {
    /** Advances the time by milliseconds. */
    after(milliseconds: number) {
      at += milliseconds;
      return builder;
    },
    begin: (input: unknown) =>
      add('ExecutionStarted', { executionStartedEventDetails: { input: json(input) } }),
    enter: (name: string, input: unknown = {}, type: HistoryEvent['type'] = 'TaskStateEntered') =>
      add(type, { stateEnteredEventDetails: { name, input: json(input) } }),
    schedule: () =>
      add('TaskScheduled', {
        taskScheduledEventDetails: {
          resourceType: 'lambda',
          resource: 'invoke',
          region: 'eu-west-1',
          parameters: '{}',
        },
      }),
    /** An attempt that succeeds after some milliseconds. */
    done: (milliseconds: number) => builder.schedule().after(milliseconds).add('TaskSucceeded'),
    /** An attempt that fails after some milliseconds. */
    failed: (milliseconds: number, error: string, message = 'It was builder to fail.') =>
      builder
        .schedule()
        .after(milliseconds)
        .add('TaskFailed', {
          taskFailedEventDetails: {
            resourceType: 'lambda',
            resource: 'invoke',
            error,
            cause: json({ errorType: error, errorMessage: message }),
          },
        }),
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
