import { describe, expect, it } from '@jest/globals';
import { type Import, importsBelow } from '../../docs/generate/imports.ts';

/** Who may import whom. */
const parts = ['contracts', 'handlers', 'workflows', 'infra', 'examples'] as const;

const imports = importsBelow(parts);
const within = (...places: string[]) => {
  const found = imports.filter(({ from }) => places.some((place) => from.startsWith(place)));
  expect(found.length).toBeGreaterThan(0);
  return found;
};
const shown = (found: Import[]) => found.map(({ from, to }) => `${from} imports ${to}`);

describe('imports', () => {
  it('of contracts are zod and contracts', () => {
    const others = within('contracts/').filter(({ to }) => to !== 'zod' && !to.startsWith('contracts/'));

    expect(shown(others)).toEqual([]);
  });

  it('of handlers are no CDK, no infra and no workflow', () => {
    const others = within('handlers/').filter(({ to }) =>
      /^(aws-cdk|constructs|infra\/|workflows\/)/.test(to),
    );

    expect(shown(others)).toEqual([]);
  });

  it.each([
    [
      'App1',
      ['handlers/app1/', 'workflows/app1/', 'infra/app1-'],
      /(^|\/)app2[/-](?!api\.ts|client\.ts|token\.ts)/,
    ],
    ['App2', ['handlers/app2/', 'workflows/app2/', 'infra/app2-'], /(^|\/)app1[/-]/],
  ])('of %s know nothing of the other service but the contract', (_service, places, other) => {
    expect(shown(within(...places).filter(({ to }) => other.test(to)))).toEqual([]);
  });

  it('of what the services share know neither of them', () => {
    const shared = within('handlers/shared/', 'workflows/states.ts', 'workflows/retry-policies.ts');

    expect(shown(shared.filter(({ to }) => /^(handlers|workflows)\/app[12]\//.test(to)))).toEqual([]);
  });

  it('of examples are what a subscriber is given: the events, and the construct by which it subscribes', () => {
    const others = within('examples/').filter(
      ({ to }) =>
        parts.some((part) => to.startsWith(`${part}/`)) &&
        !/^(examples|contracts\/events)\//.test(to) &&
        to !== 'infra/constructs/event-subscription.ts',
    );

    expect(shown(others)).toEqual([]);
  });

  it('of everything else know nothing of examples', () => {
    const others = within('contracts/', 'handlers/', 'workflows/', 'infra/');

    expect(shown(others.filter(({ to }) => to.startsWith('examples/')))).toEqual([]);
  });

  it('of what is deployed know nothing of local AWS and of tests', () => {
    expect(shown(within(...parts).filter(({ to }) => /^(local|test)\//.test(to)))).toEqual([]);
  });

  it('of the acceptance know a deployed system by its outputs: neither the local AWS nor tests', () => {
    const others = importsBelow(['acceptance']).filter(({ to }) => /^(local|test|bench|trace)\//.test(to));

    expect(shown(others)).toEqual([]);
  });

  it('name files as they are, with their extension', () => {
    const inexact = within(...parts).filter(
      ({ to }) => to.includes('/') && parts.some((part) => to.startsWith(`${part}/`)) && !to.endsWith('.ts'),
    );

    expect(shown(inexact)).toEqual([]);
  });
});
