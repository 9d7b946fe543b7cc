import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { parseGraph } from '../../trace/definition.ts';
import { machines } from './support/machines.ts';

const deployed = ['ProvisionServiceUser', 'CreateServiceUser', 'RollBackProvisioning', 'RollBackServiceUser'];
const golden = (name: string) =>
  readFileSync(join(import.meta.dirname, '..', 'workflows', 'golden', `${name}.asl.json`), 'utf8');

describe('parseGraph', () => {
  const { nodes, edges, start } = parseGraph(machines.CreateServiceUser, false);
  const node = (name: string) => nodes.find((one) => one.name === name);

  it('returns the states with their kinds', () => {
    expect(start).toBe('DecryptCredentials');
    expect(node('CreateUser')).toMatchObject({ kind: 'task', type: 'Task' });
    expect(node('UserCreated')).toMatchObject({ kind: 'succeed' });
    expect(node('RollBackFailed')).toMatchObject({ kind: 'fail' });
  });

  it('distinguishes edges of caught errors from other edges', () => {
    const from = edges.filter((edge) => edge.from === 'DecryptCredentials');
    expect(from).toEqual([
      { from: 'DecryptCredentials', to: 'CreateUser', caught: false },
      { from: 'DecryptCredentials', to: 'Cancelled', caught: true, label: 'Cancelled' },
      { from: 'DecryptCredentials', to: 'PublishUserCreationRejected', caught: true, label: 'any error' },
    ]);
  });

  it('marks states that only a caught error leads to as compensation', () => {
    const compensating = nodes.filter((one) => one.compensation).map(({ name }) => name);
    expect(compensating).toContain('DeleteUser');
    expect(compensating).toContain('PublishUserRolledBack');
    expect(compensating).not.toContain('SetPassword');
    expect(compensating).not.toContain('UserCreated');
  });

  it('marks every state of a roll-back state machine as compensation', () => {
    expect(
      parseGraph(machines.RollBackServiceUser, true).nodes.every(({ compensation }) => compensation),
    ).toBe(true);
  });

  it('returns the states in the iterations of a Map, with their Map and their first state', () => {
    const { nodes } = parseGraph(machines.ProvisionServiceUser, false);

    expect(nodes.find(({ name }) => name === 'ProvisionTargets')).toEqual({
      name: 'ProvisionTargets',
      kind: 'map',
      type: 'Map',
      compensation: false,
      start: 'Authenticate',
    });
    expect(nodes.flatMap(({ name, map }) => (map === 'ProvisionTargets' ? [name] : []))).toEqual([
      'Authenticate',
      'EncryptCredentials',
      'RequestUserCreation',
      'TargetFailed',
    ]);
  });

  it('marks every state in a Map that compensates as compensation', () => {
    const { nodes } = parseGraph(machines.ProvisionServiceUser, false);
    const compensating = nodes.filter(({ map }) => map === 'CompensateTargets');

    expect(compensating.map(({ compensation }) => compensation)).toEqual([true, true, true, true]);
  });

  it('returns one edge for several catchers with the same next state', () => {
    const { edges } = parseGraph(machines.ProvisionServiceUser, false);

    expect(edges.filter(({ from, caught }) => from === 'ProvisionTargets' && caught)).toEqual([
      { from: 'ProvisionTargets', to: 'CompensateTargets', caught: true, label: 'any error' },
    ]);
  });

  it('returns every edge of a choice with its condition', () => {
    const choice = parseGraph(machines.RollBackProvisioning, true).edges.filter(
      ({ from }) => from === 'ChoosePublishedOutcome',
    );
    expect(choice).toEqual([
      { from: 'ChoosePublishedOutcome', to: 'PublishDeprovisioned', caught: false, label: '$had_succeeded' },
      { from: 'ChoosePublishedOutcome', to: 'PublishProvisioningFailed', caught: false, label: 'otherwise' },
    ]);
  });

  it.each([
    ['CreateServiceUser', 'WaitForRateLimit', 'DeleteUser'],
    ['ProvisionServiceUser', 'RequestUserCreation', 'CancelUserCreation'],
  ])('does not mark the wait of %s, %s, as compensation, but %s', (name, wait, compensation) => {
    const { nodes } = parseGraph(golden(name), false);
    const isCompensation = (state: string) => nodes.find((one) => one.name === state)?.compensation;

    expect([isCompensation(wait), isCompensation(compensation)]).toEqual([false, true]);
  });

  it.each(deployed)('parses the deployed definition of %s into a connected graph', (name) => {
    const graph = parseGraph(golden(name), name.startsWith('RollBack'));
    const names = graph.nodes.map((one) => one.name);
    expect(names).toContain(graph.start);
    for (const { from, to } of graph.edges) expect(names).toEqual(expect.arrayContaining([from, to]));
    const entries = [graph.start, ...graph.nodes.map(({ start }) => start)];
    for (const one of names) expect([...entries, ...graph.edges.map(({ to }) => to)]).toContain(one);
  });
});
