import * as z from 'zod';
import type { Graph, GraphEdge, GraphNode } from './model.ts';

/**
 * The part of Amazon States Language that a graph needs, for any state machine. States inside Parallel and Map are not
 * part of the graph.
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

const KINDS: Record<string, GraphNode['kind']> = {
  Task: 'task',
  Choice: 'choice',
  Wait: 'wait',
  Succeed: 'succeed',
  Fail: 'fail',
};

/**
 * Parses a definition into a graph. In a roll-back state machine, every state is compensation; in another one, those that
 * are reachable only through a caught error and do not lead back to the main path.
 * @throws ZodError when the text is not a definition
 */
export function parseGraph(text: string, isRollBack: boolean): Graph {
  const { StartAt, Comment, States } = definition.parse(JSON.parse(text));
  const edges = Object.entries(States).flatMap(([name, state]) => edgesOf(name, state));
  const plainEdges = edges.filter(({ caught }) => !caught);
  const mainPath = reachableFrom(StartAt, plainEdges);
  // A state after a caught error that leads back to the main path is not compensation, for example a wait.
  for (const name of Object.keys(States))
    if (
      [...reachableFrom(name, plainEdges)].some(
        (next) => mainPath.has(next) && next !== name && States[next]?.Next !== undefined,
      )
    )
      mainPath.add(name);
  return {
    start: StartAt,
    ...(Comment === undefined ? {} : { comment: Comment }),
    nodes: Object.entries(States).map(([name, { Type }]) => ({
      name,
      kind: KINDS[Type] ?? 'other',
      type: Type,
      compensation: isRollBack || !mainPath.has(name),
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

function reachableFrom(start: string, edges: readonly GraphEdge[]): Set<string> {
  const reached = new Set([start]);
  for (const name of reached) for (const { from, to } of edges) if (from === name) reached.add(to);
  return reached;
}
