import dagre from '@dagrejs/dagre';
import type { Graph, GraphEdge, Step } from '../model.ts';

/** Size of a state in the graph, and the space between states, in pixels. */
export interface Sizes {
  width: number;
  height: number;
  beside: number;
  below: number;
  betweenBlocks: number;
}
export const wide: Sizes = { width: 204, height: 62, beside: 28, below: 28, betweenBlocks: 56 };
/** For a small screen: two states side by side, with their names on more lines. */
export const narrow: Sizes = { width: 146, height: 84, beside: 14, below: 24, betweenBlocks: 26 };

interface Point {
  x: number;
  y: number;
}

export interface Layout {
  width: number;
  height: number;
  /** Upper left corners, by name. */
  positions: Map<string, Point>;
  /** States that are reachable without a caught error. */
  mainPath: Set<string>;
}

/** The edges that an execution took: those between states that were entered consecutively. */
export function takenEdges(steps: readonly Pick<Step, 'name'>[]): Set<string> {
  return new Set(
    steps.slice(1).map(({ name }, index) => edgeKey({ from: steps[index]?.name ?? '', to: name })),
  );
}

export const edgeKey = ({ from, to }: Pick<GraphEdge, 'from' | 'to'>): string => `${from}→${to}`;

/** The part of a graph that an execution needs: the main path, and other states that were entered. */
export function relevantGraph(graph: Graph, steps: readonly Pick<Step, 'name'>[]): Graph {
  const mainPath = mainPathOf(graph);
  const entered = new Set(steps.map(({ name }) => name));
  const taken = takenEdges(steps);
  const names = new Set(
    graph.nodes.filter(({ name }) => mainPath.has(name) || entered.has(name)).map(({ name }) => name),
  );
  return {
    ...graph,
    nodes: graph.nodes.filter(({ name }) => names.has(name)),
    edges: graph.edges.filter(
      (edge) => names.has(edge.from) && names.has(edge.to) && (!edge.caught || taken.has(edgeKey(edge))),
    ),
  };
}

/**
 * The positions of the states: the main path on the left, top to bottom, and the states that errors lead to as a block
 * beside it, at the height of the first state that leads there.
 */
export function layoutOf(graph: Graph, sizes: Sizes): Layout {
  const mainPath = mainPathOf(graph);
  const mainBlock = block(graph, sizes, (name) => mainPath.has(name));
  const sideBlock = block(graph, sizes, (name) => !mainPath.has(name));
  const entries = graph.edges
    .filter(({ from, to }) => mainPath.has(from) && !mainPath.has(to))
    .map(({ from, to }) => (mainBlock.positions.get(from)?.y ?? 0) - (sideBlock.positions.get(to)?.y ?? 0));
  const down = Math.max(0, Math.min(...entries, Number.MAX_SAFE_INTEGER));
  const across = mainBlock.width + sizes.betweenBlocks;
  const positions = new Map([
    ...mainBlock.positions,
    ...[...sideBlock.positions].map(([name, { x, y }]) => [name, { x: x + across, y: y + down }] as const),
  ]);
  const beside = sideBlock.positions.size > 0;
  return {
    width: beside ? across + sideBlock.width : mainBlock.width,
    height: Math.max(mainBlock.height, beside ? sideBlock.height + down : 0),
    positions,
    mainPath,
  };
}

function mainPathOf({ start, edges }: Graph): Set<string> {
  const path = new Set([start]);
  for (const name of path)
    for (const { from, to, caught } of edges) if (from === name && !caught) path.add(to);
  return path;
}

/** Lays out some of the states, top to bottom. */
function block(
  { nodes, edges }: Graph,
  { width, height, beside, below }: Sizes,
  includes: (name: string) => boolean,
): Omit<Layout, 'mainPath'> {
  const graph = new dagre.graphlib.Graph();
  graph.setGraph({ rankdir: 'TB', nodesep: beside, ranksep: below });
  graph.setDefaultEdgeLabel(() => ({}));
  const names = nodes.map(({ name }) => name).filter(includes);
  for (const name of names) graph.setNode(name, { width, height });
  for (const { from, to, caught } of edges)
    if (includes(from) && includes(to)) graph.setEdge(from, to, { weight: caught ? 1 : 20 });
  dagre.layout(graph);
  const positions = new Map(
    names.map((name) => {
      const { x, y } = graph.node(name);
      return [name, { x: x - width / 2, y: y - height / 2 }];
    }),
  );
  const all = [...positions.values()];
  return {
    width: Math.max(0, ...all.map(({ x }) => x + width)),
    height: Math.max(0, ...all.map(({ y }) => y + height)),
    positions,
  };
}
