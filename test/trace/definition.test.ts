import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { graphOf } from '../../trace/definition.ts';
import { machines } from './support/machines.ts';

const deployed = ['ProvisionServiceUser', 'CreateServiceUser', 'RollBackProvisioning', 'RollBackServiceUser'];
const golden = (name: string) =>
  readFileSync(join(import.meta.dirname, '..', 'workflows', 'golden', `${name}.asl.json`), 'utf8');

describe('the graph of a definition', () => {
  const { nodes, edges, start } = graphOf(machines.CreateServiceUser, false);
  const node = (name: string) => nodes.find((one) => one.name === name);

  it('has its states, and what each of them is', () => {
    expect(start).toBe('DecryptCredentials');
    expect(node('CreateUser')).toMatchObject({ kind: 'task', type: 'Task' });
    expect(node('UserCreated')).toMatchObject({ kind: 'succeed' });
    expect(node('RollBackFailed')).toMatchObject({ kind: 'fail' });
  });

  it('tells the ways on from those that caught errors lead to', () => {
    const from = edges.filter((edge) => edge.from === 'DecryptCredentials');
    expect(from).toEqual([
      { from: 'DecryptCredentials', to: 'CreateUser', caught: false },
      { from: 'DecryptCredentials', to: 'Cancelled', caught: true, label: 'Cancelled' },
      { from: 'DecryptCredentials', to: 'PublishUserCreationRejected', caught: true, label: 'any error' },
    ]);
  });

  it('marks as undo what only a caught error leads to', () => {
    const undo = nodes.filter((one) => one.undo).map(({ name }) => name);
    expect(undo).toContain('DeleteUser');
    expect(undo).toContain('PublishUserRolledBack');
    expect(undo).not.toContain('SetPassword');
    expect(undo).not.toContain('UserCreated');
  });

  it('marks every state as undo in a machine that undoes', () => {
    expect(graphOf(machines.RollBackServiceUser, true).nodes.every(({ undo }) => undo)).toBe(true);
  });

  it('has every way out of a choice, with its condition', () => {
    const choice = graphOf(machines.RollBackProvisioning, true).edges.filter(
      ({ from }) => from === 'WasItProvisioned',
    );
    expect(choice).toEqual([
      { from: 'WasItProvisioned', to: 'PublishDeprovisioned', caught: false, label: '$was_provisioned' },
      { from: 'WasItProvisioned', to: 'PublishProvisioningFailed', caught: false, label: 'otherwise' },
    ]);
  });

  it.each([
    ['CreateServiceUser', 'WaitForRateLimit', 'DeleteUser'],
    ['ProvisionServiceUser', 'RequestUserCreation', 'CancelUserCreation'],
  ])('has in %s a wait, %s, that is no undo, as %s is one', (name, wait, undo) => {
    const { nodes } = graphOf(golden(name), false);
    const undoes = (state: string) => nodes.find((one) => one.name === state)?.undo;

    expect([undoes(wait), undoes(undo)]).toEqual([false, true]);
  });

  it.each(deployed)('is made of whatever is deployed as %s, with nothing that leads nowhere', (name) => {
    const graph = graphOf(golden(name), name.startsWith('RollBack'));
    const names = graph.nodes.map((one) => one.name);
    expect(names).toContain(graph.start);
    for (const { from, to } of graph.edges) expect(names).toEqual(expect.arrayContaining([from, to]));
    for (const one of names) expect([graph.start, ...graph.edges.map(({ to }) => to)]).toContain(one);
  });
});
