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
import { atTarget, hasMapError, inlined, outsideMaps, type View } from './views.ts';

interface Props {
  execution: Execution;
  /** Name of the target, in the pane of a target; then only its iterations are shown of an execution of App1. */
  target?: string | undefined;
  /** Whether the provisioning has several targets, so that the iterations of App1 are in their panes. */
  hasPanes: boolean;
  now: string;
  /** Key of the chosen step. */
  chosen: string | undefined;
  choose: (step: string) => void;
}

/** What of an execution is shown at first, and with all states. */
function viewsOf({ execution, target, hasPanes }: Pick<Props, 'execution' | 'target' | 'hasPanes'>): {
  short: View;
  whole: View;
} {
  const { graph, steps } = execution;
  const whole = target === undefined ? undefined : atTarget(execution, target);
  if (whole !== undefined) return { short: whole, whole };
  if (hasPanes) return { short: outsideMaps({ graph, steps }), whole: { graph, steps } };
  return {
    short: hasMapError(steps) ? { graph, steps } : inlined({ graph, steps }),
    whole: { graph, steps },
  };
}

/** The graph of a state machine with the status of each state in one execution. */
export function StateMachineView({ execution, target, hasPanes, now, chosen, choose }: Props) {
  const {
    service,
    state_machine,
    name,
    roll_back,
    graph,
    steps,
    started_at,
    stopped_at,
    redrives,
    truncated,
  } = execution;
  const [showsAll, setShowsAll] = useState(false);
  const names = steps.map((step) => step.name).join(' ');
  // biome-ignore lint/correctness/useExhaustiveDependencies: laid out again when other states were entered, not at each poll
  const { short, whole } = useMemo(() => {
    const views = viewsOf({ execution, target, hasPanes });
    return {
      ...views,
      short: { ...views.short, graph: relevantGraph(views.short.graph, views.short.steps) },
    };
  }, [names, graph.nodes.length, target, hasPanes]);
  const views = viewsOf({ execution, target, hasPanes });
  const visibleGraph = showsAll ? whole.graph : short.graph;
  const visibleSteps = (showsAll ? views.whole : views.short).steps;
  const hidden = whole.graph.nodes.length - short.graph.nodes.length;
  const attempt = roll_back ? attemptIn(name) : 1;
  const title = attempt > 1 ? `${state_machine} (attempt ${attempt})` : state_machine;
  const isPart = target !== undefined;
  const where =
    target === undefined || service === target
      ? serviceLabel(service)
      : `${serviceLabel(service)} at ${serviceLabel(target)}`;
  return (
    <section className="state-machine" aria-label={`${where}, ${title}`}>
      <header>
        <span className="service">{serviceLabel(service)}</span>
        {isPart ? <h4>{title}</h4> : <h3>{title}</h3>}
        {target === undefined || service === target ? <StateBadge {...executionLabel(execution)} /> : null}
        <span className="dim">
          {timeText(started_at, now)}, {durationText(started_at, stopped_at, now)}
          {redrives > 0 && `, redriven ${redrives} ×`}
        </span>
      </header>
      <ReactFlowProvider>
        <Flow {...{ execution, now, chosen, choose, visibleGraph, visibleSteps }} />
      </ReactFlowProvider>
      <footer>
        {(hidden > 0 || showsAll) && (
          <Switch
            size="xs"
            checked={showsAll}
            onChange={({ currentTarget }) => setShowsAll(currentTarget.checked)}
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

const nodeTypes = { state: StateNode, map: MapNode };

/** The smallest zoom of the graph; below it, the user pans. */
const SMALLEST = 0.62;
const MARGIN = 16;

/** Below this width of the graph, the states are narrower. */
const NARROW = 460;

interface FlowProps extends Pick<Props, 'execution' | 'now' | 'chosen' | 'choose'> {
  visibleGraph: Graph;
  visibleSteps: readonly Step[];
}

function Flow({ execution, now, chosen, choose, visibleGraph, visibleSteps }: FlowProps) {
  const scheme = useComputedColorScheme('light');
  const { ref, width } = useElementSize();
  const sizes = width < NARROW ? narrow : wide;
  const layout = useMemo(() => layoutOf(visibleGraph, sizes), [visibleGraph, sizes]);
  const largest = window.innerWidth >= 2000 ? 1.5 : 1;
  const zoom = Math.min(largest, Math.max(SMALLEST, (width - 2 * MARGIN) / layout.width));
  const height = Math.ceil(layout.height * zoom) + 2 * MARGIN;
  const x = Math.max(MARGIN, (width - layout.width * zoom) / 2);
  const nodes = nodesOf({ execution, visibleGraph, visibleSteps, now, chosen, choose }, layout, sizes);
  const edges = edgesOf(visibleSteps, visibleGraph, layout);
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
  { execution, visibleGraph, visibleSteps, now, chosen, choose }: FlowProps,
  layout: Layout,
  sizes: Sizes,
): Node<NodeData>[] {
  // Tab follows the order in which states were entered.
  const order = (name: string) => {
    const index = visibleSteps.findIndex((step) => step.name === name);
    return index < 0 ? Number.MAX_SAFE_INTEGER : index;
  };
  return [...visibleGraph.nodes]
    .sort((a, b) => order(a.name) - order(b.name))
    .map((node) => {
      const entries = visibleSteps.filter(({ name }) => name === node.name);
      const { step, label, note } = summaryOfEntries(entries, now);
      const key = step === undefined ? undefined : `${execution.id}/${step.id}`;
      const box = layout.boxes.get(node.name);
      const data: NodeData = {
        node,
        step: key,
        chosen: entries.some(({ id }) => `${execution.id}/${id}` === chosen),
        choose,
        label: label ?? { tone: 'idle', text: unreachedText(execution) },
        note,
      };
      return {
        id: node.name,
        type: box === undefined ? 'state' : 'map',
        position: layout.positions.get(node.name) ?? { x: 0, y: 0 },
        data,
        width: box?.width ?? sizes.width,
        height: box?.height ?? sizes.height,
        ...(box === undefined ? {} : { zIndex: -1 }),
      };
    });
}

/** The most urgent tone first. */
const URGENCY = ['bad', 'warn', 'run', 'compensation', 'good', 'idle'];

/**
 * The status of a state that was entered by these steps: of the latest one, or, in several iterations of a Map, of the
 * latest one of each, `2 done, 1 failed`. `step` is the most urgent of them.
 */
function summaryOfEntries(
  entries: readonly Step[],
  now: string,
): { step?: Step; label?: StateLabel; note: string } {
  const latest = [...new Map(entries.map((step) => [step.iteration?.index, step])).values()];
  const [first] = latest
    .map((step) => ({ step, label: stepLabel(step) }))
    .sort((a, b) => URGENCY.indexOf(a.label.tone) - URGENCY.indexOf(b.label.tone));
  if (first === undefined) return { note: '' };
  if (latest.length === 1) return { ...first, note: noteText(first.step, entries.length, now) };
  const counts = new Map<string, number>();
  for (const { text } of latest.map(stepLabel)) counts.set(text, (counts.get(text) ?? 0) + 1);
  const text = [...counts].map(([what, number]) => `${number} ${what}`).join(', ');
  return { step: first.step, label: { tone: first.label.tone, text }, note: '' };
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

/** The box of a Map around the states of its iterations. */
function MapNode({ data }: NodeProps<Node<NodeData>>) {
  const { node, label, note, step, chosen, choose } = data;
  const title = (
    <>
      <span className="state-name">{node.name}</span>
      {step !== undefined && (
        <span className="state-note">{[label.text, note].filter((part) => part !== '').join(' · ')}</span>
      )}
    </>
  );
  return (
    <>
      <Handle id="top" type="target" position={Position.Top} isConnectable={false} />
      <Handle id="left" type="target" position={Position.Left} isConnectable={false} />
      <div className={`map-box${chosen ? ' chosen' : ''}`}>
        {step === undefined ? (
          <div className="map-title">{title}</div>
        ) : (
          <button
            type="button"
            className="map-title nodrag nopan"
            aria-pressed={chosen}
            onClick={() => choose(step)}
          >
            {title}
          </button>
        )}
      </div>
      <Handle id="bottom" type="source" position={Position.Bottom} isConnectable={false} />
      <Handle id="right" type="source" position={Position.Right} isConnectable={false} />
    </>
  );
}

function edgesOf(steps: readonly Step[], visibleGraph: Graph, layout: Layout): Edge[] {
  const { mainPath, positions, boxes } = layout;
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
      targetHandle: leavesMainPath && (level || boxes.has(edge.to)) ? 'left' : 'top',
      type: 'smoothstep',
      focusable: false,
      className: `edge${edge.caught ? ' caught' : ''}${wasTaken ? ' taken' : ''}`,
      zIndex: wasTaken ? 1 : 0,
      ...(edge.label === undefined || edge.label === 'any error' ? {} : { label: shortLabel(edge.label) }),
      markerEnd: {
        type: MarkerType.ArrowClosed,
        color: wasTaken ? 'var(--strong-edge)' : 'var(--edge)',
        ...(wasTaken ? { width: 10, height: 10 } : {}),
      },
    };
  });
}

/** A condition without the path to the input of the state, which would be wider than the state. */
const shortLabel = (label: string): string => label.replaceAll('$states.input.', '');
