import * as z from 'zod';
import type { Graph, GraphEdge, GraphNode } from './model.ts';

/**
 * The part of Amazon States Language that a graph needs, for any state machine. States inside Parallel are not part of
 * the graph.
 * docs.aws.amazon.com/step-functions/latest/dg/concepts-amazon-states-language.html
 */
const state = z.looseObject({
  Type: z.string(),
  Next: z.string().optional(),
  Default: z.string().optional(),
  Choices: z.array(z.looseObject({ Next: z.string(), Condition: z.unknown().optional() })).default([]),
  Catch: z.array(z.looseObject({ ErrorEquals: z.array(z.string()), Next: z.string() })).default([]),
  /** Of a Map. */
  get ItemProcessor() {
    return states.optional();
  },
});
type State = z.infer<typeof state>;

const states = z.looseObject({
  StartAt: z.string(),
  States: z.record(z.string(), state),
});
type States = z.infer<typeof states>;

const definition = states.extend({ Comment: z.string().optional() });

const KINDS: Record<string, GraphNode['kind']> = {
  Task: 'task',
  Choice: 'choice',
  Wait: 'wait',
  Map: 'map',
  Succeed: 'succeed',
  Fail: 'fail',
};

/**
 * Parses a definition into a graph. In a roll-back state machine, every state is compensation; in another one, those
 * that are reachable only through a caught error and do not lead back to the main path. Names of states are unique, also
 * across the iterations of Maps.
 * @throws ZodError when the text is not a definition
 */
export function parseGraph(text: string, isRollBack: boolean): Graph {
  const { Comment, ...machine } = definition.parse(JSON.parse(text));
  return {
    start: machine.StartAt,
    ...(Comment === undefined ? {} : { comment: Comment }),
    ...partOf(machine, isRollBack),
  };
}

/** The nodes and edges of a machine, or of the iterations of the Map with the name `map`. */
function partOf(
  { StartAt, States }: States,
  isCompensation: boolean,
  map?: string,
): Pick<Graph, 'nodes' | 'edges'> {
  const edges = Object.entries(States).flatMap(([name, state]) => edgesOf(name, state));
  const mainPath = mainPathOf({ StartAt, States }, edges);
  const parts = Object.entries(States).map(([name, { Type, ItemProcessor: iteration }]) => {
    const compensation = isCompensation || !mainPath.has(name);
    const node: GraphNode = {
      name,
      kind: KINDS[Type] ?? 'other',
      type: Type,
      compensation,
      ...(map === undefined ? {} : { map }),
      ...(iteration === undefined ? {} : { start: iteration.StartAt }),
    };
    const inner = iteration === undefined ? { nodes: [], edges: [] } : partOf(iteration, compensation, name);
    return { nodes: [node, ...inner.nodes], edges: inner.edges };
  });
  return {
    nodes: parts.flatMap(({ nodes }) => nodes),
    edges: [...edges, ...parts.flatMap((part) => part.edges)],
  };
}

/** The states that are reachable without a caught error, and those that lead back to them, for example a wait. */
function mainPathOf({ StartAt, States }: States, edges: readonly GraphEdge[]): Set<string> {
  const plainEdges = edges.filter(({ caught }) => !caught);
  const mainPath = reachableFrom(StartAt, plainEdges);
  for (const name of Object.keys(States))
    if (
      [...reachableFrom(name, plainEdges)].some(
        (next) => mainPath.has(next) && next !== name && States[next]?.Next !== undefined,
      )
    )
      mainPath.add(name);
  return mainPath;
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
    ...[...new Set(Catch.map(({ Next }) => Next))].map((to) => ({
      from,
      to,
      caught: true,
      label: errorsLabel(Catch.flatMap(({ ErrorEquals, Next }) => (Next === to ? ErrorEquals : []))),
    })),
  ];
}

const errorsLabel = (names: readonly string[]): string =>
  names.includes('States.ALL') ? 'any error' : names.join(', ');

function reachableFrom(start: string, edges: readonly GraphEdge[]): Set<string> {
  const reached = new Set([start]);
  for (const name of reached) for (const { from, to } of edges) if (from === name) reached.add(to);
  return reached;
}
