import type { HistoryEvent } from '@aws-sdk/client-sfn';
import { type HistoryAttempt, type HistoryStep, stepsOf } from '../handlers/shared/history.ts';
import { explain } from './explain.ts';
import type { Attempt, Graph, Step } from './model.ts';
import { readable } from './shorten.ts';

/** The steps of an execution as the page shows them: with their place in the graph, and their failures explained. */
export const tracedSteps = (events: readonly HistoryEvent[], graph: Graph): Step[] =>
  stepsOf(events).map((step) => tracedStep(step, graph));

function tracedStep(step: HistoryStep, graph: Graph): Step {
  const { id, name, status, enteredAt, exitedAt } = step;
  const node = graph.nodes.find((one) => one.name === name);
  return {
    id: String(id),
    name,
    type: node?.type ?? step.type,
    undo: node?.undo ?? false,
    status,
    entered_at: enteredAt.toISOString(),
    ...(exitedAt === undefined ? {} : { exited_at: exitedAt.toISOString() }),
    attempts: step.attempts.map((attempt) => tracedAttempt(attempt, name)),
    input: readable(step.input),
    output: readable(step.output),
    assigned: Object.fromEntries(
      Object.entries(step.assigned).map(([variable, value]) => [variable, readable(value)]),
    ),
  };
}

const tracedAttempt = (
  { startedAt, endedAt, status, error, cause }: HistoryAttempt,
  step: string,
): Attempt => ({
  started_at: startedAt.toISOString(),
  ...(endedAt === undefined ? {} : { ended_at: endedAt.toISOString() }),
  status,
  ...(error === undefined ? {} : { error, cause: readable(cause), failure: explain({ step, error }) }),
});
