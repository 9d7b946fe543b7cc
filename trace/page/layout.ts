import dagre from '@dagrejs/dagre';
import type { Graph, GraphEdge, GraphNode, Step } from '../model.ts';

/** Size of a state in the graph, and the space between states, in pixels. */
export interface Sizes {
  width: number;
  height: number;
  beside: number;
  below: number;
  betweenBlocks: number;
}
export const wide: Sizes = { width: 204, height: 62, beside: 28, below: 28, betweenBlocks: 56 };
/** Space inside the box of a Map, and the height of its title. */
const BOX = { inside: 14, title: 34 };
/** For a small screen: two states side by side, with their names on more lines. */
export const narrow: Sizes = { width: 146, height: 84, beside: 14, below: 24, betweenBlocks: 26 };

interface Point {
  x: number;
  y: number;
}

interface Size {
  width: number;
  height: number;
}

export interface Layout extends Size {
  /** Upper left corners, by name. */
  positions: Map<string, Point>;
  /** Sizes of the boxes of Maps, by name. A Map whose states are not in the graph has none. */
  boxes: Map<string, Size>;
  /** States that are reachable without a caught error. */
  mainPath: Set<string>;
}

type Entry = Pick<Step, 'name' | 'iteration'>;

/**
 * The edges that an execution took: those between states that were entered consecutively, in an iteration of a Map or
 * outside. A step in an iteration is a step of its Map outside.
 */
export function takenEdges(steps: readonly Entry[]): Set<string> {
  const sequences = new Map<string, string[]>();
  const add = (sequence: string, name: string) => {
    const names = sequences.get(sequence) ?? [];
    if (names.at(-1) !== name) sequences.set(sequence, [...names, name]);
  };
  for (const { name, iteration } of steps) {
    add('', iteration?.map ?? name);
    if (iteration !== undefined) add(`${iteration.map} ${iteration.index}`, name);
  }
  return new Set(
    [...sequences.values()].flatMap((names) =>
      names.slice(1).map((to, index) => edgeKey({ from: names[index] ?? '', to })),
    ),
  );
}

export const edgeKey = ({ from, to }: Pick<GraphEdge, 'from' | 'to'>): string => `${from}→${to}`;

/** The part of a graph that an execution needs: the main path, and other states that were entered. */
export function relevantGraph(graph: Graph, steps: readonly Entry[]): Graph {
  const mainPath = mainPathOf(graph);
  const entered = new Set(steps.flatMap(({ name, iteration }) => [name, iteration?.map]));
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
 * beside it, at the height of the first state that leads there. The states of a Map's iterations are in its box.
 */
export function layoutOf(graph: Graph, sizes: Sizes): Layout {
  const names = new Set(graph.nodes.map(({ name }) => name));
  const nested = new Map(
    graph.nodes.flatMap(({ name, start }) =>
      start !== undefined && names.has(start)
        ? [[name, layoutOf(iterationOf(graph, name, start), sizes)]]
        : [],
    ),
  );
  const boxes = new Map([...nested].map(([name, inner]) => [name, boxOf(inner)]));
  const outside = graph.nodes.filter(({ map }) => map === undefined || !names.has(map));
  const level = { ...graph, nodes: outside };
  const mainPath = mainPathOf(graph);
  const sizeOf = (name: string) => boxes.get(name) ?? sizes;
  const mainBlock = block(level, sizes, sizeOf, (name) => mainPath.has(name));
  const sideBlock = block(level, sizes, sizeOf, (name) => !mainPath.has(name));
  const entries = graph.edges
    .filter(({ from, to }) => mainBlock.positions.has(from) && sideBlock.positions.has(to))
    .map(({ from, to }) => (mainBlock.positions.get(from)?.y ?? 0) - (sideBlock.positions.get(to)?.y ?? 0));
  const down = Math.max(0, Math.min(...entries, Number.MAX_SAFE_INTEGER));
  const across = mainBlock.width === 0 ? 0 : mainBlock.width + sizes.betweenBlocks;
  const positions = new Map([
    ...mainBlock.positions,
    ...[...sideBlock.positions].map(([name, { x, y }]) => [name, { x: x + across, y: y + down }] as const),
  ]);
  for (const [name, inner] of nested) {
    const box = positions.get(name) ?? { x: 0, y: 0 };
    for (const [state, { x, y }] of inner.positions)
      positions.set(state, { x: box.x + BOX.inside + x, y: box.y + BOX.title + y });
    for (const state of inner.mainPath) mainPath.add(state);
    for (const [map, size] of inner.boxes) boxes.set(map, size);
  }
  const beside = sideBlock.positions.size > 0;
  return {
    width: beside ? across + sideBlock.width : mainBlock.width,
    height: Math.max(mainBlock.height, beside ? sideBlock.height + down : 0),
    positions,
    boxes,
    mainPath,
  };
}

/** The graph of the iterations of a Map. */
function iterationOf({ nodes, edges }: Graph, map: string, start: string): Graph {
  const inside = new Set([map]);
  const isInside = ({ map: outer }: GraphNode) => outer !== undefined && inside.has(outer);
  for (const outer of inside) for (const { name, map: of } of nodes) if (of === outer) inside.add(name);
  return {
    start,
    nodes: nodes.filter(isInside),
    edges: edges.filter(({ from }) => from !== map && inside.has(from)),
  };
}

const boxOf = ({ width, height }: Size): Size => ({
  width: width + 2 * BOX.inside,
  height: height + BOX.title + BOX.inside,
});

/** The states that are reachable without a caught error, also in the iterations of a Map. */
function mainPathOf({ start, nodes, edges }: Graph): Set<string> {
  const path = new Set([start]);
  for (const name of path) {
    for (const { from, to, caught } of edges) if (from === name && !caught) path.add(to);
    const first = nodes.find((node) => node.name === name)?.start;
    if (first !== undefined) path.add(first);
  }
  return path;
}

/** Lays out some of the states, top to bottom. */
function block(
  { nodes, edges }: Graph,
  { beside, below }: Sizes,
  sizeOf: (name: string) => Size,
  includes: (name: string) => boolean,
): Pick<Layout, 'width' | 'height' | 'positions'> {
  const graph = new dagre.graphlib.Graph();
  graph.setGraph({ rankdir: 'TB', nodesep: beside, ranksep: below });
  graph.setDefaultEdgeLabel(() => ({}));
  const names = nodes.map(({ name }) => name).filter(includes);
  const isLaidOut = new Set(names);
  for (const name of names) {
    const { width, height } = sizeOf(name);
    graph.setNode(name, { width, height });
  }
  for (const { from, to, caught } of edges)
    if (isLaidOut.has(from) && isLaidOut.has(to)) graph.setEdge(from, to, { weight: caught ? 1 : 20 });
  dagre.layout(graph);
  const positions = new Map(
    names.map((name) => {
      const { x, y } = graph.node(name);
      const { width, height } = sizeOf(name);
      return [name, { x: x - width / 2, y: y - height / 2 }];
    }),
  );
  const all = [...positions].map(([name, { x, y }]) => ({ x, y, ...sizeOf(name) }));
  return {
    width: Math.max(0, ...all.map(({ x, width }) => x + width)),
    height: Math.max(0, ...all.map(({ y, height }) => y + height)),
    positions,
  };
}
