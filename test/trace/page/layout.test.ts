import { describe, expect, it } from '@jest/globals';
import { parseGraph } from '../../../trace/definition.ts';
import {
  type Layout,
  layoutOf,
  narrow,
  relevantGraph,
  type Sizes,
  takenEdges,
  wide,
} from '../../../trace/page/layout.ts';
import { type MachineName, machines } from '../support/machines.ts';

const graph = parseGraph(machines.CreateServiceUser, false);
const steps = [
  'DecryptCredentials',
  'CreateUser',
  'DeleteUser',
  'PublishUserRolledBack',
  'UserCreationRolledBack',
].map((name) => ({ name }));
const positionOf = ({ positions }: Layout, name: string) => {
  const position = positions.get(name);
  if (position === undefined) throw new Error(`${name} has no position.`);
  return position;
};

interface Rectangle {
  x: number;
  y: number;
  width: number;
  height: number;
}
const rectangleOf = (layout: Layout, name: string, { width, height }: Sizes): Rectangle => ({
  width,
  height,
  ...layout.boxes.get(name),
  ...positionOf(layout, name),
});
const areApart = (a: Rectangle, b: Rectangle) =>
  a.x + a.width <= b.x || b.x + b.width <= a.x || a.y + a.height <= b.y || b.y + b.height <= a.y;
const contains = (outer: Rectangle, inner: Rectangle) =>
  inner.x > outer.x &&
  inner.y > outer.y &&
  inner.x + inner.width < outer.x + outer.width &&
  inner.y + inner.height < outer.y + outer.height;

describe('layoutOf', () => {
  it('places the states of the main path below each other', () => {
    const layout = layoutOf(graph, wide);
    const mainPath = ['DecryptCredentials', 'CreateUser', 'SetPassword', 'AddToGroup', 'UserCreated'];
    const positions = mainPath.map((name) => positionOf(layout, name));
    expect(new Set(positions.map(({ x }) => x)).size).toBe(1);
    expect(positions.map(({ y }) => y)).toEqual(positions.map(({ y }) => y).sort((a, b) => a - b));
  });

  it('places compensation beside the failed state', () => {
    const layout = layoutOf(relevantGraph(graph, steps), wide);
    expect(positionOf(layout, 'DeleteUser').y).toBe(positionOf(layout, 'CreateUser').y);
    expect(positionOf(layout, 'DeleteUser').x).toBeGreaterThan(
      positionOf(layout, 'CreateUser').x + wide.width,
    );
  });

  it.each([wide, narrow])('places the states of a Map in its box, with a width of $width', (sizes) => {
    const { nodes, ...rest } = parseGraph(machines.ProvisionServiceUser, false);
    const layout = layoutOf({ nodes, ...rest }, sizes);
    const inside = nodes.filter(({ map }) => map !== undefined);

    expect(inside).toHaveLength(8);
    for (const { name, map = '' } of inside)
      expect(contains(rectangleOf(layout, map, sizes), rectangleOf(layout, name, sizes))).toBe(true);
  });

  it.each(
    (Object.keys(machines) as MachineName[]).flatMap((name) =>
      [wide, narrow].map((sizes) => ({ name, sizes })),
    ),
  )(
    // the object's own keys
    'places no two states on top of each other: $name with a width of $sizes.width',
    ({ name, sizes }) => {
      const visible = parseGraph(machines[name], false);
      const layout = layoutOf(visible, sizes);
      const all = visible.nodes.map((node) => ({ ...node, ...rectangleOf(layout, node.name, sizes) }));
      for (const [index, a] of all.entries())
        for (const b of all.slice(index + 1))
          expect(areApart(a, b) || a.name === b.map || b.name === a.map).toBe(true);
      for (const { x, y, width, height } of all) {
        expect(x).toBeGreaterThanOrEqual(0);
        expect(y).toBeGreaterThanOrEqual(0);
        expect(x + width).toBeLessThanOrEqual(layout.width);
        expect(y + height).toBeLessThanOrEqual(layout.height);
      }
    },
  );
});

describe('relevantGraph', () => {
  it('contains the main path and the compensating states that were entered', () => {
    const names = relevantGraph(graph, steps).nodes.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(['AddToGroup', 'UserCreated', 'DeleteUser']));
    expect(names).not.toContain('PublishUserCreationRejected');
  });

  it('contains only the edges of caught errors that were taken', () => {
    const caught = relevantGraph(graph, steps).edges.filter((edge) => edge.caught);
    expect(caught.map(({ from, to }) => `${from} ${to}`)).toEqual(['CreateUser DeleteUser']);
  });
});

describe('takenEdges', () => {
  it('contains those within each iteration of a Map, and those outside', () => {
    const at = (name: string, index: number) => ({ name, iteration: { map: 'ProvisionTargets', index } });

    const taken = takenEdges([
      { name: 'PublishRequested' },
      { name: 'ProvisionTargets' },
      at('Authenticate', 0),
      at('Authenticate', 1),
      at('EncryptCredentials', 1),
      at('EncryptCredentials', 0),
      at('RequestUserCreation', 0),
      { name: 'PublishProvisioned' },
    ]);

    expect([...taken].sort()).toEqual([
      'Authenticate→EncryptCredentials',
      'EncryptCredentials→RequestUserCreation',
      'ProvisionTargets→PublishProvisioned',
      'PublishRequested→ProvisionTargets',
    ]);
  });
});
