import type { HistoryEvent } from '@aws-sdk/client-sfn';
import { type HistoryAttempt, type HistoryStep, stepsOf } from '../handlers/shared/history.ts';
import { explain } from './explain.ts';
import type { Attempt, Graph, Step } from './model.ts';
import { parseJsonText } from './shorten.ts';

/**
 * Maps a history to the steps of the page, with their states in the graph and explained failures.
 * @param targets names of the targets, in the order of the iterations
 */
export const toSteps = (
  events: readonly HistoryEvent[],
  graph: Graph,
  targets: readonly string[] = [],
): Step[] => stepsOf(events).map((step) => toStep(step, graph, targets));

function toStep(step: HistoryStep, graph: Graph, targets: readonly string[]): Step {
  const { id, name, status, enteredAt, exitedAt, iterations } = step;
  const iteration = iterations?.at(-1);
  const target = targets[iterations?.[0]?.index ?? -1];
  const node = graph.nodes.find((one) => one.name === name);
  return {
    id: String(id),
    name,
    type: node?.type ?? step.type,
    compensation: node?.compensation ?? false,
    ...(iteration === undefined ? {} : { iteration }),
    ...(target === undefined ? {} : { target }),
    status,
    entered_at: enteredAt.toISOString(),
    ...(exitedAt === undefined ? {} : { exited_at: exitedAt.toISOString() }),
    attempts: step.attempts.map((attempt) => toAttempt(attempt, name)),
    input: parseJsonText(step.input),
    output: parseJsonText(step.output),
    assigned: Object.fromEntries(
      Object.entries(step.assigned).map(([variable, value]) => [variable, parseJsonText(value)]),
    ),
  };
}

const toAttempt = ({ startedAt, endedAt, status, error, cause }: HistoryAttempt, step: string): Attempt => ({
  started_at: startedAt.toISOString(),
  ...(endedAt === undefined ? {} : { ended_at: endedAt.toISOString() }),
  status,
  ...(error === undefined ? {} : { error, cause: parseJsonText(cause), failure: explain({ step, error }) }),
});
