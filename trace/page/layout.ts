import dagre from '@dagrejs/dagre';
import type { Graph, GraphEdge, Step } from '../model.ts';

/** Size of a state in the picture, and the room between states, in pixels. */
export interface Sizes {
  width: number;
  height: number;
  beside: number;
  below: number;
  betweenBlocks: number;
}
export const wide: Sizes = { width: 204, height: 62, beside: 28, below: 28, betweenBlocks: 56 };
/** For a small screen: two states beside each other, their names on more lines. */
export const narrow: Sizes = { width: 146, height: 84, beside: 14, below: 24, betweenBlocks: 26 };

interface Place {
  x: number;
  y: number;
}

export interface Layout {
  width: number;
  height: number;
  /** Upper left corners, by name. */
  places: Map<string, Place>;
  /** States on the way that is taken when no error is caught. */
  way: Set<string>;
}

/** Which edges were taken: those between states that were entered one after the other. */
export function takenEdges(steps: readonly Pick<Step, 'name'>[]): Set<string> {
  return new Set(
    steps.slice(1).map(({ name }, index) => edgeKey({ from: steps[index]?.name ?? '', to: name })),
  );
}

export const edgeKey = ({ from, to }: Pick<GraphEdge, 'from' | 'to'>): string => `${from}→${to}`;

/** The part of a machine that tells what happened: the way when all goes well, and what else was entered. */
export function essence(graph: Graph, steps: readonly Pick<Step, 'name'>[]): Graph {
  const way = wayOf(graph);
  const entered = new Set(steps.map(({ name }) => name));
  const taken = takenEdges(steps);
  const shown = new Set(
    graph.nodes.filter(({ name }) => way.has(name) || entered.has(name)).map(({ name }) => name),
  );
  return {
    ...graph,
    nodes: graph.nodes.filter(({ name }) => shown.has(name)),
    edges: graph.edges.filter(
      (edge) => shown.has(edge.from) && shown.has(edge.to) && (!edge.caught || taken.has(edgeKey(edge))),
    ),
  };
}

/**
 * Where the states of a machine stand: the way when all goes well on the left, from above to below, and what errors
 * lead to as a block beside it, at the height of the first state that leads there.
 */
export function layoutOf(graph: Graph, sizes: Sizes): Layout {
  const way = wayOf(graph);
  const left = block(graph, sizes, (name) => way.has(name));
  const right = block(graph, sizes, (name) => !way.has(name));
  const entries = graph.edges
    .filter(({ from, to }) => way.has(from) && !way.has(to))
    .map(({ from, to }) => (left.places.get(from)?.y ?? 0) - (right.places.get(to)?.y ?? 0));
  const down = Math.max(0, Math.min(...entries, Number.MAX_SAFE_INTEGER));
  const across = left.width + sizes.betweenBlocks;
  const places = new Map([
    ...left.places,
    ...[...right.places].map(([name, { x, y }]) => [name, { x: x + across, y: y + down }] as const),
  ]);
  const beside = right.places.size > 0;
  return {
    width: beside ? across + right.width : left.width,
    height: Math.max(left.height, beside ? right.height + down : 0),
    places,
    way,
  };
}

function wayOf({ start, edges }: Graph): Set<string> {
  const way = new Set([start]);
  for (const name of way) for (const { from, to, caught } of edges) if (from === name && !caught) way.add(to);
  return way;
}

/** Some of the states, laid out from above to below. */
function block(
  { nodes, edges }: Graph,
  { width, height, beside, below }: Sizes,
  includes: (name: string) => boolean,
): Omit<Layout, 'way'> {
  const graph = new dagre.graphlib.Graph();
  graph.setGraph({ rankdir: 'TB', nodesep: beside, ranksep: below });
  graph.setDefaultEdgeLabel(() => ({}));
  const names = nodes.map(({ name }) => name).filter(includes);
  for (const name of names) graph.setNode(name, { width, height });
  for (const { from, to, caught } of edges)
    if (includes(from) && includes(to)) graph.setEdge(from, to, { weight: caught ? 1 : 20 });
  dagre.layout(graph);
  const places = new Map(
    names.map((name) => {
      const { x, y } = graph.node(name);
      return [name, { x: x - width / 2, y: y - height / 2 }];
    }),
  );
  const all = [...places.values()];
  return {
    width: Math.max(0, ...all.map(({ x }) => x + width)),
    height: Math.max(0, ...all.map(({ y }) => y + height)),
    places,
  };
}
