import * as z from 'zod';
import type { Graph, GraphEdge, GraphNode } from './model.ts';

/**
 * Amazon States Language as far as a picture needs it: any machine, not only those of today. What is inside Parallel
 * and Map stays inside.
 * docs.aws.amazon.com/step-functions/latest/dg/concepts-amazon-states-language.html
 */
const state = z.looseObject({
  Type: z.string(),
  Next: z.string().optional(),
  Default: z.string().optional(),
  Choices: z.array(z.looseObject({ Next: z.string(), Condition: z.unknown().optional() })).default([]),
  Catch: z.array(z.looseObject({ ErrorEquals: z.array(z.string()), Next: z.string() })).default([]),
});
type State = z.infer<typeof state>;

const definition = z.looseObject({
  StartAt: z.string(),
  Comment: z.string().optional(),
  States: z.record(z.string(), state),
});

const kinds: Record<string, GraphNode['kind']> = {
  Task: 'task',
  Choice: 'choice',
  Wait: 'wait',
  Succeed: 'succeed',
  Fail: 'fail',
};

/**
 * A machine's definition as a graph. In a machine that `undoes`, every state is part of an undo; in another one those
 * that only a caught error leads to, and that lead nowhere else.
 * @throws ZodError when it is no definition
 */
export function graphOf(text: string, undoes: boolean): Graph {
  const { StartAt, Comment, States } = definition.parse(JSON.parse(text));
  const edges = Object.entries(States).flatMap(([name, state]) => edgesOf(name, state));
  const uncaught = edges.filter(({ caught }) => !caught);
  const way = reachedFrom(StartAt, uncaught);
  // What an error leads to, and what leads back from there, is a detour: a wait, not an undo.
  for (const name of Object.keys(States))
    if (
      [...reachedFrom(name, uncaught)].some(
        (next) => way.has(next) && next !== name && States[next]?.Next !== undefined,
      )
    )
      way.add(name);
  return {
    start: StartAt,
    ...(Comment === undefined ? {} : { comment: Comment }),
    nodes: Object.entries(States).map(([name, { Type }]) => ({
      name,
      kind: kinds[Type] ?? 'other',
      type: Type,
      undo: undoes || !way.has(name),
    })),
    edges,
  };
}

function edgesOf(from: string, { Next, Default, Choices, Catch }: State): GraphEdge[] {
  return [
    ...(Next === undefined ? [] : [{ from, to: Next, caught: false }]),
    ...Choices.map(({ Next, Condition }) => ({
      from,
      to: Next,
      caught: false,
      ...(typeof Condition === 'string' ? { label: Condition.replace(/^\{%\s*|\s*%\}$/g, '') } : {}),
    })),
    ...(Default === undefined ? [] : [{ from, to: Default, caught: false, label: 'otherwise' }]),
    ...Catch.map(({ ErrorEquals, Next }) => ({
      from,
      to: Next,
      caught: true,
      label: ErrorEquals.includes('States.ALL') ? 'any error' : ErrorEquals.join(', '),
    })),
  ];
}

function reachedFrom(start: string, edges: readonly GraphEdge[]): Set<string> {
  const reached = new Set([start]);
  for (const name of reached) for (const { from, to } of edges) if (from === name) reached.add(to);
  return reached;
}
