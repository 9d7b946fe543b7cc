import { describe, expect, it } from '@jest/globals';
import { parseGraph } from '../../../trace/definition.ts';
import { type Layout, layoutOf, narrow, relevantGraph, wide } from '../../../trace/page/layout.ts';
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

  it.each(
    (Object.keys(machines) as MachineName[]).flatMap((name) =>
      [wide, narrow].map((sizes) => ({ name, sizes })),
    ),
  )(
    // the object's own keys
    'places no two states on top of each other: $name with a width of $sizes.width',
    ({ name, sizes }) => {
      const layout = layoutOf(parseGraph(machines[name], false), sizes);
      const all = [...layout.positions.values()];
      for (const [index, a] of all.entries())
        for (const b of all.slice(index + 1))
          expect(Math.abs(a.x - b.x) >= sizes.width || Math.abs(a.y - b.y) >= sizes.height).toBe(true);
      for (const { x, y } of all) {
        expect(x).toBeGreaterThanOrEqual(0);
        expect(y).toBeGreaterThanOrEqual(0);
        expect(x + sizes.width).toBeLessThanOrEqual(layout.width);
        expect(y + sizes.height).toBeLessThanOrEqual(layout.height);
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
