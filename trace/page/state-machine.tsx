import { Switch, useComputedColorScheme } from '@mantine/core';
import { useElementSize } from '@mantine/hooks';
import {
  Controls,
  type Edge,
  Handle,
  MarkerType,
  type Node,
  type NodeProps,
  Position,
  ReactFlow,
  ReactFlowProvider,
} from '@xyflow/react';
import { useMemo, useState } from 'react';
import { attemptIn } from '../../handlers/shared/roll-back-names.ts';
import type { Execution, Graph, GraphNode, Step } from '../model.ts';
import { StateBadge, ToneIcon } from './icon.tsx';
import {
  durationText,
  executionLabel,
  retriesText,
  type StateLabel,
  serviceLabel,
  stepLabel,
  timeText,
} from './labels.ts';
import {
  edgeKey,
  type Layout,
  layoutOf,
  narrow,
  relevantGraph,
  type Sizes,
  takenEdges,
  wide,
} from './layout.ts';

interface Props {
  execution: Execution;
  now: string;
  /** Key of the chosen step. */
  chosen: string | undefined;
  choose: (step: string) => void;
}

/** The graph of a state machine with the status of each state in one execution. */
export function StateMachineView({ execution, now, chosen, choose }: Props) {
  const { state_machine, name, roll_back, graph, steps, started_at, stopped_at, redrives, truncated } =
    execution;
  const [whole, setWhole] = useState(false);
  const names = steps.map((step) => step.name).join(' ');
  // biome-ignore lint/correctness/useExhaustiveDependencies: laid out again when other states were entered, not at each poll
  const visibleGraph = useMemo(
    () => (whole ? graph : relevantGraph(graph, steps)),
    [whole, names, graph.nodes.length],
  );
  const hidden = graph.nodes.length - relevantGraph(graph, steps).nodes.length;
  const attempt = roll_back ? attemptIn(name) : 1;
  const title = attempt > 1 ? `${state_machine} (attempt ${attempt})` : state_machine;
  return (
    <section className="state-machine" aria-label={`${serviceLabel(execution.service)}, ${title}`}>
      <header>
        <span className="service">{serviceLabel(execution.service)}</span>
        <h3>{title}</h3>
        <StateBadge {...executionLabel(execution)} />
        <span className="dim">
          {timeText(started_at, now)}, {durationText(started_at, stopped_at, now)}
          {redrives > 0 && `, redriven ${redrives} ×`}
        </span>
      </header>
      <ReactFlowProvider>
        <Flow {...{ execution, now, chosen, choose, visibleGraph }} />
      </ReactFlowProvider>
      <footer>
        {(hidden > 0 || whole) && (
          <Switch
            size="xs"
            checked={whole}
            onChange={({ currentTarget }) => setWhole(currentTarget.checked)}
            label={`All states (${hidden} more)`}
          />
        )}
        {truncated && <span className="dim">Only the first part of its history was read.</span>}
      </footer>
    </section>
  );
}

interface NodeData extends Record<string, unknown> {
  node: GraphNode;
  label: StateLabel;
  /** Duration and retries, if it was entered. */
  note: string;
  step: string | undefined;
  chosen: boolean;
  choose: (step: string) => void;
}

const nodeTypes = { state: StateNode };

/** The smallest zoom of the graph; below it, the user pans. */
const SMALLEST = 0.62;
const MARGIN = 16;

/** Below this width of the graph, the states are narrower. */
const NARROW = 460;

function Flow({ execution, now, chosen, choose, visibleGraph }: Props & { visibleGraph: Graph }) {
  const scheme = useComputedColorScheme('light');
  const { ref, width } = useElementSize();
  const sizes = width < NARROW ? narrow : wide;
  const layout = useMemo(() => layoutOf(visibleGraph, sizes), [visibleGraph, sizes]);
  const largest = window.innerWidth >= 2000 ? 1.5 : 1;
  const zoom = Math.min(largest, Math.max(SMALLEST, (width - 2 * MARGIN) / layout.width));
  const height = Math.ceil(layout.height * zoom) + 2 * MARGIN;
  const x = Math.max(MARGIN, (width - layout.width * zoom) / 2);
  const nodes = nodesOf(execution, visibleGraph, layout, sizes, { now, chosen, choose });
  const edges = edgesOf(execution.steps, visibleGraph, layout);
  return (
    <div ref={ref} className="graph" style={{ height }}>
      {width > 0 && (
        <ReactFlow
          key={`${zoom} ${x}`}
          nodes={nodes}
          edges={edges}
          nodeTypes={nodeTypes}
          colorMode={scheme}
          defaultViewport={{ x, y: MARGIN, zoom }}
          minZoom={0.3}
          maxZoom={2}
          nodesDraggable={false}
          nodesConnectable={false}
          nodesFocusable={false}
          edgesFocusable={false}
          elementsSelectable={false}
          zoomOnScroll={false}
          zoomOnDoubleClick={false}
          preventScrolling={false}
          panOnDrag={layout.width * zoom > width}
          proOptions={{ hideAttribution: true }}
          aria-label={`States of ${execution.state_machine}`}
        >
          {layout.width * zoom > width && <Controls showInteractive={false} position="bottom-right" />}
        </ReactFlow>
      )}
    </div>
  );
}

function nodesOf(
  execution: Execution,
  visibleGraph: Graph,
  layout: Layout,
  { width, height }: Sizes,
  { now, chosen, choose }: Pick<Props, 'now' | 'chosen' | 'choose'>,
): Node<NodeData>[] {
  // Tab follows the order in which states were entered.
  const order = (name: string) => {
    const index = execution.steps.findIndex((step) => step.name === name);
    return index < 0 ? Number.MAX_SAFE_INTEGER : index;
  };
  return [...visibleGraph.nodes]
    .sort((a, b) => order(a.name) - order(b.name))
    .map((node) => {
      const entries = execution.steps.filter(({ name }) => name === node.name);
      const step = entries.at(-1);
      const key = step === undefined ? undefined : `${execution.id}/${step.id}`;
      const data: NodeData = {
        node,
        step: key,
        chosen: entries.some(({ id }) => `${execution.id}/${id}` === chosen),
        choose,
        label: step === undefined ? { tone: 'idle', text: unreachedText(execution) } : stepLabel(step),
        note: step === undefined ? '' : noteText(step, entries.length, now),
      };
      return {
        id: node.name,
        type: 'state',
        position: layout.positions.get(node.name) ?? { x: 0, y: 0 },
        data,
        width,
        height,
      };
    });
}

const unreachedText = ({ status }: Execution): string =>
  status === 'RUNNING' ? 'not reached yet' : 'not reached';

function noteText(step: Step, entries: number, now: string): string {
  const took = step.attempts.length === 0 ? '' : durationText(step.entered_at, step.exited_at, now);
  const entriesText = entries > 1 ? `entered ${entries} ×` : '';
  // The label contains the number of the attempt.
  const open = step.status === 'running' || step.status === 'retrying';
  return [took, open ? '' : retriesText(step), entriesText].filter((part) => part !== '').join(', ');
}

/** Allows line breaks between the words of a name, with zero-width spaces. */
const breakable = (name: string): string => name.replace(/(?<=[a-z0-9])(?=[A-Z])/g, '\u200b');

function StateNode({ data }: NodeProps<Node<NodeData>>) {
  const { node, label, note, step, chosen, choose } = data;
  const content = (
    <>
      <ToneIcon {...label} size={20} />
      <span className="state-text">
        <span className="state-name">{breakable(node.name)}</span>
        <span className="state-note">{[label.text, note].filter((part) => part !== '').join(' · ')}</span>
      </span>
    </>
  );
  const end = node.kind === 'succeed' || node.kind === 'fail' ? ' end' : '';
  const className = `state tone-${label.tone}${end}${chosen ? ' chosen' : ''}`;
  return (
    <>
      <Handle id="top" type="target" position={Position.Top} isConnectable={false} />
      <Handle id="left" type="target" position={Position.Left} isConnectable={false} />
      {step === undefined ? (
        <div className={className} title={node.name}>
          {content}
        </div>
      ) : (
        <button
          type="button"
          className={`${className} nodrag nopan`}
          title={node.name}
          aria-pressed={chosen}
          onClick={() => choose(step)}
        >
          {content}
        </button>
      )}
      <Handle id="bottom" type="source" position={Position.Bottom} isConnectable={false} />
      <Handle id="right" type="source" position={Position.Right} isConnectable={false} />
    </>
  );
}

function edgesOf(steps: readonly Step[], visibleGraph: Graph, { mainPath, positions }: Layout): Edge[] {
  const taken = takenEdges(steps);
  return visibleGraph.edges.map((edge, index) => {
    const leavesMainPath = mainPath.has(edge.from) && !mainPath.has(edge.to);
    const wasTaken = taken.has(edgeKey(edge));
    const level = positions.get(edge.from)?.y === positions.get(edge.to)?.y;
    return {
      id: `${index} ${edgeKey(edge)}`,
      source: edge.from,
      target: edge.to,
      sourceHandle: leavesMainPath ? 'right' : 'bottom',
      targetHandle: leavesMainPath && level ? 'left' : 'top',
      type: 'smoothstep',
      focusable: false,
      className: `edge${edge.caught ? ' caught' : ''}${wasTaken ? ' taken' : ''}`,
      zIndex: wasTaken ? 1 : 0,
      ...(edge.label === undefined || edge.label === 'any error' ? {} : { label: edge.label }),
      markerEnd: {
        type: MarkerType.ArrowClosed,
        color: wasTaken ? 'var(--strong-edge)' : 'var(--edge)',
        ...(wasTaken ? { width: 10, height: 10 } : {}),
      },
    };
  });
}
