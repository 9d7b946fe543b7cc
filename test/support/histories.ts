import type { HistoryEvent } from '@aws-sdk/client-sfn';
import { STARTED } from './executions.ts';

/** A step of a history: start and end in milliseconds, and its attempts with their errors. */
interface HistoryStep {
  step: string;
  from: number;
  to?: number;
  attempts?: { from: number; to?: number; error?: string }[];
}

const at = (milliseconds: number) => new Date(STARTED.getTime() + milliseconds);

/** The events of an execution with tasks, as in its history. */
export function history(...steps: HistoryStep[]): HistoryEvent[] {
  const events: Omit<HistoryEvent, 'id'>[] = [{ type: 'ExecutionStarted', timestamp: at(0) }];
  for (const { step, from, to, attempts = [] } of steps) {
    events.push({ type: 'TaskStateEntered', timestamp: at(from), stateEnteredEventDetails: { name: step } });
    for (const attempt of attempts) {
      events.push({ type: 'TaskScheduled', timestamp: at(attempt.from) });
      events.push({ type: 'TaskStarted', timestamp: at(attempt.from) });
      if (attempt.to !== undefined) events.push(endOf(at(attempt.to), attempt.error));
    }
    if (to !== undefined)
      events.push({ type: 'TaskStateExited', timestamp: at(to), stateExitedEventDetails: { name: step } });
  }
  return events.map((event, index) => ({ ...event, id: index + 1, previousEventId: index }));
}

function endOf(timestamp: Date, error: string | undefined): Omit<HistoryEvent, 'id'> {
  const called = { resourceType: 'lambda', resource: 'invoke' };
  if (error === undefined) return { type: 'TaskSucceeded', timestamp, taskSucceededEventDetails: called };
  const details = { ...called, error, cause: 'canary cause' };
  return error === 'States.Timeout'
    ? { type: 'TaskTimedOut', timestamp, taskTimedOutEventDetails: details }
    : { type: 'TaskFailed', timestamp, taskFailedEventDetails: details };
}
