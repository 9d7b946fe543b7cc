import type { Execution, Graph, GraphEdge, Step } from '../model.ts';

/**
 * The parts of App1's executions that the page shows. With one target, the states of the iterations stand in the place
 * of their Map. With several, each target has a pane with its iterations, and the steps outside the Maps stand above.
 */

/** A part of an execution: states and the steps in them. */
export interface View {
  graph: Graph;
  steps: readonly Step[];
}

/** The states outside the Maps. */
export const outsideMaps = ({ graph, steps }: View): View => ({
  graph: { ...graph, nodes: graph.nodes.filter(({ map }) => map === undefined).map(withoutStart) },
  steps: steps.filter(({ iteration }) => iteration === undefined),
});

/** The Maps with the states of their iterations, and the steps for one target; `undefined` without a step for it. */
export function atTarget(
  { graph, steps }: Pick<Execution, 'graph' | 'steps'>,
  target: string,
): View | undefined {
  const own = steps.filter((step) => step.target === target);
  const first = own[0]?.iteration?.map;
  if (first === undefined) return undefined;
  const nodes = graph.nodes.filter(({ map, start }) => map !== undefined || start !== undefined);
  return { graph: { ...graph, start: first, nodes, edges: edgesBetween(graph, nodes) }, steps: own };
}

/** Without boxes: the states of the iterations of each Map in its place. */
export function inlined({ graph, steps }: View): View {
  const maps = graph.nodes.flatMap(({ name, start }) => (start === undefined ? [] : [{ name, start }]));
  const isMap = (name: string) => maps.some((map) => map.name === name);
  const view = maps.reduce(inlineMap, graph);
  return {
    graph: {
      ...view,
      nodes: view.nodes.filter(({ name }) => !isMap(name)).map(({ map: _, start: __, ...node }) => node),
    },
    steps: steps.flatMap(({ iteration: _, ...step }) => (isMap(step.name) ? [] : [step])),
  };
}

/** Replaces the edges of a Map by edges of the states of its iterations. */
function inlineMap(graph: Graph, { name, start }: { name: string; start: string }): Graph {
  const inside = graph.nodes.filter(({ map }) => map === name);
  const isFail = ({ kind }: { kind: string }) => kind === 'fail';
  const continues = new Set(graph.edges.flatMap(({ from, caught }) => (caught ? [] : [from])));
  const failed = inside.filter(isFail);
  const last = inside.filter((node) => !isFail(node) && !continues.has(node.name));
  const edges = graph.edges.flatMap((edge): GraphEdge[] => {
    const to = edge.to === name ? start : edge.to;
    if (edge.from !== name) return [{ ...edge, to }];
    const { label: _, ...plain } = edge;
    return (edge.caught ? failed : last).map((state) => ({ ...plain, from: state.name, to }));
  });
  return { ...graph, start: graph.start === name ? start : graph.start, edges };
}

const withoutStart = ({ start: _, ...node }: Graph['nodes'][number]) => node;

const edgesBetween = ({ edges }: Graph, nodes: Graph['nodes']): GraphEdge[] => {
  const names = new Set(nodes.map(({ name }) => name));
  return edges.filter(({ from, to }) => names.has(from) && names.has(to));
};

/** Whether the error of a Map itself has to be visible: one that no iteration has. */
export const hasMapError = (steps: readonly Step[]): boolean =>
  steps.some(({ type, attempts }) => type === 'Map' && attempts.length > 0);
