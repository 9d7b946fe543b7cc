import { describe, expect, it } from '@jest/globals';
import { graphOf } from '../../../trace/definition.ts';
import { essence, type Layout, layoutOf, narrow, wide } from '../../../trace/page/layout.ts';
import { type MachineName, machines } from '../support/machines.ts';

const graph = graphOf(machines.CreateServiceUser, false);
const steps = [
  'DecryptCredentials',
  'CreateUser',
  'DeleteUser',
  'PublishUserRolledBack',
  'UserCreationRolledBack',
].map((name) => ({ name }));
const placed = ({ places }: Layout, name: string) => {
  const place = places.get(name);
  if (place === undefined) throw new Error(`${name} has no place.`);
  return place;
};

describe('where states stand', () => {
  it('is one below the other on the way when all goes well', () => {
    const layout = layoutOf(graph, wide);
    const way = ['DecryptCredentials', 'CreateUser', 'SetPassword', 'AddToGroup', 'UserCreated'];
    const places = way.map((name) => placed(layout, name));
    expect(new Set(places.map(({ x }) => x)).size).toBe(1);
    expect(places.map(({ y }) => y)).toEqual(places.map(({ y }) => y).sort((a, b) => a - b));
  });

  it('is beside the state that failed for what undoes it', () => {
    const layout = layoutOf(essence(graph, steps), wide);
    expect(placed(layout, 'DeleteUser').y).toBe(placed(layout, 'CreateUser').y);
    expect(placed(layout, 'DeleteUser').x).toBeGreaterThan(placed(layout, 'CreateUser').x + wide.width);
  });

  it.each(
    (Object.keys(machines) as MachineName[]).flatMap((name) =>
      [wide, narrow].map((sizes) => ({ name, sizes })),
    ),
  )(
    // its own keys
    'is never where another one stands: $name, $sizes.width wide',
    ({ name, sizes }) => {
      const layout = layoutOf(graphOf(machines[name], false), sizes);
      const all = [...layout.places.values()];
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

describe('the part that tells what happened', () => {
  it('has the whole way, and of the undo what was entered', () => {
    const names = essence(graph, steps).nodes.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(['AddToGroup', 'UserCreated', 'DeleteUser']));
    expect(names).not.toContain('PublishUserCreationRejected');
  });

  it('has of the edges that errors take the one that was taken', () => {
    const caught = essence(graph, steps).edges.filter((edge) => edge.caught);
    expect(caught.map(({ from, to }) => `${from} ${to}`)).toEqual(['CreateUser DeleteUser']);
  });
});
